/** A worker that can not start ends, so that whoever watches it sees it and starts it again. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../free-port';

const ROOT = join(__dirname, '..', '..', '..');
const CLI = join(ROOT, 'dist', 'temporal', 'cli.js');
const PATIENCE_MS = 60_000;

async function workerEnds(environment: NodeJS.ProcessEnv): Promise<{ code: number | null; told: string }> {
  if (!existsSync(CLI)) throw new Error('run "node scripts/build.mjs" first');
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-worker-'));
  const env = { PATH: process.env.PATH, DATA_DIR: folder, EXCHANGE: 'simulated', ...environment };
  const worker = spawn(process.execPath, [CLI, 'worker'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  worker.stderr.on('data', (text: Buffer) => (told += text.toString()));
  const timer = setTimeout(() => worker.kill('SIGKILL'), PATIENCE_MS);
  const code = await new Promise<number | null>((resolve) => worker.once('exit', resolve));
  clearTimeout(timer);
  rmSync(folder, { recursive: true, force: true });
  return { code, told };
}

const urls = async () => ({
  EXCHANGE_URL: `http://127.0.0.1:${await freePort()}`,
  TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
});

test(
  'one whose store can not be used ends with 3 and the variable, before it has met Temporal',
  async () => {
    const influx = createServer((_, response) => response.end(JSON.stringify({ allowed: true })));
    await new Promise<void>((resolve) => influx.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(influx.address() as AddressInfo).port}`;
    const store = { STORE: 'influx', INFLUXDB_URL: url, INFLUXDB_TOKEN: 'a-token', INFLUXDB_ORG: 'any' };
    const { code, told } = await workerEnds({ ...store, ...(await urls()) });
    influx.close();
    expect(told).toContain('has not been set up');
    expect(code).toBe(3);
  },
  PATIENCE_MS + 20_000,
);
