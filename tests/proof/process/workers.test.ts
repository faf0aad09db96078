/** Two worker processes that are killed and stopped in mid-cycle leave what an undisturbed one leaves. */
import { setTimeout as delay } from 'node:timers/promises';
import { DAY, HOUR } from '../../../src/domain/timeframe';
import { openDeployment } from './deployment';
import type { Content, Deployment, WorkerProcess } from './deployment';

const START = Date.UTC(2024, 0, 1);
/** 130 days: enough hours and days to forecast on both timeframes. */
const FROM = START + 130 * DAY - 2 * HOUR;
const TO = START + 130 * DAY + 2 * HOUR + 5_000;
const OPTIONS = { symbols: ['BTC/USDT', 'ETH/USDT'], timeframes: ['1h', '1d'], start: START, end: START + 131 * DAY };

let golden: Content;
const fired = { SIGKILL: 0, SIGTERM: 0 };

async function withDeployment<T>(work: (deployment: Deployment) => Promise<T>): Promise<T> {
  const deployment = await openDeployment(OPTIONS);
  try {
    return await work(deployment);
  } finally {
    await deployment.stop();
  }
}

beforeAll(async () => {
  golden = await withDeployment(async (deployment) => {
    const worker = await deployment.startWorker();
    await deployment.drive(FROM, TO);
    expect(await worker.end('SIGTERM')).toBe(0);
    expect(await deployment.breaches()).toEqual([]);
    return deployment.content();
  });
}, 180_000);

/** Ends one of two workers again and again, at seeded moments, while the slots are driven. */
async function disturbed(
  deployment: Deployment,
  signal: 'SIGKILL' | 'SIGTERM',
  pausesMs: readonly number[],
): Promise<void> {
  const workers: WorkerProcess[] = [await deployment.startWorker(), await deployment.startWorker()];
  let over = false;
  const driving = deployment.drive(FROM, TO).finally(() => {
    over = true;
  });
  for (const [k, pause] of pausesMs.entries()) {
    await delay(pause);
    if (over) break;
    const victim = workers[k % 2];
    const code = await victim?.end(signal);
    if (signal === 'SIGTERM') expect(code).toBe(0);
    fired[signal] += 1;
    workers[k % 2] = await deployment.startWorker();
  }
  await driving;
  for (const worker of workers) await worker.end('SIGTERM');
}

async function expectUndisturbed(deployment: Deployment): Promise<void> {
  const content = await deployment.content();
  expect(content.entries).toEqual(golden.entries);
  expect(content.candles).toBe(golden.candles);
  expect(content.forecasts).toBe(golden.forecasts);
  expect(await deployment.breaches()).toEqual([]);
  // I25: dense, none twice, whatever was killed in mid-commit.
  expect(content.generations).toEqual(content.generations.map((_, k) => (content.generations[0] ?? 0) + k));
  const boundaries = await deployment.boundaries(FROM, TO);
  expect(boundaries.length).toBeGreaterThanOrEqual(6);
  expect(boundaries.filter((line) => !line.endsWith(' done'))).toEqual([]);
  const runs = await deployment.runs();
  for (const timeframe of OPTIONS.timeframes) {
    const ofOne = runs.filter((run) => run.timeframe === timeframe).toSorted((a, b) => a.startedAt - b.startedAt);
    for (const [k, run] of ofOne.entries()) {
      expect(run.startedAt).toBeGreaterThanOrEqual(ofOne[k - 1]?.endedAt ?? 0);
    }
  }
}

test('I10 I14 I16 F21 workers killed with SIGKILL in mid-cycle: no lost boundary, no overlap, the same content', async () => {
  await withDeployment(async (deployment) => {
    await disturbed(deployment, 'SIGKILL', [300, 700, 1_900]);
    await expectUndisturbed(deployment);
  });
}, 240_000);

test('F06 workers stopped with SIGTERM in mid-cycle end with 0 and lose nothing', async () => {
  await withDeployment(async (deployment) => {
    await disturbed(deployment, 'SIGTERM', [300, 500, 400]);
    await expectUndisturbed(deployment);
  });
}, 240_000);

test('every fault fired', () => {
  console.info(JSON.stringify(fired));
  expect(fired.SIGKILL).toBeGreaterThan(0);
  expect(fired.SIGTERM).toBeGreaterThan(0);
});
