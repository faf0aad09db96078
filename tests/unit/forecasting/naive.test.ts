import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { checkForecast } from '../../../src/domain/quantiles';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { readCandles } from '../../../src/forecasting/candle-file';
import { naive, naiveConformal } from '../../../src/forecasting/naive';
import type { ModelFamily } from '../../../src/forecasting/model';
import { testOnCandles } from '../../candles';
import { randomWalk } from './random-walk';

const numRuns = Number(process.env.FC_RUNS ?? 50);
const HOUR = parseTimeframe('1h');

async function forecast(family: ModelFamily, candles: ReturnType<typeof randomWalk>, steps = 24) {
  const model = await family.fit({ timeframe: HOUR, candles, settings: {} });
  return family.predict(model, candles, steps);
}

function candlesWith(closes: readonly number[]): ReturnType<typeof randomWalk> {
  return randomWalk(HOUR, closes.length).map((candle, i) => ({ ...candle, close: closes[i] ?? NaN }));
}

describe('the naive forecast', () => {
  test('I40 is positive, ascending and symmetric in the logarithm around the last close', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 6, max: 200 }), async (seed, count) => {
        const candles = randomWalk(HOUR, count, seed);
        const last = candles.at(-1)?.close ?? NaN;
        for (const row of await forecast(naive, candles)) {
          expect(row[3]).toBe(last);
          expect(row[0]).toBeGreaterThan(0);
          expect(row.toSorted((a, b) => a - b)).toEqual([...row]);
          for (const i of [0, 1, 2] as const)
            expect((row[i] * row[(6 - i) as 4 | 5 | 6]) / last ** 2).toBeCloseTo(1, 12);
        }
      }),
      { numRuns },
    );
  });

  test('a series that only rose has the same band below as above', async () => {
    const rising = candlesWith(Array.from({ length: 60 }, (_, i) => 100 * 1.01 ** i * (1 + (i % 3) / 100)));
    const [first] = await forecast(naive, rising);
    expect(first?.[0]).toBeLessThan(rising.at(-1)?.close ?? NaN);
  });

  test('steps that a short series can not show grow with the root of time', async () => {
    const candles = randomWalk(HOUR, 24);
    const rows = await forecast(naive, candles);
    const width = (step: number): number => Math.log((rows[step - 1]?.[6] ?? NaN) / (rows[step - 1]?.[3] ?? NaN));
    expect(width(24) / width(19)).toBeCloseTo(Math.sqrt(24 / 19), 12);
  });

  testOnCandles('I40 may be served at every month of every coin, those that rose a hundredfold too', async (folder) => {
    const files = readdirSync(folder).filter((file) => file.endsWith('-1M.csv.gz'));
    expect(files.length).toBeGreaterThanOrEqual(8);
    for (const file of files) {
      const all = readCandles(join(folder, file));
      for (let count = 24; count <= all.length; count++) {
        const candles = all.slice(0, count);
        const lastClose = candles.at(-1)?.close ?? NaN;
        const recentMin = Math.min(...candles.map(({ low }) => low));
        const recentMax = Math.max(...candles.map(({ high }) => high));
        const rows = await forecast(naive, candles);
        expect([file, count, checkForecast(rows, { steps: 24, lastClose, recentMin, recentMax })]).toEqual([
          file,
          count,
          null,
        ]);
      }
    }
  });

  test('fewer candles than make a band are refused', async () => {
    await expect(forecast(naive, randomWalk(HOUR, 5))).rejects.toMatchObject({ code: 'insufficient_data' });
  });
});

describe('the yardstick', () => {
  test("gives numpy's numbers for the bench's formula", async () => {
    // numpy 2: q = quantile(lp[1:] - lp[:-1], levels); exp(lp[-1] + q - q[3]) with lp = log([100,102,99,103,101,104,100,98])
    const [first] = await forecast(naiveConformal, candlesWith([100, 102, 99, 103, 101, 104, 100, 98]), 1);
    const expected = [
      96.23185148665826, 96.63837189270329, 97.47033885272711, 98.00000000000004, 102.42311861589877,
      103.33558869742767, 103.81747143091295,
    ];
    for (const [i, price] of expected.entries()) expect(first?.[i]).toBeCloseTo(price, 11);
  });

  test('needs more candles than steps', async () => {
    await expect(forecast(naiveConformal, randomWalk(HOUR, 24))).rejects.toMatchObject({ code: 'insufficient_data' });
    await expect(forecast(naiveConformal, randomWalk(HOUR, 25))).resolves.toHaveLength(24);
  });
});
