/** The web servers of one source; they read published files only and need neither worker nor Temporal. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Running } from '../src/cli/wiring';
import type { Config } from '../src/config/config';
import { systemClock } from '../src/ports/clock';
import { serveWeb } from '../src/web/serve-web';
import { SIMULATED, sourceFolder } from './source';

export async function runWebProcess(config: Config, source: string, log: Logger): Promise<Running> {
  const folder = sourceFolder(config.dataDir, source);
  const web = await serveWeb({
    publicDir: folder.published,
    opsDir: folder.ops,
    source,
    live: source !== SIMULATED && config.exchangeUrl === null,
    clock: systemClock,
    pageDir: join(__dirname, '..', 'page'),
    opsPageDir: join(__dirname, '..', 'ops-page'),
    schemasDir: join(__dirname, '..', '..', 'docs', 'schemas'),
    logger: log,
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
    facts: { page: web.url, manifest: `${web.url}/static/manifest.json`, operations: web.opsUrl, source },
    ended: new Promise<void>(() => {}),
    stop: () => web.close(),
  };
}
