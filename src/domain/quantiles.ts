/** Quantile levels of every forecast, in this order everywhere (FORECASTS, protocol). */
export const QUANTILE_LEVELS = [0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975] as const;

/** The prices of one step at {@link QUANTILE_LEVELS}, ascending. */
export type QuantileRow = readonly [number, number, number, number, number, number, number];
/** One row a step, step 1 first. */
export type QuantileForecast = readonly QuantileRow[];

/**
 * Empirical quantiles of `values` (any order) at each of `levels` (0..1): linear interpolation between order statistics,
 * Hyndman & Fan (1996) type 7, as `numpy.quantile` does by default, down to the last bit.
 * @throws RangeError when there is no value, a value is not finite, or a level lies outside 0..1.
 */
export function empiricalQuantiles(values: readonly number[], levels: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('no quantile of no values');
  if (!values.every(Number.isFinite)) throw new RangeError('no quantile of values that are not finite numbers');
  const sorted = Float64Array.from(values).sort();
  return levels.map((level) => quantileOfSorted(sorted, level));
}

/** One empirical quantile; for several levels of the same values {@link empiricalQuantiles} sorts only once. */
export function empiricalQuantile(values: readonly number[], level: number): number {
  const [quantile] = empiricalQuantiles(values, [level]);
  return quantile ?? Number.NaN;
}

function quantileOfSorted(sorted: Float64Array, level: number): number {
  if (!(level >= 0 && level <= 1)) throw new RangeError(`${level} is not a quantile level: it must lie within 0..1`);
  const place = level * (sorted.length - 1);
  const below = Math.floor(place);
  const a = sorted[below] ?? Number.NaN;
  const b = sorted[Math.min(below + 1, sorted.length - 1)] ?? Number.NaN;
  const share = place - below;
  // From the nearer end, as numpy: then equal neighbours give exactly themselves.
  return share >= 0.5 ? b - (b - a) * (1 - share) : a + (b - a) * share;
}

/**
 * Mean pinball loss of one step over the seven levels, in the unit of the prices (Koenker & Bassett 1978):
 * `max(q * d, (q - 1) * d)` with `d = actual - quantile`.
 */
export function pinballLoss(actual: number, row: QuantileRow): number {
  let sum = 0;
  for (const [k, level] of QUANTILE_LEVELS.entries()) {
    const difference = actual - (row[k] ?? Number.NaN);
    sum += Math.max(level * difference, (level - 1) * difference);
  }
  return sum / QUANTILE_LEVELS.length;
}

export interface ForecastRules {
  readonly steps: number;
  /** The close the forecast starts from. */
  readonly lastClose: number;
  /** Lowest low and highest high of the recent window. */
  readonly recentMin: number;
  readonly recentMax: number;
}

/**
 * A forecast further off than this from all recent prices is an accident, not a forecast (I40). Just above the factor
 * of 20.1 that the widest good bands reach: two years ahead of monthly candles 10 refused honest ones.
 */
const ABSURD_FACTOR = 21;

/**
 * Null when the forecast may be served, else the first broken rule: its name, then where and what (I40, F81-F83, F86).
 * Accepts anything, since a model's answer is not to be trusted.
 */
export function checkForecast(rows: unknown, rules: ForecastRules): string | null {
  const lowest = Math.min(rules.recentMin, rules.lastClose) / ABSURD_FACTOR;
  const highest = Math.max(rules.recentMax, rules.lastClose) * ABSURD_FACTOR;
  if (!(lowest > 0 && highest < Infinity && rules.recentMin <= rules.recentMax)) {
    return `out_of_range: the recent prices (${rules.recentMin} to ${rules.recentMax}, last ${rules.lastClose}) are no yardstick`;
  }
  if (!Array.isArray(rows) || rows.length !== rules.steps || rules.steps < 1) {
    return `wrong_count: ${Array.isArray(rows) ? rows.length : 'no'} steps instead of ${rules.steps}`;
  }
  for (const [k, row] of (rows as unknown[]).entries()) {
    const fault = checkStep(row, lowest, highest);
    if (fault !== null) return fault.replace(': ', `: step ${k + 1} `);
  }
  return null;
}

function checkStep(row: unknown, lowest: number, highest: number): string | null {
  if (!Array.isArray(row) || row.length !== QUANTILE_LEVELS.length) {
    return `wrong_count: has ${Array.isArray(row) ? row.length : 'no'} quantiles instead of ${QUANTILE_LEVELS.length}`;
  }
  let previous = 0;
  for (const [k, value] of (row as unknown[]).entries()) {
    const level = QUANTILE_LEVELS[k];
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      return `non_finite: has ${typeof value === 'number' ? value : typeof value} at level ${level}`;
    }
    if (value <= 0) return `non_positive: has ${value} at level ${level}`;
    if (value < previous) return `crossing: has ${value} at level ${level}, below ${previous} at the level before`;
    if (value < lowest || value > highest) {
      return `out_of_range: has ${value} at level ${level}, outside ${lowest} to ${highest}`;
    }
    previous = value;
  }
  return null;
}
