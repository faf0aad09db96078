/**
 * A day of trouble in virtual time, over real Temporal, stores, files and HTTP: the exact list of alerts, once each, with
 * everything restarted in the middle and a receiver that is down for an hour. The monitor looks every 15 minutes instead
 * of every one.
 */
import { mkdtemp, readFile, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNotifiers } from '../../../src/adapters/webhook/notifiers';
import { PipelineError } from '../../../src/domain/errors';
import { HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { systemClock } from '../../../src/ports/clock';
import { cycleSchedules, MONITOR_SCHEDULE } from '../../../temporal/schedules';
import { alertsDocumentSchema, slaDocumentSchema } from '../../../src/web/ops-documents';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';
import { respond, startReceiver } from './receiver';
import type { Receiver } from './receiver';

const FIRST = Date.UTC(2024, 0, 1);
/** Candles before the day begins. */
const BEFORE = 480;
const DAY_START = FIRST + BEFORE * HOUR;
const BTC = pairOf('BTC/USDT', '1h');
const ETH = pairOf('ETH/USDT', '1h');
const MONITORS = { ...MONITOR_SCHEDULE, every: parseTimeframe('15m') };
const SCHEDULES = [...cycleSchedules([parseTimeframe('1h')], 5_000), MONITORS];

let temporal: TestTemporal;
let folder: string;
let receiver: Receiver;
let pipeline: Pipeline;

beforeAll(async () => {
  temporal = await startTestTemporal();
  folder = await mkdtemp(join(tmpdir(), 'coin-predict-trouble-'));
  receiver = await startReceiver();
}, 120_000);
afterAll(async () => {
  await receiver.close();
  await temporal.stop();
  await rm(folder, { recursive: true, force: true });
});

async function open(): Promise<Pipeline> {
  const none = { discord: null, slack: null, webhookSecret: null };
  const policy = { allowedHosts: new Set([receiver.host]), timeoutMs: 2_000 };
  const opened = await openPipeline(
    temporal,
    { DATA_DIR: folder, SYMBOLS: 'BTC/USDT,ETH/USDT', TIMEFRAMES: '1h' },
    {
      outside: {
        notifiers: createNotifiers({ ...none, webhook: receiver.url, policy, clock: systemClock }),
        heartbeat: null,
        probe: { run: async () => ({ probes: 4, good: 3, fault: 'planted' }) },
      },
    },
  );
  for (const pair of [BTC, ETH]) opened.exchange.setCandles(pair, candlesFrom('1h', FIRST, BEFORE + 24));
  return opened;
}

let reached = DAY_START;

/** Runs everything that is due until this hour of the day, its cycle not included. */
async function until(hour: number, schedules = SCHEDULES): Promise<void> {
  const to = DAY_START + hour * HOUR;
  await pipeline.driveAll(schedules, reached, to);
  reached = to;
}

/** The exchange has BTC's candles up to this hour of the day only. */
function stopBtcAt(hour: number): void {
  pipeline.exchange.setCandles(BTC, candlesFrom('1h', FIRST, BEFORE + hour));
}

async function objectOf(key: string): Promise<string> {
  const file = (await pipeline.entry(key))?.files.history;
  return join(pipeline.stores.folder.published, 'objects', `${file?.sha256}.json`);
}

interface Told {
  readonly key: string;
  readonly kind: string | null;
  readonly at: string;
  readonly count: number;
  readonly subjects: readonly string[];
}

const told = (): Told[] =>
  receiver.received.filter(({ status }) => status < 300).map(({ body }) => JSON.parse(body) as Told);

/** `04:15 hard_stale BTC/USDT 1h`, as sent. */
const lines = () => told().map(({ at, kind, subjects }) => `${at.slice(11, 16)} ${kind} ${subjects.join(', ')}`);

test('I50 I51 F57 a day of trouble: the exact list of alerts, once each', async () => {
  pipeline = await open();
  await until(2.9);
  stopBtcAt(2);
  await until(5.9);
  pipeline.exchange.setCandles(BTC, candlesFrom('1h', FIRST, BEFORE + 24));
  await until(6.9);
  pipeline.forecaster.failure = new PipelineError('forecast_invalid', 'the model gave a negative price');
  await until(7.9);
  pipeline.forecaster.failure = null;
  await until(10.1);
  await unlink(await objectOf('ETH/USDT 1h'));
  await until(12.1);
  const object = await objectOf('ETH/USDT 1h');
  await writeFile(object, (await readFile(object, 'utf8')).replace('1', '2'));
  receiver.answer = respond(503);
  await until(13);
  const refused = receiver.received.filter(({ status }) => status === 503);
  expect(new Set(refused.map(({ headers }) => headers['idempotency-key'])).size).toBe(2);
  receiver.answer = respond(204);
  await until(14.9);
  stopBtcAt(14);
  await until(15.8);
  await pipeline.stop();
  await temporal.crash(0);
  pipeline = await open();
  stopBtcAt(14);
  await until(16.4);
  await pipeline.stop();
  await temporal.crash(0);
  pipeline = await open();
  stopBtcAt(14);
  await until(17.9);
  pipeline.exchange.setCandles(BTC, candlesFrom('1h', FIRST, BEFORE + 24));
  await until(19.9);
  await until(20.9, [MONITORS]);
  await until(24);

  expect(lines()).toEqual([
    '03:45 stale_repeat BTC/USDT 1h',
    '04:15 hard_stale BTC/USDT 1h',
    '04:45 hard_stale_repeat BTC/USDT 1h',
    '05:30 hard_stale_repeat BTC/USDT 1h',
    '06:00 recovery BTC/USDT 1h',
    '07:00 degraded BTC/USDT 1h, ETH/USDT 1h',
    '07:45 stale_repeat BTC/USDT 1h, ETH/USDT 1h',
    '08:00 degraded_end BTC/USDT 1h, ETH/USDT 1h',
    '08:00 recovery BTC/USDT 1h, ETH/USDT 1h',
    '10:15 missing ETH/USDT 1h',
    '10:45 missing_repeat ETH/USDT 1h',
    '11:00 recovery ETH/USDT 1h',
    '12:15 corrupt ETH/USDT 1h',
    '12:45 corrupt_repeat ETH/USDT 1h',
    '13:00 recovery ETH/USDT 1h',
    '15:45 stale_repeat BTC/USDT 1h',
    '16:15 hard_stale BTC/USDT 1h',
    '16:45 hard_stale_repeat BTC/USDT 1h',
    '17:30 hard_stale_repeat BTC/USDT 1h',
    '18:00 recovery BTC/USDT 1h',
    '20:15 manifest_failure the system',
    '20:45 stale_repeat BTC/USDT 1h, ETH/USDT 1h',
    '21:00 manifest_recovery the system',
    '21:00 missed_boundary 1h',
    '21:00 recovery BTC/USDT 1h, ETH/USDT 1h',
  ]);
  expect(new Set(told().map(({ key }) => key)).size).toBe(told().length);

  const ops = async (name: string) =>
    JSON.parse(await readFile(join(pipeline.stores.folder.ops, `${name}.json`), 'utf8')) as unknown;
  const alerts = alertsDocumentSchema.parse(await ops('alerts'));
  expect(alerts.firing).toEqual([]);
  expect(alerts.past.find(({ event }) => event === 'hard_stale_repeat' || event === 'hard_stale')).toMatchObject({
    event: 'hard_stale',
    pairs: [BTC],
    notified: 3,
    delivery: 'delivered',
    runbook: 'hard-stale.md',
    ended_at: '2024-01-21T18:00:30Z',
  });
  expect(alerts.receivers).toMatchObject([{ name: 'webhook', kind: 'webhook', state: 'ok', pending: 0 }]);
  const { window } = slaDocumentSchema.parse(await ops('sla'));
  // Two entries of hard_stale that lasted 105 minutes each; no unhealthy transition went untold.
  expect(window).toMatchObject({
    availability: 0.75,
    unhealthy_transitions: 4,
    alert_miss_rate: 0,
    recoveries: 2,
    mttr_stale_minutes: 105,
  });
  await pipeline.stop();
}, 480_000);
