import { parseTimeframe } from '../../../src/domain/timeframe';
import { spacedOrigins } from '../../../src/forecasting/backtest';
import { forecastAt } from '../../../src/forecasting/backtest-score';
import { FAMILY_NAMES } from '../../../src/config/family-names';
import { randomWalk } from './random-walk';

const HOUR = parseTimeframe('1h');

describe('origins', () => {
  // numpy 2: np.linspace(first, last, count).astype(int)
  test.each([
    [500, 64_500, 1, [500]],
    [30, 65, 2, [30, 65]],
    [104, 361, 7, [104, 146, 189, 232, 275, 318, 361]],
    [30, 37, 12, [30, 30, 31, 31, 32, 33, 33, 34, 35, 35, 36, 37]],
  ])("from %i to %i, %i of them, are numpy's linspace cut to whole numbers", (first, last, count, expected) => {
    expect(spacedOrigins(first, last, count)).toEqual(expected);
  });
});

describe('a back-test forecast', () => {
  test.each(FAMILY_NAMES)(
    'I45 %s: changing anything from the origin on, or before the window, changes nothing',
    async (name) => {
      const candles = randomWalk(HOUR, 300);
      const [origin, window] = [200, 120];
      const settings = name === 'prophet' ? { window, calibrationOrigins: 2 } : { window };
      const task = { timeframe: HOUR, recipe: { family: name, settings }, window };
      const honest = await forecastAt(task, candles, origin);
      const disturbed = candles.map((candle, i) =>
        i >= origin || i < origin - window
          ? { ...candle, open: 1e6, high: 2e6, low: 1e-3, close: 7, volume: 9e9, openTime: candle.openTime + 1 }
          : candle,
      );
      expect(await forecastAt(task, disturbed, origin)).toEqual(honest);
      expect(await forecastAt(task, candles.slice(0, origin), origin)).toEqual(honest);
      const seen = candles.map((candle, i) => (i === origin - 1 ? { ...candle, close: candle.close * 1.001 } : candle));
      expect(await forecastAt(task, seen, origin)).not.toEqual(honest);
    },
  );
});
