/** The declared space that training searches: per family the settings worth trying, small enough to try all. */
import type { TimeframeId } from '../domain/types';
import type { Recipe } from '../ports/forecaster';

type Settings = Recipe['settings'];

/**
 * Windows in bars. Prophet costs a second a forecast and stays out of the search: it can be named by hand. Where
 * candles are few (1w, 1M) a family takes what there is, so long windows repeat short ones and are left out.
 */
function settingsByFamily(timeframe: TimeframeId): Readonly<Record<string, readonly Settings[]>> {
  const scarce = timeframe === '1w' || timeframe === '1M';
  const windows = scarce ? [104, 250] : [250, 500, 2000];
  const eachWindow = windows.map((window) => ({ window }));
  return {
    'range-volatility': [{}],
    'trend-volatility': [{}],
    naive: eachWindow,
    drift: eachWindow,
    'seasonal-naive': [{}],
    theta: windows.flatMap((window) => [1.5, 2].map((theta) => ({ window, theta }))),
    ets: [{ window: scarce ? 104 : 250, refit: 'on_training' }],
  };
}

/** Every recipe that training tries on a timeframe, those of one family next to each other. */
export function candidateRecipes(timeframe: TimeframeId): readonly Recipe[] {
  return Object.entries(settingsByFamily(timeframe)).flatMap(([family, all]) =>
    all.map((settings) => ({ family, settings })),
  );
}
