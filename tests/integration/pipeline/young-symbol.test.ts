/** A coin listed this month has hours and days, but no week or month that has closed: that is said, and is no failure. */
import { DAY, HOUR } from '../../../src/domain/timeframe';
import type { EpochMs } from '../../../src/domain/types';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const LISTED = Date.UTC(2024, 0, 10);
const NOW = LISTED + 15 * DAY + 5_000;
const NEXT_MONTH = Date.UTC(2024, 1, 1);
const HOURS = pairOf('YOUNG/USDT', '1h');
const MONTHS = pairOf('YOUNG/USDT', '1M');
const KEY = 'YOUNG/USDT 1M';

let temporal: TestTemporal;
let pipeline: Pipeline;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'YOUNG/USDT', TIMEFRAMES: '1h,1M' });
  pipeline.exchange.setCandles(HOURS, candlesFrom('1h', LISTED, 40 * 24));
  pipeline.exchange.setCandles(MONTHS, candlesFrom('1M', Date.UTC(2024, 0, 1), 1));
});
afterEach(() => pipeline.stop());

async function drive(from: EpochMs, to = from, startsBehind = true): Promise<string[]> {
  const runs = await pipeline.drive(['1h', '1M'], from, to, startsBehind);
  return runs.flatMap(({ schedule, result }) =>
    result.pairs.map(({ outcome }) => `${schedule.run.timeframe} ${outcome}`),
  );
}

test('its month is insufficient data with its count, is not asked for again, and begins when the month has closed', async () => {
  expect(await drive(NOW)).toEqual(['1h published', '1M insufficient_data']);
  expect(await pipeline.entry(KEY)).toMatchObject({
    status: 'insufficient_data',
    serve_allowed: false,
    reason: expect.stringMatching(/^0 .*24/),
    data_through: null,
    files: { history: null, prediction: null },
  });
  expect(await pipeline.stores.state.pairState.stages(MONTHS)).toContainEqual(
    expect.objectContaining({ stage: 'ingest', failureCount: 0 }),
  );
  expect(await pipeline.breaches()).toEqual([]);
  // The months before its listing are neither missing nor a cycle's failure.
  expect(await pipeline.stores.state.gapLedger.list(MONTHS)).toEqual([]);
  expect(await pipeline.stores.state.runLog.boundaries(MONTHS.timeframe, 0, NOW)).toMatchObject([{ outcome: 'done' }]);

  const asked = jest.spyOn(pipeline.exchange, 'fetchPage');
  expect(await drive(NOW + HOUR)).toEqual(['1h published', '1M insufficient_data']);
  expect(asked.mock.calls.map(([{ timeframe }]) => timeframe)).not.toContain('1M');

  await drive(NEXT_MONTH - HOUR / 2, NEXT_MONTH + 5_000, false);
  expect(await pipeline.entry(KEY)).toMatchObject({
    status: 'insufficient_data',
    reason: expect.stringMatching(/^1 .*24/),
    data_through: '2024-02-01T00:00:00Z',
    files: { history: expect.anything() },
  });
  expect(await pipeline.breaches()).toEqual([]);
});
