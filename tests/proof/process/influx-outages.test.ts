/**
 * InfluxDB started late, killed, frozen and out of space while a history is filled and while cycles run: what was acknowledged is stored, what
 * is stored was on the market, and the history is complete once it is well again (F14, F13, F12, F33, I11). The short form
 * freezes it for seconds, the full form (`npm run proof:process`) for longer than any request waits.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DAY, HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { EpochMs, Pair } from '../../../src/domain/types';
import { unproved } from '../../checker/findings';
import type { Rule } from '../../checker/findings';
import { describeOnInflux, INFLUXD_START_MS, startInfluxd } from '../../influxd';
import type { TestInflux } from '../../influxd';
import { mayMount } from '../../possible';
import { smallDisk } from '../../ports/small-disk';
import type { SmallDisk } from '../../ports/small-disk';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import { openDeployment } from './deployment';
import type { Deployment, WorkerProcess } from './deployment';

const START = Date.UTC(2022, 0, 1);
/** A fill of many pages. */
const DAYS = FULL_PROOF ? 900 : 400;
const FROM = START + DAYS * DAY - HOUR;
const OPTIONS = {
  symbols: ['BTC/USDT', 'ETH/USDT'],
  timeframes: ['1h'],
  start: START,
  end: START + (DAYS + 2) * DAY,
};
const PAIRS = OPTIONS.symbols.map((symbol): Pair => ({ symbol: parseSymbol(symbol), timeframe: parseTimeframe('1h') }));
const ROUNDS = FULL_PROOF ? 4 : 1;
const LATE_MS = FULL_PROOF ? 60_000 : 4_000;
const FROZEN_MS = FULL_PROOF ? 40_000 : 4_000;
const DISK_MEGABYTES = 96;

const LATE = 'F14 influxd started after the worker';
const IN_FILL = 'F12 influxd killed while a history is filled';
const KILLED = 'F12 influxd killed while cycles run';
const FROZEN = 'F13 influxd frozen while cycles run';
const FULL = 'F33 the disk of influxd full while cycles run';
const FAULTS = [LATE, IN_FILL, KILLED, FROZEN, ...(mayMount ? [FULL] : [])];
const table = outcomeTable('influx-outages', FAULTS);
/** This market has every candle, changes none and bans nobody, and every pair has its minimum. */
const NOT_APPLICABLE: readonly Rule[] = ['I07 revised', 'I41 gate', 'I60 ban', 'I61 empty', 'I61 cursor', 'P16 synced'];

let folder: string;
let disk: SmallDisk | null = null;
let influx: TestInflux;
let deployment: Deployment;

/** Runs the slots of so many hours while `fault` happens; what the stages of the pairs told of it is the outcome. */
async function during(fault: string, from: EpochMs, hours: number, happens: () => Promise<void>): Promise<EpochMs> {
  const to = from + hours * HOUR;
  const driving = deployment.drive(from + 5_000, to + 5_000, { failures: 'allowed' });
  driving.catch(() => {});
  const began = Date.now();
  await happens();
  await driving;
  const told = await deployment.withStores(async ({ state }) => {
    const stages = await Promise.all(PAIRS.map((pair) => state.pairState.stages(pair)));
    const failed = stages.flat().filter(({ lastFailureAt }) => (lastFailureAt ?? 0) >= began);
    return [...new Set(failed.map(({ lastCode }) => lastCode))].join(', ');
  });
  table.fired(fault, told === '' ? 'waited for, no stage failed' : `stages told ${told}; caught up`);
  return to;
}

async function storedCount(): Promise<number> {
  return deployment
    .withStores(async ({ candles }) => {
      const extents = await Promise.all(PAIRS.map((pair) => candles.extent(pair)));
      return extents.reduce((sum, extent) => sum + (extent?.count ?? 0), 0);
    })
    .catch(() => 0);
}

/** A worker that finds no store waits for it, in the process that was started, and goes on when it answers. */
async function startWorkerFirst(): Promise<WorkerProcess> {
  await influx.kill();
  const starting = deployment.startWorker();
  const early = await Promise.race([starting, delay(LATE_MS, 'waits')]);
  expect(early).toBe('waits');
  await influx.restart();
  const worker = await starting;
  table.fired(LATE, 'the worker waited for it, in one process');
  return worker;
}

async function killAndRestart(): Promise<void> {
  await influx.kill();
  await delay(1_000);
  await influx.restart();
}

async function freeze(): Promise<void> {
  await delay(300);
  process.kill(influx.pid, 'SIGSTOP');
  await delay(FROZEN_MS);
  process.kill(influx.pid, 'SIGCONT');
}

/** Something else takes all that was left; then it is gone, and the operator starts the server again. */
async function fillDisk(): Promise<void> {
  const ballast = join(folder, 'disk', 'ballast');
  for (let megabytes = DISK_MEGABYTES; megabytes > 0; megabytes--) {
    try {
      writeFileSync(ballast, Buffer.alloc(1_000_000), { flag: 'a' });
    } catch {
      break;
    }
  }
  await delay(5_000);
  rmSync(ballast, { force: true });
  await killAndRestart();
}

describeOnInflux('an InfluxDB that fails under a deployment', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coin-predict-outages-'));
    if (mayMount) disk = smallDisk(folder, DISK_MEGABYTES);
    influx = await startInfluxd(disk === null ? {} : { folder: disk.folder });
    deployment = await openDeployment({ ...OPTIONS, influx });
  }, INFLUXD_START_MS);
  afterAll(async () => {
    await deployment.stop();
    await influx.stop();
    disk?.remove();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  test(
    'F14 F13 F12 F33 I11 acknowledged is stored, stored was on the market, and the history is complete afterwards',
    async () => {
      const worker = await startWorkerFirst();
      let at = await during(IN_FILL, FROM, 1, async () => {
        while ((await storedCount()) === 0) await delay(50);
        await killAndRestart();
      });
      for (let round = 0; round < ROUNDS; round++) {
        at = await during(KILLED, at, 2, killAndRestart);
        at = await during(FROZEN, at, 2, freeze);
        if (disk !== null) at = await during(FULL, at, 2, fillDisk);
      }
      await deployment.drive(at + 5_000, at + HOUR + 5_000);
      expect(await worker.end('SIGTERM')).toBe(0);
      expect(await deployment.breaches()).toEqual([]);
      const checked = await deployment.checked();
      expect(checked.breaches).toEqual([]);
      expect(unproved(checked, NOT_APPLICABLE)).toEqual([]);
      // Every hour from the first of the market to the last that had closed, of both.
      const hours = (at + HOUR - START) / HOUR;
      expect(await storedCount()).toBe(2 * hours);
      expect(table.finish()).toEqual([]);
    },
    FULL_PROOF ? 1_800_000 : 400_000,
  );
});
