import { MONITOR, RETENTION } from '../../../src/domain/names';
import { DAY, HOUR, MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { deploymentSchedules } from '../../../temporal/schedules';
import type { Schedule } from '../../../temporal/schedules';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 20 * DAY;
const KEY = 'BTC/USDT 1m';
const MINUTES = pairOf('BTC/USDT', '1m');
/** Six minutes nobody traded, 13 days before NOW: inside what is kept at first, and out of it two days later. */
const QUIET = { from: NOW - 13 * DAY, to: NOW - 13 * DAY + 5 * MINUTE };

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 240_000);
afterAll(() => temporal.stop());

/** The cycles, the monitor after them and the retention, once a day instead of each minute: a cycle brings all that is due. */
function onceADay(): Schedule[] {
  const timeframes = ['1h', '1m'].map(parseTimeframe);
  const all = deploymentSchedules({ timeframes, scheduleOffsetMs: 5_000, rules: defaultRules });
  return all
    .filter(({ id, run }) => run.type === 'cycle' || id === MONITOR || id === RETENTION)
    .map((schedule) => ({
      ...schedule,
      every: parseTimeframe('1d'),
      offsetMs: schedule.id === MONITOR ? MINUTE : schedule.offsetMs,
    }));
}

test('I03 I08 1m: 14 days kept over virtual days, 180 closed candles served, no prediction, and nobody is alarmed', async () => {
  const pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h,1m' });
  const { candles, state } = pipeline.stores;
  pipeline.exchange.setCandles(pairOf('BTC/USDT', '1h'), candlesFrom('1h', START, 22 * 24 + 2));
  const traded = candlesFrom('1m', START, 22 * 1440 + 100).filter(
    ({ openTime }) => openTime < QUIET.from || openTime > QUIET.to,
  );
  pipeline.exchange.setCandles(MINUTES, traded);

  const first = await pipeline.driveAll(onceADay(), NOW - 1, NOW + HOUR);
  expect(first.map(({ schedule, result }) => [schedule.id, 'outcome' in result ? result.outcome : null])).toEqual([
    ['cycle-1h', 'published'],
    ['cycle-1m', 'published'],
    [MONITOR, null],
    [RETENTION, null],
  ]);
  expect(await candles.extent(MINUTES)).toMatchObject({
    // The first minute that is kept whole. Age counts from the newest candle, so retention finds nothing to remove.
    first: NOW - 14 * DAY + MINUTE,
    last: NOW - MINUTE,
    count: 14 * 1440 - 1 - 6,
  });
  expect(await state.gapLedger.list(MINUTES)).toMatchObject([{ ...QUIET, state: 'confirmed_empty' }]);
  expect(await pipeline.ports.outbox.events(0, 10)).toEqual([]);
  const served = (await pipeline.history(KEY)).data;
  expect(served).toHaveLength(180);
  expect(served.at(-1)?.timestamp).toBe(new Date(NOW - MINUTE).toISOString().replace('.000', ''));

  await pipeline.driveAll(onceADay(), NOW + HOUR, NOW + 2 * DAY + HOUR);
  const kept = { from: NOW - 12 * DAY, to: NOW + 2 * DAY - MINUTE };
  expect(await candles.extent(MINUTES)).toMatchObject({ first: kept.from, last: kept.to });
  expect(await candles.holes(MINUTES)).toEqual([]);
  expect(await state.gapLedger.list(MINUTES)).toEqual([]);
  expect(await pipeline.entry(KEY)).toMatchObject({
    status: 'fresh',
    serve_allowed: true,
    files: { prediction: null },
  });
  expect((await pipeline.history(KEY)).data).toHaveLength(180);
  expect(await state.forecastLedger.latest(MINUTES, 'champion')).toBeNull();
  // The boundaries between two of these days' cycles were missed indeed, and nobody trained 1h; nothing else is told.
  const told = (await pipeline.ports.outbox.events(0, 50)).map(({ event }) => event);
  expect(told.filter(({ kind }) => kind === 'training_overdue').map(({ timeframe }) => timeframe)).toEqual(['1h']);
  expect(told.filter(({ kind }) => kind !== 'missed_boundary' && kind !== 'training_overdue')).toEqual([]);
  expect(await pipeline.breaches()).toEqual([]);
  await pipeline.stop();
}, 300_000);
