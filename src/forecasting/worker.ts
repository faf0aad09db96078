/** What runs inside a worker thread. Errors cross threads as data, since a class does not. */
import { PipelineError } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';
import type { QuantileForecast } from '../domain/quantiles';
import type { TimeframeId } from '../domain/types';
import type { Recipe } from '../ports/forecaster';
import { familyNamed } from './families';
import { modelVersion } from './model';
import { unpackCandles } from './packed-candles';
import { engineIsSound } from './prophet-engine';

export { scoreOrigins } from './backtest-score';

export interface ForecastTask {
  readonly timeframe: TimeframeId;
  readonly recipe: Recipe;
  /** See packed-candles.ts. */
  readonly candles: Float64Array;
  readonly steps: number;
  /** A saved model; without it the recipe is fitted on the candles. */
  readonly model?: string;
}

export type ForecastOutcome =
  | { readonly kind: 'forecast'; readonly modelVersion: string; readonly quantiles: QuantileForecast }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly sentence: string };

export type FitOutcome =
  | { readonly kind: 'fitted'; readonly model: string | null }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly sentence: string };

/** Fits the recipe; what every cycle fits again leaves nothing to keep. */
export async function fitModel({
  timeframe,
  recipe,
  candles: packed,
}: Pick<ForecastTask, 'timeframe' | 'recipe' | 'candles'>): Promise<FitOutcome> {
  try {
    const family = familyNamed(recipe.family);
    const model = await family.fit({ timeframe, candles: unpackCandles(packed), settings: recipe.settings });
    return { kind: 'fitted', model: model.refit === 'every_cycle' ? null : family.save(model) };
  } catch (cause) {
    if (!engineIsSound()) process.exit(1);
    if (cause instanceof PipelineError) return { kind: 'failed', code: cause.code, sentence: cause.message };
    return { kind: 'failed', code: 'forecast_failed', sentence: String(cause) };
  }
}

/** Loads the model, or fits the recipe on the candles, and predicts from the last of them. */
export async function runForecast({
  timeframe,
  recipe,
  candles: packed,
  steps,
  model: saved,
}: ForecastTask): Promise<ForecastOutcome> {
  try {
    const family = familyNamed(recipe.family);
    const candles = unpackCandles(packed);
    const model =
      saved === undefined ? await family.fit({ timeframe, candles, settings: recipe.settings }) : family.load(saved);
    const quantiles = await family.predict(model, candles, steps);
    return { kind: 'forecast', modelVersion: modelVersion(model), quantiles };
  } catch (cause) {
    // Without an answer the pool takes the thread for dead and starts a new one.
    if (!engineIsSound()) process.exit(1);
    if (cause instanceof PipelineError) return { kind: 'failed', code: cause.code, sentence: cause.message };
    return { kind: 'failed', code: 'forecast_failed', sentence: String(cause) };
  }
}
