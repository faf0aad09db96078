import { closeOf, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { createForecaster } from '../../../src/forecasting/forecaster';
import { searchRecipes, walkForwardOrigins } from '../../../src/forecasting/recipe-search';
import type { RankedRecipe } from '../../../src/forecasting/recipe-search';
import { candidateRecipes } from '../../../src/forecasting/recipes';
import { randomWalk } from '../../unit/forecasting/random-walk';
import { openWorkshop } from './compiled';
import type { Workshop } from './compiled';

const HOUR = parseTimeframe('1h');
const candles = randomWalk(HOUR, 420);
const until = closeOf(HOUR, candles.at(-1)?.openTime ?? NaN);

let workshop: Workshop;
beforeAll(() => {
  workshop = openWorkshop();
}, 60_000);
afterAll(() => workshop.remove());

async function search(threads: number): Promise<readonly RankedRecipe[]> {
  const forecaster = createForecaster({ workerFile: workshop.workerFile, threads });
  const pair = { symbol: parseSymbol('BTC/USDT'), timeframe: HOUR };
  try {
    return await searchRecipes(forecaster, {
      series: [{ pair, read: async () => Promise.resolve(candles) }],
      candidates: candidateRecipes(HOUR),
      origins: walkForwardOrigins(HOUR, { until, count: 3, spacing: 24, steps: 24 }),
      minimumCandles: 240,
      steps: 24,
    });
  } finally {
    await forecaster.close();
  }
}

test('I46 the whole declared space of 1h is searched on worker threads, one or two, with the same outcome', async () => {
  const untimed = (ranked: readonly RankedRecipe[]): unknown =>
    ranked.map((row) => ({ ...row, millisecondsPerForecast: 0 }));
  const ranked = await search(2);
  expect(ranked).toHaveLength(candidateRecipes(HOUR).length);
  for (const { failed, overall, millisecondsPerForecast } of ranked) {
    expect([failed, overall?.n]).toEqual([0, 3]);
    expect(millisecondsPerForecast).toBeGreaterThan(0);
  }
  expect(untimed(await search(1))).toEqual(untimed(ranked));
}, 60_000);
