/** A real influxd on a folder and a port of its own, for tests and benchmarks; run from the root of the repository. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { InfluxOptions } from '../src/adapters/influx/influx-options';
import { freePort } from './free-port';

const run = promisify(execFile);
const SCRIPT = join(process.cwd(), 'scripts', 'influxd.mjs');

async function binary(): Promise<string> {
  const { stdout } = await run(process.execPath, [SCRIPT], { maxBuffer: 1e7 });
  return stdout.trim();
}

export interface TestInflux {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly token: string;
  readonly org: string;
  /** How to reach it with an own bucket, which is made when it is opened; `port` of a proxy instead of the server's. */
  options(bucket: string, port?: number): InfluxOptions;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again on the same files and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface InfluxdOptions {
  /** Folder of its files, kept when it stops. Default: an own one, removed then. */
  readonly folder?: string;
  /** Has a user, an organisation and a token. Default: true. */
  readonly setUp?: boolean;
}

export async function startInfluxd(options: InfluxdOptions = {}): Promise<TestInflux> {
  const executable = await binary();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'coin-predict-influxd-')));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const token = `test-token-${process.pid}-${port}`;
  let child = await start(executable, folder, port);
  if (options.setUp !== false) {
    const body = { username: 'operator', password: 'operator-pass', org: 'coin-predict', bucket: 'first', token };
    const answer = await fetch(`${url}/api/v2/setup`, { method: 'POST', body: JSON.stringify(body) });
    if (answer.status !== 201) throw new Error(`influxd refused its setup: ${await answer.text()}`);
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
  };
  return {
    url,
    port,
    get pid() {
      return child.pid ?? 0;
    },
    token,
    org: 'coin-predict',
    options: (bucket, through = port) => ({
      url: `http://127.0.0.1:${through}`,
      token,
      org: 'coin-predict',
      bucket,
    }),
    kill: () => end('SIGKILL'),
    restart: async () => {
      child = await start(executable, folder, port);
    },
    stop: async () => {
      await end('SIGKILL');
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function start(executable: string, folder: string, port: number): Promise<ChildProcess> {
  const flags = {
    'bolt-path': join(folder, 'influxd.bolt'),
    'sqlite-path': join(folder, 'influxd.sqlite'),
    'engine-path': join(folder, 'engine'),
    'http-bind-address': `127.0.0.1:${port}`,
    'reporting-disabled': 'true',
    'log-level': 'error',
  };
  const child = spawn(
    executable,
    Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr?.on('data', (data: Buffer) => (errors = `${errors}${data.toString()}`.slice(-2000)));
  for (let wait = 0; wait < 600; wait++) {
    if (child.exitCode !== null) throw new Error(`influxd ended with ${child.exitCode}: ${errors}`);
    const health = await fetch(`http://127.0.0.1:${port}/health`).catch(() => null);
    if (health?.ok === true) return child;
    await delay(100);
  }
  child.kill('SIGKILL');
  throw new Error('influxd did not answer within a minute');
}
