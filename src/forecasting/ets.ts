/**
 * Exponential smoothing in state space form on log prices, its trend chosen by AICc (Hyndman, Koehler, Snyder & Grose,
 * Int. J. Forecasting 18, 2002): augurs' AutoETS. It has no save, so the curve is fitted again at each forecast.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AutoETS } from '@bsull/augurs/ets';
import { z } from 'zod';
import { PipelineError } from '../domain/errors';
import { CURVE_SETTINGS, defineCurveFamily } from './curve-family';
import { logCloses } from './empirical-bands';

const settings = z.strictObject({
  ...CURVE_SETTINGS,
  /** A fit takes a tenth of a second on 500 candles, far more than other curves. */
  calibrationOrigins: CURVE_SETTINGS.calibrationOrigins.default(6),
  /** `automatic` chooses among none, additive and damped; errors are additive, since log prices may be negative. */
  trend: z.enum(['automatic', 'additive']).default('automatic'),
});

const SPECIFICATIONS = { automatic: 'AZN', additive: 'AAN' } as const;
const NO_SEASON = 1;

export const ets = defineCurveFamily({
  name: 'ets',
  codeVersion: '1',
  settings,
  minimumCandles: 12,
  moves: async (past, steps, { trend }) => {
    const closes = logCloses(past);
    const last = closes.at(-1) ?? NaN;
    if (closes.every((close) => close === last)) return Array.from({ length: steps }, () => 0);
    return (await etsForecast(closes, steps, SPECIFICATIONS[trend])).map((value) => value - last);
  },
});

/**
 * The next `steps` values of the model that fits best, of those `specification` allows (error, trend, season).
 * @throws PipelineError `forecast_failed` when none fits.
 */
export async function etsForecast(
  values: readonly number[],
  steps: number,
  specification: string,
): Promise<readonly number[]> {
  engine ??= loadEngine();
  const model = (await engine)(specification);
  try {
    model.fit(Float64Array.from(values));
    return model.predict(steps).point;
  } catch (cause) {
    throw new PipelineError('forecast_failed', `ETS did not fit: ${String(cause)}`, { cause });
  } finally {
    model.free();
  }
}

type Engine = (specification: string) => AutoETS;
let engine: Promise<Engine> | undefined;

/** An ES module, loaded at first use. */
async function loadEngine(): Promise<Engine> {
  const augurs = await import('@bsull/augurs/ets');
  const folder = dirname(require.resolve('@bsull/augurs/ets'));
  augurs.initSync({ module: await readFile(join(folder, 'ets_bg.wasm')) });
  augurs.initLogging({ maxLevel: 'error' });
  return (specification) => new augurs.AutoETS(NO_SEASON, specification);
}
