/** Bands from a series' own past h-step log returns. */
import { PipelineError } from '../domain/errors';
import { empiricalQuantiles, QUANTILE_LEVELS } from '../domain/quantiles';
import type { QuantileForecast, QuantileRow } from '../domain/quantiles';
import type { Candle } from '../domain/types';

/** Log-returns at QUANTILE_LEVELS, one row a step, step 1 first. */
export type LogQuantiles = readonly QuantileRow[];

/**
 * Fewest overlapping returns a step may rest on. The smallest window that was measured (30 bars, FORECASTS) leaves
 * six at step 24; a shorter series takes the longest step that has this many and scales it by the root of time.
 */
const FEWEST_RETURNS = 5;

/**
 * Log-quantiles of a recipe are kept within +-3, a factor of 20 either way: a young coin that rose a hundredfold would
 * otherwise be given bands that no reader can use and that may not be served.
 */
const WIDEST = 3;

export function withinWidest(logReturn: number): number {
  return Math.max(-WIDEST, Math.min(WIDEST, logReturn));
}

/** Closed candles below which no step has enough returns. */
export const FEWEST_CANDLES = FEWEST_RETURNS + 1;

export function logCloses(candles: readonly Candle[]): number[] {
  return candles.map((candle) => Math.log(candle.close));
}

/** The close a forecast starts from. @throws PipelineError `insufficient_data` when there is none. */
export function lastCloseOf(candles: readonly Candle[]): number {
  const last = candles.at(-1);
  if (last === undefined) {
    throw new PipelineError('insufficient_data', 'no closed candle to forecast from', { stage: 'predict' });
  }
  return last.close;
}

/** Quantiles of the overlapping `step`-bar log returns. */
function returnQuantiles(closes: readonly number[], step: number): QuantileRow {
  const returns = closes.slice(step).map((close, i) => close - (closes[i] ?? NaN));
  const quantiles = empiricalQuantiles(returns, QUANTILE_LEVELS);
  return rowOf((i) => quantiles[i] ?? NaN);
}

/** A row whose i-th place is `value(i)`. */
export function rowOf(value: (place: number) => number): QuantileRow {
  return [value(0), value(1), value(2), value(3), value(4), value(5), value(6)];
}

/**
 * Empirical quantiles of the h-step log return for h = 1..steps, centred on their median: the bench's yardstick.
 * @throws PipelineError `insufficient_data` unless there are more candles than steps.
 */
export function centredQuantiles(candles: readonly Candle[], steps: number): LogQuantiles {
  const closes = logCloses(candles);
  if (closes.length <= steps) {
    const sentence = `${steps} steps need more than ${steps} closed candles, and there are ${closes.length}`;
    throw new PipelineError('insufficient_data', sentence, { stage: 'predict' });
  }
  return Array.from({ length: steps }, (_, k) => {
    const row = returnQuantiles(closes, k + 1);
    return rowOf((i) => (row[i] ?? NaN) - row[3]);
  });
}

/** Empirical quantiles of the h-step log return for h = 1..steps, made symmetric: (q - reverse(q)) / 2 (FORECASTS), within +-3. */
export function symmetricQuantiles(candles: readonly Candle[], steps: number): LogQuantiles {
  const closes = logCloses(candles);
  const longest = Math.max(1, closes.length - FEWEST_RETURNS);
  return Array.from({ length: steps }, (_, k) => {
    const step = Math.min(k + 1, longest);
    const row = returnQuantiles(closes, step);
    const growth = Math.sqrt((k + 1) / step);
    return rowOf((i) => withinWidest((((row[i] ?? NaN) - (row[6 - i] ?? NaN)) / 2) * growth));
  });
}

/** Prices around `lastClose`. */
export function pricesFrom(lastClose: number, logQuantiles: LogQuantiles): QuantileForecast {
  return logQuantiles.map((row) => rowOf((i) => lastClose * Math.exp(row[i] ?? NaN)));
}
