/** The operators' server: their page and manifest, readiness, health and metrics. On the loopback address by default. */
import { join } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Clock } from '../ports/clock';
import { opsManifestSchema } from '../publish/documents';
import { readPublished, type PublishedReader } from '../publish/published-reader';
import { sendContent, sendError, sendJson } from './answer';
import { createApp } from './app';
import { CACHE, OPS_JSON_HEADERS, PAGE_HEADERS } from './headers';
import { OPS_DOCUMENTS } from './ops-documents';
import { readOpsDocument, type ReadDocument } from './ops-document-file';
import { requireToken } from './ops-token';
import { loadFiles } from './page-files';
import { PublishedFolder, type Snapshot } from './published-folder';
import { createWebMetrics, type WebMetrics } from './web-metrics';

export interface OpsOptions {
  readonly publicDir: string;
  /** Holds the operators' `manifest.json` and the documents of {@link OPS_DOCUMENTS}. */
  readonly opsDir: string;
  readonly source: string;
  readonly clock: Clock;
  /** JSON Schemas of these documents, served as `/ops/schemas/{name}.json`. */
  readonly opsSchemasDir?: string;
  /** The built ops page. */
  readonly opsPageDir?: string;
  /** True when bound to the loopback address: then only local names are answered (no DNS rebinding). */
  readonly loopbackOnly?: boolean;
  /** Asked of every reader when set. */
  readonly token?: string | null;
  /** Reads `publicDir`; another one is given by tests. */
  readonly reader?: PublishedReader;
  readonly logger?: FastifyBaseLogger | undefined;
  /** Those of the process, which both servers share. */
  readonly metrics?: WebMetrics;
}

/** The ops server, not yet listening. */
export function buildOps(options: OpsOptions): FastifyInstance {
  const app = createApp({ audience: 'operators', logger: options.logger });
  const folder = new PublishedFolder(options.reader ?? readPublished(options.publicDir), options.clock);
  const metrics = options.metrics ?? createWebMetrics(false);
  metrics.count(app);
  if (options.loopbackOnly ?? true) refuseForeignNames(app);
  if (options.token) requireToken(app, options.token);
  const headers = { ...PAGE_HEADERS, 'cache-control': CACHE.never };
  for (const [path, content] of loadFiles(options.opsPageDir ?? join(__dirname, '..', '..', 'ops-page'), '/ops/')) {
    const address = path === '/ops/index.html' ? '/ops' : path;
    app.get(address, (request, reply) => sendContent(request, reply, content, headers, CACHE.never));
  }
  for (const [path, content] of loadFiles(options.opsSchemasDir ?? 'docs/ops-schemas', '/ops/schemas/'))
    app.get(path, (request, reply) => sendContent(request, reply, content, OPS_JSON_HEADERS, CACHE.never));
  app.get('/', (_request, reply) => reply.headers(headers).redirect('/ops', 302));
  addDocument(app, 'manifest', readOpsDocument(options.opsDir, 'manifest', opsManifestSchema));
  for (const [name, schema] of Object.entries(OPS_DOCUMENTS)) {
    addDocument(app, name, readOpsDocument<object>(options.opsDir, name, schema));
  }
  app.get('/healthz', (_request, reply) => sendJson(reply, 200, { status: 'ok' }, OPS_JSON_HEADERS));
  app.get('/readyz', async (_request, reply) => {
    const faults = readinessFaults(await folder.current(), options.source, options.clock.now());
    return sendJson(reply, faults.length === 0 ? 200 : 503, { ready: faults.length === 0, faults }, OPS_JSON_HEADERS);
  });
  app.get('/metrics', async (_request, reply) => {
    reply.headers({ ...OPS_JSON_HEADERS, 'content-type': metrics.contentType });
    return reply.send(await metrics.text(await folder.current(), options.clock.now()));
  });
  return app;
}

function addDocument(app: FastifyInstance, name: string, read: ReadDocument<object>): void {
  app.get(`/ops/${name}.json`, async (request, reply) => {
    const found = await read();
    if (typeof found === 'object') return sendJson(reply, 200, found, OPS_JSON_HEADERS);
    if (found === 'absent') {
      return sendError(request, reply, 503, { error: 'nothing_published', message: `there is no ${name}.json yet` });
    }
    const message = `${name}.json breaks its schema; its writer makes it anew`;
    return sendError(request, reply, 503, { error: 'invalid_document', message });
  });
}

function refuseForeignNames(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    if (/^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(request.headers.host ?? '')) return undefined;
    return sendError(request, reply, 403, { error: 'forbidden_host', message: 'ask by localhost or 127.0.0.1' });
  });
}

/** Why this server should not be sent readers, in sentences; empty when it is ready. */
export function readinessFaults(snapshot: Snapshot | null, source: string, now: number): string[] {
  if (snapshot === null) return ['nothing has been published yet'];
  const { manifest } = snapshot;
  return [
    snapshot.lastGood ? 'the manifest on disk is not valid; the last good one is served' : null,
    manifest.source === source ? null : `published from ${manifest.source}, but this server is set to ${source}`,
    now > Date.parse(manifest.expires_at) ? `the publisher is late: it was due by ${manifest.expires_at}` : null,
  ].filter((fault) => fault !== null);
}
