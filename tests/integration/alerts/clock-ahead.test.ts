/**
 * F30: a clock that is hours ahead for a moment, over real Temporal, stores and files. The slots lie around the present, so
 * that those after it are runs of a clock that is ahead, and those before it are runs of one that is right again.
 */
import { HOUR, lastBoundary, MINUTE } from '../../../src/domain/timeframe';
import { MONITOR_SCHEDULE } from '../../../temporal/schedules';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from '../pipeline/pipeline';
import type { Pipeline } from '../pipeline/pipeline';

const BTC = pairOf('BTC/USDT', '1h');
/** So far is the clock ahead. */
const JUMP = 6 * HOUR;

let temporal: TestTemporal;
let pipeline: Pipeline;
/** A boundary that has passed by more minutes than the rounds after it take. */
let now: number;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  now = lastBoundary(BTC.timeframe, Date.now() - 5 * MINUTE);
  pipeline = await openPipeline(temporal, { SYMBOLS: BTC.symbol, TIMEFRAMES: '1h' });
  pipeline.exchange.setCandles(BTC, candlesFrom('1h', now - 250 * HOUR, 250));
});
afterEach(() => pipeline.stop());

const entry = async () => pipeline.entry('BTC/USDT 1h');
const cycleAt = (at: number) => pipeline.drive(['1h'], at - 1, at + 5_000);
const monitorAt = (at: number) => pipeline.driveAll([MONITOR_SCHEDULE], at, at + 30_000);
const told = async () =>
  (await pipeline.stores.state.outbox.events(0, 100)).map(({ event }) => event.kind).toReversed();

test('F30 I25 I30 one cycle of such a clock: the next one by the right clock publishes, and nothing is held against it', async () => {
  await cycleAt(now - HOUR);
  await cycleAt(now + JUMP);
  expect(await entry()).toMatchObject({ serve_allowed: false });
  const ahead = await pipeline.manifest();
  await cycleAt(now);
  const manifest = await pipeline.manifest();
  expect(manifest.generation).toBeGreaterThan(ahead.generation);
  expect(manifest.generated_at).toBe(ahead.generated_at);
  expect(manifest.judged_at).toBe(new Date(now + 5_000).toISOString().replace('.000', ''));
  expect(Date.parse(manifest.expires_at)).toBeLessThan(now + 2 * HOUR);
  expect(await entry()).toMatchObject({ status: 'fresh', serve_allowed: true, degraded: false });
  expect(Date.parse((await entry())?.updated_at ?? '')).toBeLessThanOrEqual(now + 5_000);
  expect(await pipeline.breaches()).toEqual([]);
});

test('F30 one round of the monitor by such a clock: the next by the right clock judges, tells and publishes again', async () => {
  await cycleAt(now);
  await monitorAt(now);
  await monitorAt(now + JUMP);
  expect(await entry()).toMatchObject({ status: 'hard_stale', serve_allowed: false });
  await monitorAt(now + 2 * MINUTE);
  expect(await entry()).toMatchObject({ status: 'fresh', serve_allowed: true });
  expect((await pipeline.stores.state.monitor.last())?.asOf).toBeLessThan(now + HOUR);
  expect(await told()).toEqual(expect.arrayContaining(['hard_stale', 'recovery']));
  expect(await pipeline.breaches()).toEqual([]);
});
