/** A hundred pairs at once, over real Temporal, stores, files and HTTP: an exchange that is down for all, one pair that is silent. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNotifiers } from '../../../src/adapters/webhook/notifiers';
import { PipelineError } from '../../../src/domain/errors';
import { HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { systemClock } from '../../../src/ports/clock';
import { cycleSchedules, MONITOR_SCHEDULE } from '../../../temporal/schedules';
import { largestPayload } from '../../payloads';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { startReceiver } from '../alerts/receiver';
import type { Receiver } from '../alerts/receiver';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
/** Enough to forecast, and no more. */
const BEFORE = 250;
const NOW = START + BEFORE * HOUR;
const SYMBOLS = Array.from({ length: 100 }, (_, k) => `C${String(k).padStart(2, '0')}/USDT`);
const SILENT = pairOf('C37/USDT', '1h');
const CYCLES = cycleSchedules([parseTimeframe('1h')], 5_000);
const MONITORS = { ...MONITOR_SCHEDULE, every: parseTimeframe('15m') };
/** The cycles that meet the outage; groups of a cycle; passes over what failed, and tries of a pass, in virtual time. */
const [CYCLES_DOWN, GROUPS, PASSES, TRIES] = [2, 4, 3, 3];

let temporal: TestTemporal;
let folder: string;
let receiver: Receiver;
let pipeline: Pipeline;
let reached = NOW;

beforeAll(async () => {
  temporal = await startTestTemporal();
  folder = await mkdtemp(join(tmpdir(), 'coin-predict-hundred-'));
  receiver = await startReceiver();
  const none = { discord: null, slack: null, webhookSecret: null };
  const policy = { allowedHosts: new Set([receiver.host]), timeoutMs: 2_000 };
  pipeline = await openPipeline(
    temporal,
    { DATA_DIR: folder, SYMBOLS: SYMBOLS.join(','), TIMEFRAMES: '1h' },
    {
      outside: {
        notifiers: createNotifiers({ ...none, webhook: receiver.url, policy, clock: systemClock }),
        heartbeat: null,
        probe: { run: async () => ({ probes: 4, good: 4, fault: null }) },
      },
    },
  );
  for (const symbol of SYMBOLS)
    pipeline.exchange.setCandles(pairOf(symbol, '1h'), candlesFrom('1h', START, BEFORE + 24));
}, 120_000);
afterAll(async () => {
  await pipeline.stop();
  await receiver.close();
  await temporal.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs all that is due until so many hours after the first cycle. */
async function until(hour: number): Promise<void> {
  const to = NOW + hour * HOUR;
  await pipeline.driveAll([...CYCLES, MONITORS], reached, to);
  reached = to;
}

interface Told {
  readonly kind: string | null;
  readonly at: string;
  readonly count: number;
  readonly subjects: readonly string[];
}
const told = () => receiver.received.map(({ body }) => JSON.parse(body) as Told);
/** A cycle that overran is told of too: on a machine as busy as one that tests, that is no fault. */
const aboutPairs = () => told().filter(({ kind }) => kind !== 'overrun');
const lines = () => aboutPairs().map(({ at, kind, count }) => `${at.slice(11, 16)} ${kind} ${count}`);
const statuses = async () => (await pipeline.manifest()).summary.status;

test('I17 all are published by one cycle', async () => {
  await until(0.1);
  expect(await statuses()).toMatchObject({ fresh: 100 });
  expect(await pipeline.breaches()).toEqual([]);
}, 180_000);

test('F27 I66 no history of it holds a payload of more than 64 KiB', async () => {
  let [histories, largest] = [0, 0];
  for await (const { workflowId, runId } of temporal.client.workflow.list()) {
    const history = await temporal.client.workflow.getHandle(workflowId, runId).fetchHistory();
    largest = Math.max(largest, largestPayload(history));
    histories += 1;
  }
  expect(histories).toBeGreaterThan(2);
  // The plan of a hundred pairs alone is some kilobytes: less would mean that nothing was measured.
  expect(largest).toBeGreaterThan(2_000);
  expect(largest).toBeLessThanOrEqual(64 * 1024);
}, 60_000);

test('F25 F79 an exchange that is down for all is asked a few times, is one message, and all recover', async () => {
  pipeline.exchange.fail(new PipelineError('exchange_unreachable', 'planted outage'));
  const before = pipeline.exchange.requests.length;
  await until(2.6);
  const asked = pipeline.exchange.requests.length - before;
  // Of each group two, in each try of each pass: at most 144 in the two cycles, where asking for every pair would be 1,800.
  expect(asked).toBeGreaterThan(0);
  expect(asked).toBeLessThanOrEqual(CYCLES_DOWN * PASSES * TRIES * GROUPS * 2);
  pipeline.exchange.fail(null);
  await until(3.6);
  expect(await statuses()).toMatchObject({ fresh: 100 });
  expect(lines()).toEqual([
    '11:45 stale_repeat 100',
    '12:15 hard_stale 100',
    '12:45 hard_stale_repeat 100',
    '13:00 recovery 100',
  ]);
}, 240_000);

test('F100 I54 one silent pair among a hundred is told of within two intervals of its becoming stale', async () => {
  const from = aboutPairs().length;
  pipeline.exchange.setCandles(SILENT, candlesFrom('1h', START, BEFORE + 3));
  // Its soft limit is 65 minutes after 13:00; the third round after it tells.
  await until(4.9);
  const about = aboutPairs().slice(from);
  expect(about.map(({ at, kind, subjects }) => `${at.slice(11, 16)} ${kind} ${subjects.join()}`)).toEqual([
    '14:45 stale_repeat C37/USDT 1h',
  ]);
}, 240_000);
