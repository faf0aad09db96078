import { closeOf, parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle } from '../../../src/domain/types';
import { FAMILY_NAMES } from '../../../src/config/family-names';
import { familyNamed } from '../../../src/forecasting/families';
import { modelVersion } from '../../../src/forecasting/model';
import { searchRecipes, walkForwardOrigins } from '../../../src/forecasting/recipe-search';
import type { RecipeSearch, SearchSeries } from '../../../src/forecasting/recipe-search';
import { candidateRecipes } from '../../../src/forecasting/recipes';
import type { Forecaster, ForecastRequest } from '../../../src/ports/forecaster';
import { randomWalk } from './random-walk';

const HOUR = parseTimeframe('1h');
const NAIVE = { family: 'naive', settings: { window: 200 } };
const DRIFT = { family: 'drift', settings: { window: 200, calibrationOrigins: 4 } };
const RANGE = { family: 'range-volatility', settings: {} };

/** The model contract without threads; `spoil` may throw in place of a forecast. */
function forecasterOf(spoil: (request: ForecastRequest) => void = () => {}): Forecaster {
  return {
    candlesWanted: ({ family, settings }) => familyNamed(family).candlesWanted(settings),
    versionOf: ({ family, settings }) => familyNamed(family).version(settings),
    async forecast(request, signal) {
      signal?.throwIfAborted();
      spoil(request);
      const { pair, recipe, candles, steps } = request;
      const family = familyNamed(recipe.family);
      const model = await family.fit({ timeframe: pair.timeframe, candles, settings: recipe.settings });
      const quantiles = await family.predict(model, candles, steps);
      return { modelVersion: modelVersion(model), family: recipe.family, quantiles, milliseconds: 1 };
    },
    close: async () => {},
  };
}

function seriesOf(symbol: string, candles: readonly Candle[]): SearchSeries {
  return { pair: { symbol: parseSymbol(symbol), timeframe: HOUR }, read: async () => Promise.resolve(candles) };
}

const one = randomWalk(HOUR, 400, 1);
const two = randomWalk(HOUR, 400, 2).slice(150);
const until = closeOf(HOUR, one.at(-1)?.openTime ?? NaN);
const origins = walkForwardOrigins(HOUR, { until, count: 5, spacing: 30, steps: 24 });
const search: RecipeSearch = {
  series: [seriesOf('ONE/USDT', one), seriesOf('TWO/USDT', two)],
  candidates: [DRIFT, NAIVE, RANGE],
  origins,
  minimumCandles: 170,
  steps: 24,
};

describe('the search for a recipe', () => {
  test('origins end a horizon before the newest boundary, so that every target is closed', () => {
    expect(origins).toHaveLength(5);
    expect(shiftSlots(HOUR, origins.at(-1) ?? NaN, 24)).toBe(until);
    expect(shiftSlots(HOUR, origins[0] ?? NaN, 120)).toBe(origins.at(-1));
  });

  test('ranks by pinball loss over that of the naive forecast at the same origins', async () => {
    const ranked = await searchRecipes(forecasterOf(), search);
    const ratios = ranked.map(({ pinballRatio }) => pinballRatio);
    expect(ratios).toEqual(ratios.toSorted((a, b) => a - b));
    for (const { overall, pinballRatio, byOrigin, bySymbol } of ranked) {
      // TWO starts 150 hours later and has 170 candles before the last two origins only.
      expect(byOrigin.map(({ n }) => n)).toEqual([1, 1, 1, 2, 2]);
      expect(bySymbol.map(({ symbol, n }) => [symbol, n])).toEqual([
        ['ONE/USDT', 5],
        ['TWO/USDT', 2],
      ]);
      expect(byOrigin.map(({ origin }) => origin)).toEqual(origins);
      const pooled = byOrigin.reduce((sum, { n, pinball }) => sum + n * pinball, 0) / 7;
      expect(overall?.pinball).toBeCloseTo(pooled, 12);
      expect(pinballRatio).toBe((overall?.pinball ?? NaN) / (overall?.yardstickPinball ?? NaN));
    }
  });

  test('the yardstick itself among the candidates has a ratio of exactly 1', async () => {
    const candidates = [{ family: 'naive', settings: {} }];
    const [row] = await searchRecipes(forecasterOf(), { ...search, candidates });
    expect(row).toMatchObject({ pinballRatio: 1, maeRatio: 1, failed: 0 });
  });

  test('gives the same ranking again', async () => {
    expect(await searchRecipes(forecasterOf(), search)).toEqual(await searchRecipes(forecasterOf(), search));
  });

  test('I45 a forecast sees nothing from its origin on', async () => {
    const seen: [number, number][] = [];
    const watching = forecasterOf(({ candles, asOf }) =>
      seen.push([closeOf(HOUR, candles.at(-1)?.openTime ?? NaN), asOf]),
    );
    await searchRecipes(watching, search);
    expect(seen).toHaveLength(7 * 4);
    for (const [through, asOf] of seen) expect(through).toBe(asOf);
  });

  test('a recipe that fails once comes last, with its reason, and harms no other', async () => {
    const failing = forecasterOf(({ recipe, asOf }) => {
      if (recipe === RANGE && asOf === origins[2]) familyNamed('oracle');
    });
    const ranked = await searchRecipes(failing, search);
    expect(ranked.at(-1)).toMatchObject({
      recipe: RANGE,
      failed: 1,
      why: { code: 'invalid_input', message: expect.stringContaining('oracle') as string },
    });
    expect(ranked.map(({ overall }) => overall?.n)).toEqual([7, 7, 6]);
  });

  test('ends with the reason of the caller when that aborts', async () => {
    const controller = new AbortController();
    const aborting = forecasterOf(() => controller.abort(new Error('the training was cancelled')));
    await expect(searchRecipes(aborting, search, controller.signal)).rejects.toThrow('the training was cancelled');
  });

  test('reads one series at a time, after the one before was scored', async () => {
    const events: string[] = [];
    const series = search.series.map((each, i) => ({
      ...each,
      read: async () => {
        events.push(`read ${i}`);
        return each.read();
      },
    }));
    await searchRecipes(forecasterOf(), { ...search, series, onProgress: ({ done }) => events.push(String(done)) });
    expect(events).toEqual(['read 0', '1', '2', '3', '4', '5', 'read 1', '6', '7', '8', '9', '10']);
  });

  test('is refused when no series reaches an origin', async () => {
    const tooShort = searchRecipes(forecasterOf(), { ...search, minimumCandles: 500 });
    await expect(tooShort).rejects.toMatchObject({ code: 'insufficient_data' });
  });
});

describe('the declared space', () => {
  test.each(['1h', '1d', '1w', '1M'])('of %s holds known families, valid settings and no recipe twice', (name) => {
    const recipes = candidateRecipes(parseTimeframe(name));
    for (const { family, settings } of recipes) {
      expect(FAMILY_NAMES).toContain(family);
      expect(familyNamed(family).candlesWanted(settings)).toBeGreaterThan(0);
    }
    expect(new Set(recipes.map((recipe) => JSON.stringify(recipe))).size).toBe(recipes.length);
    expect(recipes.length).toBeLessThanOrEqual(20);
  });
});
