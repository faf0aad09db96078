/**
 * The theta method on log prices, as the state space model of Fiorucci, Pellegrini, Louzada, Petropoulos & Koehler (Int.
 * J. Forecasting 32, 2016), section 2.3: simple exponential smoothing of the theta line, and the trend line. With
 * theta = 2 it is the method of Assimakopoulos & Nikolopoulos (Int. J. Forecasting 16, 2000).
 */
import { z } from 'zod';
import { CURVE_SETTINGS, defineCurveFamily } from './curve-family';
import { logCloses } from './empirical-bands';

/** The smoothing weight is looked for within these limits, as statsforecast does. */
const LOWEST_WEIGHT = 0.1;
const HIGHEST_WEIGHT = 0.99;
const COARSE_STEPS = 30;
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const FINE_STEPS = 30;

const settings = z.strictObject({
  ...CURVE_SETTINGS,
  /** How far the theta line exaggerates the bends of the series; the trend line has the weight 1 - 1/theta. */
  theta: z.number().min(1).max(100).default(2),
});

export const theta = defineCurveFamily({
  name: 'theta',
  codeVersion: '1',
  settings,
  minimumCandles: 6,
  moves: (past, steps, { theta: bend }) => {
    const closes = logCloses(past);
    const last = closes.at(-1) ?? NaN;
    return thetaForecast(closes, steps, bend).map((value) => value - last);
  },
});

/** The next `steps` values of a series of at least two. */
export function thetaForecast(values: readonly number[], steps: number, bend: number): readonly number[] {
  const trend = trendLine(values);
  const share = 1 - 1 / bend;
  const loss = (weight: number): number => smoothed(values, trend, share, weight).squaredError;
  const weight = lowest(loss);
  const { level } = smoothed(values, trend, share, weight);
  const next = trendPart(trend, weight, values.length);
  return Array.from({ length: steps }, (_, k) => level + share * (next + k * trend.slope));
}

interface TrendLine {
  readonly intercept: number;
  readonly slope: number;
}

/** Least squares on 1, 2, ... n. */
function trendLine(values: readonly number[]): TrendLine {
  const n = values.length;
  const middle = (n + 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const covariance = values.reduce((sum, value, i) => sum + (i + 1 - middle) * (value - mean), 0);
  const slope = (12 * covariance) / (n * (n * n - 1));
  return { intercept: mean - slope * middle, slope };
}

/** (1-a)^t A + (1 - (1-a)^(t+1)) / a * B: what the trend line adds to the level after t values. */
function trendPart({ intercept, slope }: TrendLine, weight: number, t: number): number {
  const left = (1 - weight) ** t;
  return left * intercept + ((1 - left * (1 - weight)) / weight) * slope;
}

interface Smoothed {
  readonly squaredError: number;
  /** After the last value. */
  readonly level: number;
}

/**
 * One pass with the given smoothing weight. The errors are linear in the first level, so the best one is found exactly:
 * with first level 0 the error at t is e_t, and a first level L takes L (1-a)^t from it.
 */
function smoothed(values: readonly number[], trend: TrendLine, share: number, weight: number): Smoothed {
  const { intercept, slope } = trend;
  let level = 0;
  let left = 1;
  let [ee, ef, ff] = [0, 0, 0];
  for (const value of values) {
    const added = left * intercept + ((1 - left * (1 - weight)) / weight) * slope;
    const error = value - level - share * added;
    ee += error * error;
    ef += error * left;
    ff += left * left;
    level = weight * value + (1 - weight) * level;
    left *= 1 - weight;
  }
  const first = ef / ff;
  return { squaredError: ee - first * ef, level: level + left * first };
}

/** The weight with the lowest loss: a coarse grid, then a golden section between the neighbours of its best point. */
function lowest(loss: (weight: number) => number): number {
  const step = (HIGHEST_WEIGHT - LOWEST_WEIGHT) / COARSE_STEPS;
  let best = 0;
  let bestLoss = Infinity;
  for (let i = 0; i <= COARSE_STEPS; i++) {
    const here = loss(LOWEST_WEIGHT + i * step);
    if (here < bestLoss) [best, bestLoss] = [i, here];
  }
  let low = LOWEST_WEIGHT + Math.max(0, best - 1) * step;
  let high = LOWEST_WEIGHT + Math.min(COARSE_STEPS, best + 1) * step;
  for (let i = 0; i < FINE_STEPS; i++) {
    const [left, right] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)];
    if (loss(left) < loss(right)) high = right;
    else low = left;
  }
  return (low + high) / 2;
}
