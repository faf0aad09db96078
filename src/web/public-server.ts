/** The public server: the page, the published documents and `/status`. It holds no route but GET and HEAD (S02). */
import { join } from 'node:path';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isTimeframe } from '../domain/timeframe';
import type { EpochMs } from '../domain/types';
import type { Clock } from '../ports/clock';
import type { ManifestEntry } from '../publish/documents';
import { readPublished, type PublishedReader } from '../publish/published-reader';
import { JSON_TYPE, sendContent, sendError, sendJson } from './answer';
import { createApp, LIMITS, sendNotFound } from './app';
import { Content } from './content';
import { judgeEntry, verdictHoldsUntil } from './entry-status';
import { CACHE, PAGE_HEADERS, PUBLIC_JSON_HEADERS } from './headers';
import { HotPath } from './hot-path';
import { readOpsManifest } from './ops-document-file';
import { loadFiles } from './page-files';
import { PublishedFolder, type NamedDocument, type Snapshot } from './published-folder';
import { readerAddress } from './reader-address';
import { RequestRate } from './request-rate';
import {
  answerHoldsUntil,
  buildStatusAnswer,
  readStatusQuestion,
  readSymbolName,
  summariseStages,
} from './status-answer';
import type { WebMetrics } from './web-metrics';

export interface WebOptions {
  /** Holds `manifest.json`, `objects/` and `generations/`. */
  readonly publicDir: string;
  /** Holds the operators' `manifest.json`, for the success and failure times of `/status`. */
  readonly opsDir: string;
  /** Where the candles of this deployment come from: an exchange's id or `simulated`. */
  readonly source: string;
  /** False when prices are not today's real ones; the page then says so, whatever the documents say. */
  readonly live: boolean;
  /** The one moment that is shown; the clock must stand there and the reader read it. Absent: now. */
  readonly asOf?: EpochMs | undefined;
  readonly clock: Clock;
  /** The built page: the output of scripts/build-page.mjs. */
  readonly pageDir?: string;
  /** JSON Schemas, served as `/schemas/{name}.json`. */
  readonly schemasDir?: string;
  /** Reads `publicDir`; another one is given by tests. */
  readonly reader?: PublishedReader;
  readonly logger?: FastifyBaseLogger | undefined;
  /** Those of the process, which both servers share. */
  readonly metrics?: WebMetrics;
  readonly headersTimeout?: number | undefined;
  /** Addresses and networks of proxies that are believed when they say for whom they ask. */
  readonly trustedProxies?: readonly string[];
}

/** The public server, not yet listening: `inject` works on it as it is. */
export function buildWeb(options: WebOptions): FastifyInstance {
  const folder = new PublishedFolder(options.reader ?? readPublished(options.publicDir), options.clock);
  const rate = new RequestRate(LIMITS.requestsPerMinute);
  const addressOf = readerAddress(options.trustedProxies ?? []);
  const hot = new HotPath(folder, options.clock, rate, addressOf);
  const app = createApp({
    ...options,
    audience: 'public',
    rate,
    readerAddress: addressOf,
    onShed: () => options.metrics?.shed(),
    before: (request, response) => {
      const answered = hot.answer(request, response);
      if (answered) options.metrics?.repeated();
      return answered;
    },
  });
  options.metrics?.count(app);
  app.addHook('preClose', async () => hot.close());
  addPage(app, options);
  addDocuments(app, { folder, clock: options.clock, hot });
  addStatus(app, folder, hot, options);
  addGone(app);
  addFiles(
    app,
    loadFiles(options.schemasDir ?? join(process.cwd(), 'docs', 'schemas'), '/schemas/'),
    PUBLIC_JSON_HEADERS,
  );
  app.get('/healthz', (_request, reply) =>
    sendJson(reply, 200, { status: 'ok', source: options.source, live: options.live }, PUBLIC_JSON_HEADERS),
  );
  return app;
}

function addPage(app: FastifyInstance, options: WebOptions): void {
  const files = loadFiles(options.pageDir ?? join(__dirname, '..', '..', 'page'));
  const index = files.get('/index.html');
  if (index !== undefined) {
    const page = markPage(index, options);
    files.set('/', page);
    files.set('/index.html', page);
  }
  addFiles(app, files, PAGE_HEADERS);
}

/** The page names its market and its moment in `meta` elements, so that it knows before a document is read. */
function markPage(page: Content, { live, source, asOf }: WebOptions): Content {
  const market = live ? '' : source === 'replay' ? 'replay' : 'simulated';
  const moment = asOf === undefined ? '' : new Date(asOf).toISOString();
  const marked = page.bytes
    .toString('utf8')
    .replace('name="market" content=""', `name="market" content="${market}"`)
    .replace('name="as-of" content=""', `name="as-of" content="${moment}"`);
  return new Content(Buffer.from(marked), page.type);
}

function addFiles(app: FastifyInstance, files: ReadonlyMap<string, Content>, headers: Record<string, string>): void {
  for (const [path, content] of files) {
    app.get(path, (request, reply) => sendContent(request, reply, content, headers, CACHE.revalidate));
  }
}

interface DocumentPorts {
  readonly folder: PublishedFolder;
  readonly clock: Clock;
  readonly hot: HotPath;
}

const ALWAYS = { from: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY } as const;

/** Header lists as {@link HotPath} repeats them. */
function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flat();
}

function addDocuments(app: FastifyInstance, ports: DocumentPorts): void {
  const { folder, hot } = ports;
  app.get('/static/manifest.json', async (request, reply) => {
    const snapshot = await folder.current();
    if (snapshot === null) return sendNothingPublished(request, reply);
    const headers = flat({ ...PUBLIC_JSON_HEADERS, 'cache-control': CACHE.revalidate });
    hot.remember(request.raw.url, snapshot, { ...ALWAYS, code: 200, headers, body: snapshot.content });
    return sendContent(request, reply, snapshot.content, PUBLIC_JSON_HEADERS, CACHE.revalidate);
  });
  const sendNamed = async (
    request: FastifyRequest,
    reply: FastifyReply,
    find: (snapshot: Snapshot) => NamedDocument | undefined,
    cacheControl: string,
  ) => {
    const snapshot = await folder.current();
    const named = snapshot === null ? undefined : find(snapshot);
    if (snapshot === null || named === undefined) return sendNotFound(request, reply);
    return sendDocument(request, reply, ports, { ...named, snapshot, cacheControl });
  };
  app.get<{ Params: { name: string } }>('/static/:name', (request, reply) =>
    sendNamed(request, reply, (snapshot) => snapshot.byName.get(request.params.name), CACHE.revalidate),
  );
  app.get<{ Params: { name: string } }>('/static/objects/:name', (request, reply) => {
    const hash = /^([0-9a-f]{64})\.json$/.exec(request.params.name)?.[1] ?? '';
    return sendNamed(request, reply, (snapshot) => snapshot.byHash.get(hash), CACHE.immutable);
  });
}

/** The document when its pair may be served at this instant, else 503 with the reason. */
async function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  { folder, clock, hot }: DocumentPorts,
  {
    entry,
    file,
    snapshot,
    cacheControl,
  }: NamedDocument & { readonly snapshot: Snapshot; readonly cacheControl: string },
): Promise<FastifyReply> {
  const worst = await worstDocument(folder, entry);
  const read = file === null ? 'missing' : await folder.document(file);
  const now = clock.now();
  const verdict = judgeEntry(entry, now, worst);
  if (verdict.serveAllowed && file !== null && typeof read !== 'string') {
    const headers = flat({ ...PUBLIC_JSON_HEADERS, 'cache-control': cacheControl });
    const until = verdictHoldsUntil(entry, now);
    hot.remember(request.raw.url, snapshot, { from: now, until, code: 200, headers, body: file.sha256 });
    return sendContent(request, reply, read, PUBLIC_JSON_HEADERS, cacheControl);
  }
  return sendError(request, reply, 503, {
    error: 'not_servable',
    message: `${entry.symbol} ${entry.timeframe} is not served now: ${verdict.reason ?? verdict.status}`,
    symbol: entry.symbol,
    timeframe: entry.timeframe,
    status: verdict.status,
    reason: verdict.reason,
    data_through: entry.data_through,
  });
}

function sendNothingPublished(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const message = 'nothing has been published yet; the first manifest appears after the first cycle';
  return sendError(request, reply, 503, { error: 'nothing_published', message });
}

function addStatus(app: FastifyInstance, folder: PublishedFolder, hot: HotPath, options: WebOptions): void {
  const readOps = readOpsManifest(options.opsDir);
  app.get<{ Params: { symbol: string } }>('/status/:symbol', async (request, reply) => {
    const question = readStatusQuestion(request.params.symbol, request.query);
    if ('fault' in question) return sendError(request, reply, 400, { error: 'bad_request', message: question.fault });
    const snapshot = await folder.current();
    const entry = snapshot?.byPair.get(`${question.symbolName} ${question.timeframe}`);
    if (snapshot === null || entry === undefined) return sendNotFound(request, reply);
    const document = await worstDocument(folder, entry);
    const record = summariseStages(await readOps(), entry.key);
    const { expires_at: manifestExpiresAt } = snapshot.manifest;
    const now = options.clock.now();
    const answer = buildStatusAnswer({ entry, now, document, manifestExpiresAt, record });
    const code = answer.serve_allowed ? 200 : 503;
    const repeatable = repeatableJson(answer, code);
    const until = answerHoldsUntil(entry, manifestExpiresAt, now);
    hot.remember(request.raw.url, snapshot, { from: now, until, ...repeatable });
    return sendJson(reply, code, answer, PUBLIC_JSON_HEADERS);
  });
}

function repeatableJson(value: object, code: number): { code: number; headers: string[]; body: Buffer } {
  const body = Buffer.from(JSON.stringify(value));
  const own = { 'cache-control': CACHE.never, 'content-type': JSON_TYPE, 'content-length': String(body.length) };
  return { code, headers: flat({ ...PUBLIC_JSON_HEADERS, ...own }), body };
}

/** A pair is as good as the worse of its two documents. */
async function worstDocument(folder: PublishedFolder, entry: ManifestEntry): Promise<'ok' | 'missing' | 'corrupt'> {
  const { history, prediction } = entry.files;
  const first = history === null ? null : await folder.document(history);
  const second = prediction === null ? null : await folder.document(prediction);
  if (first === 'corrupt' || second === 'corrupt') return 'corrupt';
  return first === 'missing' || second === 'missing' ? 'missing' : 'ok';
}

/** Addresses of the system this one replaces: they say where the same content is now, whether or not it exists. */
function addGone(app: FastifyInstance): void {
  for (const [path, kind] of [
    ['/history/:symbol', 'history'],
    ['/predict/:symbol', 'prediction'],
  ] as const) {
    app.get<{ Params: { symbol: string } }>(path, (request, reply) => {
      const symbol = readSymbolName(request.params.symbol);
      if (symbol === null) {
        const message = 'write the symbol like BTC_USDT or BTC%2FUSDT';
        return sendError(request, reply, 400, { error: 'bad_request', message });
      }
      const asked: unknown = (request.query as { timeframe?: unknown }).timeframe;
      const timeframe = typeof asked === 'string' && isTimeframe(asked) ? asked : '{timeframe}';
      const replacement = `/static/${kind}_${symbol}_${timeframe}.json`;
      const message = `this address is gone; read ${replacement}`;
      return sendError(request, reply, 410, { error: 'gone', message, replaced_by: replacement });
    });
  }
}
