/**
 * Whether one forecaster's losses are lower than another's by more than chance (Diebold & Mariano 1995), where the
 * origins overlap: 24 steps from each origin share most of their targets with the next (docs/decisions).
 */
import { studentTail } from './student-t';

export interface DieboldMariano {
  /** Origins. */
  readonly n: number;
  /** Mean of the differences: below 0 the challenger is better. */
  readonly mean: number;
  /** Harvey, Leybourne & Newbold's statistic with the Bartlett variance up to `lag`. */
  readonly statistic: number;
  /** P(as low a statistic, were both equally good) by Student's t with n - 1 degrees of freedom. */
  readonly pStudent: number;
  /** The same with the variance over all lags and its own exact limit law, which does not shrink with the overlap. */
  readonly pAllLags: number;
  /** The larger of the two: what a decision rests on. */
  readonly p: number;
}

/**
 * One-sided test that the mean of `differences` (challenger's loss minus champion's, one an origin, in order of time) is
 * below 0. `lag` is the number of later origins that share targets with one: 23 for 24 steps.
 * Null where the differences say nothing: fewer origins than `lag` + 2, a number that is not finite, or no variation.
 */
export function dieboldMariano(differences: readonly number[], lag: number): DieboldMariano | null {
  const n = differences.length;
  if (!Number.isInteger(lag) || lag < 0 || n < lag + 2 || !differences.every(Number.isFinite)) return null;
  const mean = differences.reduce((sum, d) => sum + d, 0) / n;
  const centred = differences.map((d) => d - mean);
  const variance = bartlettVariance(centred, lag);
  const all = allLagsVariance(centred);
  if (!(variance > 0 && all > 0)) return null;
  const correction = smallSampleFactor(n, lag + 1);
  const statistic = (correction * mean) / Math.sqrt(variance / n);
  const everywhere = (correction * mean) / Math.sqrt(all / n);
  // Numbers so large that their squares are none.
  if (!Number.isFinite(statistic) || !Number.isFinite(everywhere)) return null;
  const pStudent = studentTail(-statistic, n - 1);
  const pAllLags = allLagsTail(-everywhere);
  return { n, mean, statistic, pStudent, pAllLags, p: Math.max(pStudent, pAllLags) };
}

/** 97.5 % point of the statistic with the variance over all lags (Kiefer, Vogelsang & Bunzel 2000). */
const ALL_LAGS_97_5 = 4.771;

/**
 * 95 % interval of the mean of one observation an origin, by the variance over all lags, with the small-sample
 * correction. Null where there are no more origins than steps, or a number is not finite.
 */
export function meanInterval(
  values: readonly number[],
  lag: number,
): { readonly lower: number; readonly upper: number } | null {
  const n = values.length;
  const correction = n === 0 ? 0 : smallSampleFactor(n, lag + 1);
  if (n < lag + 2 || !values.every(Number.isFinite) || correction <= 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const half = (ALL_LAGS_97_5 * Math.sqrt(allLagsVariance(values.map((value) => value - mean)) / n)) / correction;
  return Number.isFinite(half) ? { lower: mean - half, upper: mean + half } : null;
}

/** Newey & West (1987): long-run variance with weights 1 - k / (lag + 1). */
function bartlettVariance(centred: readonly number[], lag: number): number {
  const n = centred.length;
  let total = 0;
  for (let k = 0; k <= lag; k++) {
    let sum = 0;
    for (let t = k; t < n; t++) sum += (centred[t] ?? NaN) * (centred[t - k] ?? NaN);
    total += (k === 0 ? 1 : 2 * (1 - k / (lag + 1))) * (sum / n);
  }
  return total;
}

/** The same with lag n - 1, which is a sum of squared partial sums (Kiefer & Vogelsang 2002). */
function allLagsVariance(centred: readonly number[]): number {
  const n = centred.length;
  let partial = 0;
  let squares = 0;
  for (const value of centred) {
    partial += value;
    squares += partial * partial;
  }
  return (2 * squares) / (n * n);
}

/** Harvey, Leybourne & Newbold (1997) for forecasts `horizon` steps ahead; 0 where n is no more than the horizon. */
function smallSampleFactor(n: number, horizon: number): number {
  return Math.sqrt(Math.max(0, (n + 1 - 2 * horizon + (horizon * (horizon - 1)) / n) / n));
}

const PANELS = 400;

/**
 * P(W > x) for W = Z / sqrt(2 Q): Z standard normal, Q the integral of a squared Brownian bridge (the limit of Cramér
 * and von Mises). By Craig's form of the normal tail and Q's Laplace transform, sqrt(r / sinh r) at s = r * r / 2,
 * it is one integral over a quarter circle, taken by the midpoint rule.
 */
function allLagsTail(x: number): number {
  if (x < 0) return 1 - allLagsTail(-x);
  let sum = 0;
  for (let k = 0; k < PANELS; k++) {
    const sine = Math.sin(((k + 0.5) * Math.PI) / (2 * PANELS));
    sum += laplaceOfBridge((Math.SQRT2 * x) / sine);
  }
  return sum / (2 * PANELS);
}

/** sqrt(r / sinh r), also where sinh overflows. */
function laplaceOfBridge(r: number): number {
  if (r < 1e-6) return 1;
  return r > 700 ? Math.sqrt(2 * r) * Math.exp(-r / 2) : Math.sqrt(r / Math.sinh(r));
}
