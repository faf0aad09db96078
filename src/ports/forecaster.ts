import type { QuantileForecast } from '../domain/quantiles';
import type { Candle, EpochMs, Pair } from '../domain/types';

/** A family and its settings; the model registry says which one is champion of a timeframe. */
export interface Recipe {
  readonly family: string;
  /** Plain JSON; empty means the family's defaults. */
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface ForecastRequest {
  readonly pair: Pair;
  readonly recipe: Recipe;
  /** A saved model to predict with; absent: the recipe is fitted on the candles first. */
  readonly model?: string;
  /** Closed candles up to the origin, ascending; the forecaster takes the newest ones it needs. */
  readonly candles: readonly Candle[];
  readonly steps: number;
  readonly asOf: EpochMs;
}

export interface ForecastResult {
  /** Content hash of family, settings, code version of the family, and what was fitted. */
  readonly modelVersion: string;
  readonly family: string;
  /** One row a step; finite, positive, ascending: checked before it is returned. */
  readonly quantiles: QuantileForecast;
  readonly milliseconds: number;
}

/** Fits models that are kept; a training's half of the threads. */
export interface Fitter {
  /**
   * The saved model, fitted on the newest of the candles; null for a recipe that every cycle fits again, after a trial.
   * @throws PipelineError as {@link Forecaster.forecast}.
   */
  fit(
    request: { readonly pair: Pair; readonly recipe: Recipe; readonly candles: readonly Candle[] },
    signal?: AbortSignal,
  ): Promise<string | null>;
}

/** Runs model families in worker threads, never on the event loop. */
export interface Forecaster {
  /** Candles the recipe wants at most; reading more from the store is waste. */
  candlesWanted(recipe: Recipe): number;
  /** 16 hex digits that name a recipe, as the version of a model that every cycle fits. */
  versionOf(recipe: Recipe): string;
  /**
   * @throws PipelineError `forecast_failed`, `forecast_invalid` (non-finite, non-positive, absurd, crossing, wrong number of steps)
   *   or `forecast_timeout`; the thread is ended then and a new one started.
   */
  forecast(request: ForecastRequest, signal?: AbortSignal): Promise<ForecastResult>;
  close(): Promise<void>;
}
