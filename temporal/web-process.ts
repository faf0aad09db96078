/** The web servers of one source; they read published files only and need neither worker nor Temporal. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Running } from '../src/cli/wiring';
import type { Config } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';
import type { EpochMs } from '../src/domain/types';
import { systemClock } from '../src/ports/clock';
import { readPublishedAsOf } from '../src/publish/published-reader';
import { serveWeb } from '../src/web/serve-web';
import { isOurMarket, sourceFolder } from './source';
import type { SourceFolder } from './source';

/** @param asOf the one moment to show, or null for what is published now, by the clock. */
export async function runWebProcess(
  config: Config,
  source: string,
  log: Logger,
  asOf: EpochMs | null = null,
): Promise<Running> {
  const folder = sourceFolder(config.dataDir, source);
  const past = asOf === null ? null : await lookBack(folder, asOf);
  const web = await serveWeb({
    publicDir: folder.published,
    // Of the operators' manifest only the newest is kept, which would be the future.
    opsDir: past === null ? folder.ops : join(folder.ops, 'none'),
    source,
    live: !isOurMarket(source) && config.exchangeUrl === null,
    clock: systemClock,
    ...past,
    pageDir: join(__dirname, '..', 'page'),
    opsPageDir: join(__dirname, '..', 'ops-page'),
    schemasDir: join(__dirname, '..', '..', 'docs', 'schemas'),
    opsSchemasDir: join(__dirname, '..', '..', 'docs', 'ops-schemas'),
    logger: log,
    opsToken: config.opsToken,
    trustedProxies: config.trustedProxies,
    web: {
      host: config.webHost,
      port: config.webPort,
      explicit: config.explicit.has('WEB_PORT'),
      variable: 'WEB_PORT',
    },
    ops: {
      host: config.opsHost,
      port: config.opsPort,
      explicit: config.explicit.has('OPS_PORT'),
      variable: 'OPS_PORT',
    },
  });
  return {
    facts: { page: web.url, manifest: `${web.url}/static/manifest.json`, operations: `${web.opsUrl}/ops`, source },
    ended: new Promise<void>(() => {}),
    stop: () => web.close(),
  };
}

async function lookBack(folder: SourceFolder, asOf: EpochMs) {
  const reader = readPublishedAsOf(folder.published, asOf);
  if ((await reader.manifest()) === null) {
    throw new PipelineError(
      'invalid_input',
      `nothing that was published by ${new Date(asOf).toISOString()} is kept in ${folder.published}: ask for a later moment, or replay until that one`,
    );
  }
  return { reader, asOf, clock: { now: () => asOf, monotonic: () => systemClock.monotonic() } };
}
