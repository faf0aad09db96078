/**
 * Bands around a curve that a model draws from the last close: quantiles of the curve's own out-of-sample errors at
 * earlier origins, in units of the volatility forecast there (split conformal prediction with a normalised score:
 * Papadopoulos et al. 2008).
 */
import { z } from 'zod';
import { PipelineError } from '../domain/errors';
import { empiricalQuantiles } from '../domain/quantiles';
import type { QuantileForecast } from '../domain/quantiles';
import type { Candle, TimeframeId } from '../domain/types';
import { lastCloseOf, pricesFrom, rowOf, withinWidest } from './empirical-bands';
import { stepScales } from './range-volatility';

/** Steps of each calibration origin that are scored, at most. */
const CALIBRATION_STEPS = 24;

/** Half-widths of the 50, 80 and 95 % intervals in units of the volatility forecast. */
export const halfWidthsSchema = z.tuple([z.number(), z.number(), z.number()]);
export type HalfWidths = z.output<typeof halfWidthsSchema>;

/** How far a curve moves, in log price, from the last of `past` to each of the next `steps` candles. */
export type Moves = (past: readonly Candle[], steps: number) => readonly number[] | Promise<readonly number[]>;

export interface Calibration {
  readonly timeframe: TimeframeId;
  readonly candles: readonly Candle[];
  /** Earlier origins, at most; each costs one more curve. */
  readonly origins: number;
}

/**
 * Quantiles of |error| / volatility forecast over all steps of earlier origins. The origins lie in the last third of
 * the candles, a horizon apart where that is long enough; a short series has fewer of them.
 * @throws PipelineError `insufficient_data` for fewer than three candles.
 */
export async function calibratedHalfWidths(calibration: Calibration, moves: Moves): Promise<HalfWidths> {
  const { timeframe, candles } = calibration;
  const third = Math.floor(candles.length / 3);
  const origins = Math.min(calibration.origins, third);
  if (origins < 1) {
    throw new PipelineError('insufficient_data', 'no earlier origin to measure errors at', { stage: 'predict' });
  }
  const spacing = Math.min(CALIBRATION_STEPS, Math.floor(third / origins));
  const scores: number[] = [];
  for (let origin = 1; origin <= origins; origin++) {
    const past = candles.slice(0, candles.length - origin * spacing);
    const actual = candles.slice(past.length, past.length + CALIBRATION_STEPS);
    const curve = await moves(past, actual.length);
    const scales = stepScales(timeframe, past, actual.length);
    const start = Math.log(lastCloseOf(past));
    for (const [k, { close }] of actual.entries()) {
      scores.push(Math.abs(Math.log(close) - start - (curve[k] ?? NaN)) / (scales[k] ?? NaN));
    }
  }
  const [half50 = NaN, half80 = NaN, half95 = NaN] = empiricalQuantiles(scores, [0.5, 0.8, 0.95]);
  return [half50, half80, half95];
}

/** Prices at QUANTILE_LEVELS around `curve`, whose volatility forecasts are `scales`; within a factor of 20. */
export function bandsAround(
  lastClose: number,
  curve: readonly number[],
  scales: readonly number[],
  [half50, half80, half95]: HalfWidths,
): QuantileForecast {
  const units = [-half95, -half80, -half50, 0, half50, half80, half95];
  const rows = curve.map((move, k) => rowOf((i) => withinWidest(move + (units[i] ?? NaN) * (scales[k] ?? NaN))));
  return pricesFrom(lastClose, rows);
}
