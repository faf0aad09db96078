import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { checkForecast } from '../../../src/domain/quantiles';
import { parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import type { Candle, TimeframeId } from '../../../src/domain/types';
import { bandsAround, calibratedHalfWidths } from '../../../src/forecasting/calibrated-bands';
import { drift } from '../../../src/forecasting/drift';
import { ets } from '../../../src/forecasting/ets';
import type { ModelFamily } from '../../../src/forecasting/model';
import { modelVersion } from '../../../src/forecasting/model';
import { stepScales } from '../../../src/forecasting/range-volatility';
import { seasonalNaive } from '../../../src/forecasting/seasonal-naive';
import { theta } from '../../../src/forecasting/theta';
import { randomWalk } from './random-walk';

const numRuns = Number(process.env.FC_RUNS ?? 30);
const HOUR = parseTimeframe('1h');
const CHEAP: readonly ModelFamily[] = [drift, seasonalNaive, theta];
const CURVES: readonly ModelFamily[] = [...CHEAP, ets];

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly timeframe: string;
    readonly closes: readonly number[];
    readonly expected: Readonly<Record<string, readonly number[]>>;
  }[];
}
const golden = JSON.parse(
  readFileSync(join(__dirname, '../../data/forecasting/statsforecast-golden.json'), 'utf8'),
) as Golden;

function candlesOf(timeframe: TimeframeId, closes: readonly number[]): Candle[] {
  const start = Date.UTC(2022, 0, 3);
  return closes.map((close, i) => {
    return { openTime: shiftSlots(timeframe, start, i), open: close, high: close, low: close, close, volume: 1 };
  });
}

async function forecast(family: ModelFamily, candles: readonly Candle[], settings = {}, timeframe = HOUR) {
  const model = await family.fit({ timeframe, candles, settings });
  return family.predict(model, candles, 24);
}

/** How close the middle is to statsforecast's point, in log price: as near as its searches come to their minimum. */
const AGAINST_STATSFORECAST = [
  ['drift', drift, {}, 1e-12],
  ['seasonal-naive', seasonalNaive, {}, 1e-12],
  ['theta', theta, {}, 1e-4],
  ['ets', ets, { calibrationOrigins: 1 }, 1e-4],
  ['ets additive', ets, { calibrationOrigins: 1, trend: 'additive' }, 1e-4],
] as const;

describe.each(golden.cases)('on $name', ({ timeframe, closes, expected }) => {
  test.each(AGAINST_STATSFORECAST)('%s: the middle is the point of statsforecast', async (...given) => {
    const [name, family, settings, tolerance] = given;
    const known = parseTimeframe(timeframe);
    const rows = await forecast(family, candlesOf(known, closes), settings, known);
    const misses = rows.map((row, k) => Math.abs(Math.log(row[3]) - (expected[name]?.[k] ?? NaN)));
    expect(Math.max(...misses)).toBeLessThan(tolerance);
  });
});

describe('a forecast of a curve', () => {
  test.each(CHEAP.map((family) => [family.name, family] as const))(
    'I40 by %s may be served whatever the candles are',
    async (_name, family) => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer(),
          fc.integer({ min: 40, max: 200 }),
          fc.integer({ min: 0, max: 4 }),
          async (...any) => {
            const [seed, count, wildness] = any;
            const candles = randomWalk(HOUR, count, seed).map((candle) => {
              const factor = (candle.close / 100) ** (wildness * 20);
              return { ...candle, open: factor, high: factor * 1.1, low: factor / 1.1, close: factor };
            });
            const lastClose = candles.at(-1)?.close ?? NaN;
            const recentMin = Math.min(...candles.map(({ low }) => low));
            const recentMax = Math.max(...candles.map(({ high }) => high));
            const rows = await forecast(family, candles);
            expect(checkForecast(rows, { steps: 24, lastClose, recentMin, recentMax })).toBeNull();
          },
        ),
        { numRuns },
      );
    },
  );

  test.each(CURVES.map((family) => [family.name, family] as const))(
    'by %s: a price that never moved is forecast to stay, within bands',
    async (_name, family) => {
      for (const row of await forecast(
        family,
        candlesOf(
          HOUR,
          Array.from({ length: 100 }, () => 5),
        ),
      )) {
        expect(row[3]).toBeCloseTo(5, 12);
        expect(row.toSorted((a, b) => a - b)).toEqual([...row]);
      }
    },
  );

  test.each(CURVES.map((family) => [family.name, family] as const))(
    'by %s: the version names the recipe alone when fitted every cycle, and the bands too when kept',
    async (_name, family) => {
      const versionOf = async (refit: string, seed: number): Promise<string> => {
        const settings = { refit, calibrationOrigins: 2 };
        return modelVersion(await family.fit({ timeframe: HOUR, candles: randomWalk(HOUR, 120, seed), settings }));
      };
      expect(await versionOf('every_cycle', 1)).toBe(await versionOf('every_cycle', 2));
      expect(await versionOf('on_training', 1)).not.toBe(await versionOf('on_training', 2));
    },
  );

  test('drift goes on as the window did', async () => {
    const rising = candlesOf(
      HOUR,
      Array.from({ length: 100 }, (_, i) => 100 * 1.01 ** i),
    );
    const rows = await forecast(drift, rising);
    expect(rows[23]?.[3]).toBeCloseTo(100 * 1.01 ** (99 + 24), 8);
  });

  test('a season that repeats is seen by seasonal-naive, and one longer than the candles is refused by name', async () => {
    const wave = Array.from({ length: 120 }, (_, i) => 100 + (i % 24));
    const rows = await forecast(seasonalNaive, candlesOf(HOUR, wave));
    for (const [k, row] of rows.entries()) expect(row[3]).toBeCloseTo(100 + (k % 24), 10);
    const tooLong = forecast(seasonalNaive, candlesOf(HOUR, wave), { season: 121 });
    await expect(tooLong).rejects.toMatchObject({ code: 'insufficient_data', stage: 'predict' });
  });
});

describe('calibrated bands', () => {
  test('hold half, four fifths and 95 % of the errors they were made from, at their own scale', async () => {
    const candles = randomWalk(HOUR, 600);
    const calibration = { timeframe: HOUR, candles, origins: 8 };
    const moves = (_past: readonly Candle[], steps: number): number[] => Array.from({ length: steps }, () => 0);
    const halfWidths = await calibratedHalfWidths(calibration, moves);
    const inside = [0, 0, 0];
    for (let origin = 1; origin <= 8; origin++) {
      const past = candles.slice(0, candles.length - origin * 24);
      const start = past.at(-1)?.close ?? NaN;
      const rows = bandsAround(start, moves(past, 24), stepScales(HOUR, past, 24), halfWidths);
      for (const [k, row] of rows.entries()) {
        const close = candles[past.length + k]?.close ?? NaN;
        for (const i of [0, 1, 2] as const) {
          if (close >= row[(2 - i) as 0 | 1 | 2] && close <= row[(4 + i) as 4 | 5 | 6])
            inside[i] = (inside[i] ?? 0) + 1 / 192;
        }
      }
    }
    for (const [i, share] of [0.5, 0.8, 0.95].entries())
      expect(Math.abs((inside[i] ?? NaN) - share)).toBeLessThan(0.006);
  });

  test('see each earlier origin without what came after it (I45)', async () => {
    const candles = randomWalk(HOUR, 300);
    const seen: number[] = [];
    await calibratedHalfWidths({ timeframe: HOUR, candles, origins: 4 }, (past, steps) => {
      seen.push(past.length);
      return Array.from({ length: steps }, () => 0);
    });
    expect(seen).toEqual([276, 252, 228, 204]);
  });
});
