/** How forecasts did, once their targets have closed (SPEC 6). Nothing non-finite leaves this file. */
import { metric } from './metric';
import { pinballLoss } from './quantiles';
import type { Metric } from './metric';
import type { QuantileForecast, QuantileRow } from './quantiles';

/** How one step of one forecast did. */
export interface StepScore {
  /** 1-based. */
  readonly step: number;
  readonly actual: number;
  /** |actual - median|, in the quote currency. */
  readonly absoluteError: number;
  /** 2 |actual - median| / (|actual| + |median|), 0..2 (Makridakis 1993). */
  readonly symmetricError: number;
  /** Mean pinball loss over the seven levels, divided by the last close. */
  readonly pinball: number;
  /** Whether the actual close lies within the interval, its bounds included. */
  readonly inside50: boolean;
  readonly inside80: boolean;
  readonly inside95: boolean;
  /** Whether median and actual lie on the same side of the last close; null when either lies on none. */
  readonly directionRight: boolean | null;
}

/**
 * Scores the steps whose target has closed. `actuals[k]` is the close of step k + 1, or null where there is no candle (yet):
 * that step is left out, as is one whose numbers give no finite score.
 */
export function scoreForecast(
  quantiles: QuantileForecast,
  lastClose: number,
  actuals: readonly (number | null)[],
): StepScore[] {
  return quantiles.flatMap((row, k) => {
    const actual = actuals[k] ?? null;
    const score = actual === null ? null : scoreStep(k + 1, row, lastClose, actual);
    return score === null ? [] : [score];
  });
}

function scoreStep(step: number, row: QuantileRow, lastClose: number, actual: number): StepScore | null {
  const [low95, low80, low50, median, high50, high80, high95] = row;
  if (![...row, lastClose, actual].every((price) => Number.isFinite(price) && price > 0)) return null;
  const absoluteError = Math.abs(actual - median);
  const direction = Math.sign(median - lastClose) * Math.sign(actual - lastClose);
  const score = {
    step,
    actual,
    absoluteError,
    symmetricError: (2 * absoluteError) / (actual + median),
    pinball: pinballLoss(actual, row) / lastClose,
    inside50: low50 <= actual && actual <= high50,
    inside80: low80 <= actual && actual <= high80,
    inside95: low95 <= actual && actual <= high95,
    directionRight: direction === 0 ? null : direction > 0,
  };
  return [score.absoluteError, score.symmetricError, score.pinball].every(Number.isFinite) ? score : null;
}

/**
 * The scale of the mean absolute scaled error: the mean absolute change from one close to the next over the training
 * window (Hyndman & Koehler 2006).
 */
export function naiveScale(closes: readonly number[]): Metric {
  let sum = 0;
  for (let k = 1; k < closes.length; k++) sum += Math.abs((closes[k] ?? Number.NaN) - (closes[k - 1] ?? Number.NaN));
  return metric(sum / Math.max(0, closes.length - 1), 'fewer than two finite closes');
}

/** Over all scored steps; `directions` counts those that had one. */
export interface ScoreSummary {
  readonly sampleCount: number;
  readonly mae: Metric;
  readonly smape: Metric;
  readonly mase: Metric;
  readonly pinball: Metric;
  readonly coverage50: Metric;
  readonly coverage80: Metric;
  readonly coverage95: Metric;
  readonly directionalAccuracy: Metric;
  readonly directions: number;
}

const NOT_SCORED = 'no step has been scored yet';

/** Means over the steps of one pair. `scale` is {@link naiveScale} of the window before the forecasts. */
export function summariseScores(scores: readonly StepScore[], scale: Metric): ScoreSummary {
  const mean = (value: (score: StepScore) => number): Metric => metric(meanOf(scores.map(value)), NOT_SCORED);
  const mae = mean(({ absoluteError }) => absoluteError);
  const directions = scores.flatMap(({ directionRight }) => (directionRight === null ? [] : [Number(directionRight)]));
  return {
    sampleCount: scores.length,
    mae,
    smape: mean(({ symmetricError }) => symmetricError),
    mase: ratio(mae, scale, 'the closes of the training window do not move'),
    pinball: mean(({ pinball }) => pinball),
    coverage50: mean(({ inside50 }) => Number(inside50)),
    coverage80: mean(({ inside80 }) => Number(inside80)),
    coverage95: mean(({ inside95 }) => Number(inside95)),
    directionalAccuracy: metric(meanOf(directions), 'no scored step had a direction'),
    directions: directions.length,
  };
}

/** Skill = 1 - loss / loss of naive, both mean losses over the same targets: 0 is as good as naive, below is worse. */
export function skillAgainstNaive(loss: Metric, naiveLoss: Metric): Metric {
  const share = ratio(loss, naiveLoss, 'the naive forecast made no error');
  return share.status === 'available' ? metric(1 - share.value, 'not a finite number') : share;
}

function ratio(numerator: Metric, denominator: Metric, whenZero: string): Metric {
  if (numerator.status === 'unavailable') return numerator;
  if (denominator.status === 'unavailable') return denominator;
  return metric(numerator.value / denominator.value, whenZero);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
