/**
 * L11 How long until data is published again after something was killed or frozen? A whole deployment (`up`, its own Temporal
 * server and market, a real InfluxDB) in real time, on minutes, so that a candle closes often.
 *
 *   node OUT/bench/recovery.js        (npm run bench -- recovery; about ten minutes)
 *
 * Prints one line a trouble: seconds until the newest closed minute was published, and from when they are counted.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MINUTE } from '../src/domain/timeframe';
import type { EpochMs } from '../src/domain/types';
import { startInfluxd } from '../tests/influxd-server';

const SETTLE_MS = 5_000;
const LONGEST_MS = 10 * MINUTE;
const folder = mkdtempSync(join(tmpdir(), 'coin-predict-recovery-'));
const manifestFile = join(folder, 'simulated', 'public', 'manifest.json');

interface Entry {
  readonly timeframe: string;
  readonly files: { readonly history: { readonly data_through: string } | null };
}

/** Up to which close all minutes are published; 0 before the first manifest. */
function publishedThrough(): EpochMs {
  try {
    const { entries } = JSON.parse(readFileSync(manifestFile, 'utf8')) as { readonly entries: readonly Entry[] };
    const minutes = entries.filter(({ timeframe }) => timeframe === '1m');
    const through = minutes.map(({ files }) => Date.parse(files.history?.data_through ?? ''));
    return minutes.length === 0 ? 0 : Math.min(...through);
  } catch {
    return 0;
  }
}

const lastClose = (): EpochMs => Math.floor((Date.now() - SETTLE_MS) / MINUTE) * MINUTE;

/** Waits until the close is published; the moment at which it was seen. */
async function untilPublished(close: EpochMs): Promise<EpochMs> {
  for (const began = Date.now(); Date.now() - began < LONGEST_MS; await delay(50)) {
    if (publishedThrough() >= close) return Date.now();
  }
  throw new Error(`${new Date(close).toISOString()} was not published within ${LONGEST_MS / MINUTE} minutes`);
}

/** The process of this deployment that was started as `verb`. */
function pidOf(parent: number, verb: string): number {
  for (const name of readdirSync('/proc')) {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      if (Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]) === parent && words.includes(verb)) {
        return Number(name);
      }
    } catch {
      // Not a process, or one that has just ended.
    }
  }
  throw new Error(`no ${verb} runs`);
}

async function measure(): Promise<void> {
  const influx = await startInfluxd();
  const environment = {
    PATH: process.env.PATH,
    DATA_DIR: folder,
    EXCHANGE: 'simulated',
    SYMBOLS: 'BTC/USDT,ETH/USDT',
    TIMEFRAMES: '1h,1m',
    STORE: 'influx',
    INFLUXDB_URL: influx.url,
    INFLUXDB_TOKEN: influx.token,
    INFLUXDB_ORG: influx.org,
    INFLUXDB_BUCKET: 'candles',
  };
  const start = (): ChildProcess =>
    spawn(process.execPath, [join('bin', 'coin-predict.js'), 'up'], { env: environment, stdio: 'ignore' });
  let up = start();
  const worker = (): number => pidOf(up.pid ?? 0, 'worker');
  const temporal = (): number => Number(readFileSync(join(folder, 'simulated', 'temporal.db.pid'), 'utf8'));

  const rows: Record<string, unknown>[] = [];
  const told = (trouble: string, counted: string, ms: readonly number[], goal: string): void => {
    const seconds = ms.map((each) => (each / 1000).toFixed(1)).join(', ');
    rows.push({ trouble, 'seconds from': counted, seconds, goal });
    console.error(`${trouble}: ${seconds} s`);
  };
  /** So long before a minute closes that its cycle meets the trouble. */
  const beforeClose = async (ms: number): Promise<EpochMs> => {
    const close = (Math.floor((Date.now() + ms) / MINUTE) + 1) * MINUTE;
    await delay(close - ms - Date.now());
    return close;
  };
  /** From now on, until everything that has closed by then is there. */
  const caughtUp = async (): Promise<number> => {
    const from = Date.now();
    return (await untilPublished(lastClose())) - from;
  };
  try {
    await untilPublished(lastClose());
    const calm: number[] = [];
    for (let k = 0; k < 3; k++) {
      const close = await beforeClose(1_000);
      calm.push((await untilPublished(close)) - close);
    }
    told('none', 'the close', calm, '');

    const killed: number[] = [];
    for (const ms of [10_000, 1_000, -6_000]) {
      const close = await beforeClose(ms);
      process.kill(worker(), 'SIGKILL');
      killed.push((await untilPublished(close)) - close);
    }
    told('worker killed 10 s and 1 s before a close, 6 s after', 'the close', killed, 'in time: before the next close');

    await beforeClose(20_000);
    const frozen = worker();
    process.kill(frozen, 'SIGSTOP');
    await delay(MINUTE);
    process.kill(frozen, 'SIGCONT');
    told('worker frozen for 60 s', 'the thaw', [await caughtUp()], 'at most 120');

    await beforeClose(3_000);
    process.kill(temporal(), 'SIGKILL');
    await delay(SETTLE_MS + 3_000);
    told(
      'Temporal killed, started again by `up`',
      '8 s after the kill',
      [await caughtUp()],
      'at most 60 once it is back',
    );

    await beforeClose(3_000);
    await influx.kill();
    await delay(30_000);
    await influx.restart();
    told('InfluxDB killed, back after 30 s', 'its return', [await caughtUp()], 'at most 60');

    await beforeClose(3_000);
    const victims = [up.pid ?? 0, worker(), pidOf(up.pid ?? 0, 'serve'), pidOf(up.pid ?? 0, 'market'), temporal()];
    for (const pid of victims) process.kill(pid, 'SIGKILL');
    await influx.kill();
    await delay(20_000);
    await influx.restart();
    up = start();
    told('everything killed, started again after 20 s', 'the start', [await caughtUp()], 'at most 180');
    console.log(`time until published again, on minutes of 2 pairs with InfluxDB (load ${loadavg()[0]?.toFixed(1)})`);
    console.table(rows);
  } finally {
    up.kill('SIGTERM');
    if (up.exitCode === null) await new Promise((resolve) => up.once('exit', resolve));
    await influx.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

void measure();
