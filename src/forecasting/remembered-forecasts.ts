/**
 * Forecasts that were made before are not made again: the trainings of two days ask mostly for the same ones. The same
 * input gives the same output (I46), so what is remembered is what would be computed.
 */
import { createHash } from 'node:crypto';
import type { Fitter, Forecaster, ForecastRequest, ForecastResult } from '../ports/forecaster';
import { newest } from './model';
import { packCandles } from './packed-candles';

/** Keeps the `capacity` forecasts that were asked for last, about 3 kB each; failures are never kept. */
export function rememberForecasts(inner: Forecaster & Fitter, capacity: number): Forecaster & Fitter {
  const known = new Map<string, ForecastResult>();
  return {
    candlesWanted: (recipe) => inner.candlesWanted(recipe),
    versionOf: (recipe) => inner.versionOf(recipe),
    fit: (request, signal) => inner.fit(request, signal),
    forecast: async (request, signal) => {
      const key = keyOf(inner, request);
      const result = known.get(key) ?? (await inner.forecast(request, signal));
      known.delete(key);
      known.set(key, result);
      const [oldest] = known.keys();
      if (known.size > capacity && oldest !== undefined) known.delete(oldest);
      return result;
    },
    close: () => inner.close(),
  };
}

/** Of everything that a forecast depends on. */
function keyOf(forecaster: Forecaster, { pair, recipe, model, candles, steps, asOf }: ForecastRequest): string {
  const seen = packCandles(newest(candles, forecaster.candlesWanted(recipe)));
  const parameters = JSON.stringify([pair, forecaster.versionOf(recipe), recipe, model ?? null, steps, asOf]);
  return createHash('sha1').update(parameters).update(seen).digest('base64');
}
