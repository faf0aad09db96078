/** The built page with a published fixture behind the real server, for the browser tests. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { EpochMs } from '../../src/domain/types';
import { systemClock } from '../../src/ports/clock';
import { serveWeb } from '../../src/web/serve-web';
import { createFixture, type Fixture } from '../integration/web/published-fixture';

const ROOT = resolve(__dirname, '../..');

/** Builds both pages into a folder of its own; returns it with its removal. */
export function buildPages(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-page-'));
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'build-page.mjs'), folder], { cwd: ROOT });
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface PageServer {
  readonly url: string;
  readonly opsUrl: string;
  readonly fixture: Fixture;
  close(): Promise<void>;
}

export async function servePage(folder: string, live = false, asOf: EpochMs | null = null): Promise<PageServer> {
  const fixture = createFixture();
  const port = { host: '127.0.0.1', port: 0, explicit: true };
  const running = await serveWeb({
    publicDir: fixture.publicDir,
    opsDir: fixture.opsDir,
    source: live ? 'binance' : 'simulated',
    live,
    clock: asOf === null ? systemClock : { now: () => asOf, monotonic: () => systemClock.monotonic() },
    ...(asOf === null ? {} : { asOf, source: 'replay' }),
    pageDir: join(folder, 'page'),
    opsPageDir: join(folder, 'ops-page'),
    web: { ...port, variable: 'WEB_PORT' },
    ops: { ...port, variable: 'OPS_PORT' },
  });
  const { url, opsUrl } = running;
  const close = async () => {
    await running.close();
    fixture.remove();
  };
  return { url, opsUrl, fixture, close };
}
