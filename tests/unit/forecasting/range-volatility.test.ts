import { join } from 'node:path';
import * as fc from 'fast-check';
import { checkForecast } from '../../../src/domain/quantiles';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { readCandles } from '../../../src/forecasting/candle-file';
import { rangeVolatility, volatilityQuantiles } from '../../../src/forecasting/range-volatility';
import { symmetricQuantiles } from '../../../src/forecasting/empirical-bands';
import { testOnCandles } from '../../candles';
import { randomWalk } from './random-walk';

const numRuns = Number(process.env.FC_RUNS ?? 50);
const HOUR = parseTimeframe('1h');

/** Log-quantiles .75 .9 .975 at the last row of BTC_USDT for steps 1, 6 and 24, from the research this recipe comes from. */
const REFERENCES = [
  ['1h', Infinity, [0.0032, 0.00648, 0.01202], [0.00615, 0.01315, 0.02446], [0.01387, 0.0289, 0.05257]],
  ['1h', 3000, [0.00319, 0.00648, 0.01202], [0.00614, 0.01314, 0.02444], [0.01386, 0.02888, 0.05253]],
  ['1d', Infinity, [0.01561, 0.03166, 0.05872], [0.03353, 0.07175, 0.13342], [0.07385, 0.15389, 0.27994]],
  ['1w', Infinity, [0.04281, 0.08683, 0.16105], [0.1025, 0.21934, 0.40788], [0.2239, 0.46652, 0.84867]],
] as const;

async function forecast(candles: ReturnType<typeof randomWalk>, timeframe = HOUR, steps = 24) {
  const model = await rangeVolatility.fit({ timeframe, candles, settings: {} });
  return rangeVolatility.predict(model, candles, steps);
}

describe('range volatility', () => {
  for (const [timeframe, rows, ...expected] of REFERENCES) {
    testOnCandles(`gives the reference log-quantiles of ${timeframe}, last ${rows} rows`, (folder) => {
      const candles = readCandles(join(folder, `BTC_USDT-${timeframe}.csv.gz`)).slice(-rows);
      const quantiles = volatilityQuantiles(parseTimeframe(timeframe), candles, 24);
      for (const [i, step] of [1, 6, 24].entries()) {
        const upper = quantiles[step - 1]?.slice(4).map((value) => Number(value.toFixed(5)));
        expect(upper).toEqual(expected[i]);
      }
    });
  }

  test('I40 any series gives finite positive prices in ascending order around the last close', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 24, max: 300 }), async (seed, count) => {
        const candles = randomWalk(HOUR, count, seed);
        const rows = await forecast(candles);
        expect(rows).toHaveLength(24);
        for (const row of rows) {
          expect(row.every((price) => Number.isFinite(price) && price > 0)).toBe(true);
          expect(row.toSorted((a, b) => a - b)).toEqual([...row]);
          expect(row[3]).toBe(candles.at(-1)?.close);
        }
      }),
      { numRuns },
    );
  });

  test('I40 the widest bands it can give may be served', async () => {
    const steep = randomWalk(HOUR, 300).map((candle) => ({ ...candle, high: candle.high * 9, low: candle.low / 9 }));
    const rows = await forecast(steep);
    const lastClose = steep.at(-1)?.close ?? NaN;
    expect(Math.log((rows[23]?.[6] ?? NaN) / lastClose)).toBeCloseTo(3, 10);
    expect(checkForecast(rows, { steps: 24, lastClose, recentMin: lastClose, recentMax: lastClose })).toBeNull();
  });

  test('prices in other units give the same forecast in those units', async () => {
    const candles = randomWalk(HOUR, 500);
    const scaled = candles.map(({ openTime, open, high, low, close, volume }) => {
      return { openTime, open: open * 1024, high: high * 1024, low: low * 1024, close: close * 1024, volume };
    });
    const expected = (await forecast(candles)).flat().map((price) => price * 1024);
    for (const [i, price] of (await forecast(scaled)).flat().entries()) {
      expect(price / (expected[i] ?? NaN)).toBeCloseTo(1, 10);
    }
  });

  test('a wild recent day widens the bands, most at the first step', async () => {
    const calm = randomWalk(HOUR, 500);
    const wild = calm.map((candle, i) =>
      i < 490 ? candle : { ...candle, high: candle.high * 1.05, low: candle.low / 1.05 },
    );
    const ratios = (await forecast(wild)).map((row, k) => Math.log(row[5] / row[3]) / (stepWidths[k] ?? NaN));
    expect(Math.min(...ratios)).toBeGreaterThan(1.2);
    expect(ratios[0]).toBe(Math.max(...ratios));
  });

  test('hours that are busier in the learned profile get wider steps', () => {
    const candles = randomWalk(HOUR, 504);
    const widths = volatilityQuantiles(HOUR, candles, 24).map((row) => row[4]);
    const flat = volatilityQuantiles(parseTimeframe('2h'), candles, 24).map((row) => row[4]);
    const growth = (values: readonly number[], from: number, to: number): number =>
      (values[to] ?? NaN) / (values[from] ?? NaN);
    // The series ends at midnight before a Monday: steps 14 to 17 are the busy afternoon, 4 to 7 the quiet morning.
    expect(growth(widths, 13, 16) / growth(flat, 13, 16)).toBeGreaterThan(growth(widths, 3, 6) / growth(flat, 3, 6));
  });

  test('with fewer than 100 bars four tenths of the width come from the series itself', async () => {
    const candles = randomWalk(HOUR, 99);
    const last = candles.at(-1)?.close ?? NaN;
    const own = volatilityQuantiles(HOUR, candles, 24);
    const empirical = symmetricQuantiles(candles, 24);
    for (const [k, row] of (await forecast(candles)).entries()) {
      expect(Math.log(row[6] / last)).toBeCloseTo(0.6 * (own[k]?.[6] ?? NaN) + 0.4 * (empirical[k]?.[6] ?? NaN), 12);
    }
    const longer = randomWalk(HOUR, 100);
    const price = (await forecast(longer))[23]?.[6] ?? NaN;
    expect(Math.log(price / (longer.at(-1)?.close ?? NaN))).toBeCloseTo(
      volatilityQuantiles(HOUR, longer, 24)[23]?.[6] ?? NaN,
      12,
    );
  });

  test('a price that never moved still gives bands of more than nothing', async () => {
    const still = randomWalk(HOUR, 300).map((candle) => ({ ...candle, open: 5, high: 5, low: 5, close: 5 }));
    for (const row of await forecast(still)) expect(row[6]).toBeGreaterThan(row[3]);
  });

  test('more steps than the constants reach are refused', async () => {
    await expect(forecast(randomWalk(HOUR, 300), HOUR, 25)).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

const stepWidths = volatilityQuantiles(HOUR, randomWalk(HOUR, 500), 24).map((row) => row[5]);
