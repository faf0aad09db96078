import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { checkForecast } from '../../../src/domain/quantiles';
import { parseTimeframe } from '../../../src/domain/timeframe';
import type { Candle } from '../../../src/domain/types';
import { readCandles } from '../../../src/forecasting/candle-file';
import { trendQuantiles, trendVolatility } from '../../../src/forecasting/trend-volatility';
import { testOnCandles } from '../../candles';
import { randomWalk } from './random-walk';

const numRuns = Number(process.env.FC_RUNS ?? 50);
const HOUR = parseTimeframe('1h');

interface Golden {
  readonly cases: readonly {
    readonly symbol: string;
    readonly timeframe: string;
    readonly rows: number;
    readonly steps: readonly number[];
    readonly upper: readonly (readonly number[])[];
  }[];
}
const golden = JSON.parse(
  readFileSync(join(__dirname, '../../data/forecasting/trend-volatility-golden.json'), 'utf8'),
) as Golden;

async function forecast(candles: readonly Candle[], steps = 24) {
  const model = await trendVolatility.fit({ timeframe: HOUR, candles, settings: {} });
  return trendVolatility.predict(model, candles, steps);
}

/** The same bars, each starting where the one before ended and going the same size, in the given directions. */
function walkOf(directions: readonly number[]): Candle[] {
  let open = 100;
  return randomWalk(HOUR, directions.length).map((candle, i) => {
    const close = open * Math.exp(0.01 * (directions[i] ?? NaN));
    const bar = { ...candle, open, high: Math.max(open, close), low: Math.min(open, close), close };
    open = close;
    return bar;
  });
}

describe('trend volatility', () => {
  for (const { symbol, timeframe, rows, steps, upper } of golden.cases) {
    testOnCandles(
      `gives the prototype's log-quantiles: ${symbol} ${timeframe}, last ${rows || 'all'} rows`,
      (folder) => {
        const candles = readCandles(join(folder, `${symbol}-${timeframe}.csv.gz`)).slice(-rows);
        const quantiles = trendQuantiles(parseTimeframe(timeframe), candles, 24);
        for (const [i, step] of steps.entries()) {
          for (const [j, expected] of (upper[i] ?? []).entries()) {
            expect((quantiles[step - 1]?.[(4 + j) as 4 | 5 | 6] ?? NaN) / expected).toBeCloseTo(1, 9);
          }
        }
      },
    );
  }

  test('I40 any series gives prices in ascending order around the last close that may be served', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 24, max: 300 }),
        fc.integer({ min: 0, max: 3 }),
        async (...any) => {
          const [seed, count, wildness] = any;
          const candles = randomWalk(HOUR, count, seed).map((candle) => {
            const price = (candle.close / 100) ** (1 + wildness * 10);
            return { ...candle, open: price, high: price * 1.2, low: price / 1.2, close: price };
          });
          const lastClose = candles.at(-1)?.close ?? NaN;
          const rows = await forecast(candles);
          const rules = { steps: 24, lastClose, recentMin: lastClose, recentMax: lastClose };
          expect(checkForecast(rows, rules)).toBeNull();
          for (const row of rows) expect(row[3]).toBe(lastClose);
        },
      ),
      { numRuns },
    );
  });

  test('bars of one size that went one way, up or down, get wider bands than the same bars to and fro', async () => {
    const width = async (directions: readonly number[]): Promise<number> => {
      const row = (await forecast(walkOf(directions)))[11];
      return Math.log((row?.[5] ?? NaN) / (row?.[3] ?? NaN));
    };
    const toAndFro = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const trend = [...toAndFro.slice(24), ...Array.from({ length: 24 }, () => 1)];
    const up = await width(trend);
    expect(up).toBeGreaterThan(1.2 * (await width(toAndFro)));
    expect(await width(trend.map((direction) => -direction))).toBeCloseTo(up, 10);
  });

  test('a price that never moved still gives bands of more than nothing', async () => {
    const still = randomWalk(HOUR, 300).map((candle) => ({ ...candle, open: 5, high: 5, low: 5, close: 5 }));
    for (const row of await forecast(still)) expect(row[6]).toBeGreaterThan(row[3]);
  });

  test('more steps than the constants reach are refused', async () => {
    await expect(forecast(randomWalk(HOUR, 300), 25)).rejects.toMatchObject({ code: 'invalid_input' });
  });
});
