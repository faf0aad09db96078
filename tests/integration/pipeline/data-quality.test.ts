import { RECONCILE_DAILY } from '../../../src/domain/names';
import { DAY, HOUR, MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { deploymentSchedules } from '../../../temporal/schedules';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 480 * HOUR;
const KEY = 'BTC/USDT 1h';
const BTC = pairOf('BTC/USDT', '1h');
const ETH = pairOf('ETH/USDT', '1h');

let temporal: TestTemporal;
let pipeline: Pipeline;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT,ETH/USDT', TIMEFRAMES: '1h' });
});
afterEach(() => pipeline.stop());

const daily = () => {
  const all = deploymentSchedules({ timeframes: [parseTimeframe('1h')], scheduleOffsetMs: 5_000, rules: defaultRules });
  return all.filter(({ id }) => id === RECONCILE_DAILY);
};

describe('reconciliation over real stores', () => {
  test('I12 a late change and a lost candle are mended, audited, scored anew and published', async () => {
    const truth = candlesFrom('1h', START, 500);
    for (const pair of [BTC, ETH]) pipeline.exchange.setCandles(pair, truth);
    await pipeline.drive(['1h'], NOW, NOW + 6 * HOUR + 5_000);
    const before = await pipeline.prediction(KEY);
    // Four hours old, so that no cycle reads it again: only the comparison can see it.
    const changed = truth.map((candle, k) => (k === 482 ? { ...candle, high: 103, close: 103 } : candle));
    pipeline.exchange.setCandles(BTC, changed);
    const due = NOW + 6 * HOUR + 20 * MINUTE;
    const [run] = await pipeline.driveAll(
      daily().map((schedule) => ({ ...schedule, every: parseTimeframe('1h') })),
      due - 1,
      due,
    );
    expect(run?.result).toMatchObject({ compared: 48, different: 1, missing: 0, critical: 0, republished: ['1h'] });
    expect((await pipeline.history(KEY)).data.at(-4)).toMatchObject({ close: 103 });
    expect(await pipeline.stores.state.pairState.revisions(BTC)).toMatchObject([
      { before: { close: 101 }, after: { close: 103 } },
    ]);
    const after = await pipeline.prediction(KEY);
    expect(after.forecast).toEqual(before.forecast);
    expect(after.quality.sample_count).toBe(before.quality.sample_count);
    expect(after.quality.mae).toBeGreaterThan(before.quality.mae ?? 0);
    expect(await pipeline.breaches()).toEqual([]);
    expect(await pipeline.stores.state.dataQuality.changed(BTC)).toBeNull();
    const told = await pipeline.stores.state.outbox.events(NOW, 10);
    expect(told.map(({ event }) => event)).toMatchObject([
      { kind: 'reconciliation_mismatch', severity: 'warning', ...BTC, detail: expect.stringContaining('1 different') },
    ]);
  }, 240_000);

  test('a pair that the exchange does not answer for is named, the others are compared', async () => {
    for (const pair of [BTC, ETH]) pipeline.exchange.setCandles(pair, candlesFrom('1h', START, 480));
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    const known = pipeline.exchange.fetchPage.bind(pipeline.exchange);
    pipeline.exchange.fetchPage = async (request) =>
      known(request.symbol === ETH.symbol ? { ...request, symbol: pairOf('GONE/USDT', '1h').symbol } : request);
    const [run] = await pipeline.driveAll(daily(), NOW, NOW + DAY);
    expect(run?.result).toMatchObject({ compared: 24, failed: ['ETH/USDT 1h bad_symbol'], republished: [] });
  }, 240_000);
});

describe('the gap ledger over real stores', () => {
  test('I03 what all symbols miss is an outage, what one misses is not', async () => {
    const without = (...left: number[]) => candlesFrom('1h', START, 480).filter((_, k) => !left.includes(k));
    pipeline.exchange.setCandles(BTC, without(100, 101, 200));
    pipeline.exchange.setCandles(ETH, without(100, 101, 300));
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    const states = (await pipeline.stores.state.gapLedger.list(BTC)).map(({ from, state }) => [
      (from - START) / HOUR,
      state,
    ]);
    expect(states).toEqual([
      [100, 'outage'],
      [200, 'confirmed_empty'],
    ]);
    expect(await pipeline.stores.state.gapLedger.summary(ETH)).toMatchObject({
      outage: { ranges: 1, slots: 2 },
      confirmed_empty: { ranges: 1, slots: 1 },
    });
  }, 240_000);
});
