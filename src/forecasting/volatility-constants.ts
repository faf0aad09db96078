/**
 * Constants of the range-volatility recipe (FORECASTS, "The winning recipe"), learned once on hourly candles of eight
 * symbols up to 2024-12-31. Scale-free, hence the same for every timeframe.
 */

/** Half-lives of the four averages of bar range, in bars; the slowest is the anchor. */
export const HALF_LIVES = [4, 24, 120, 600] as const;
/** The furthest step the constants reach. */
export const LONGEST_STEP = 24;

const KNOTS = [1, 2, 4, 8, 16, 24] as const;
const COLUMNS = {
  intercept: [-0.1347, -0.0711, -0.0227, 0.0213, 0.0574, 0.0753],
  slope4: [0.4279, 0.4061, 0.3773, 0.3462, 0.3159, 0.2964],
  slope24: [0.2416, 0.2462, 0.2451, 0.2408, 0.232, 0.2227],
  slope120: [0.098, 0.1002, 0.0995, 0.1009, 0.0985, 0.096],
  z50: [0.67, 0.6166, 0.5796, 0.5505, 0.5474, 0.5607],
  z80: [1.3591, 1.2785, 1.2253, 1.1886, 1.1692, 1.1683],
  z95: [2.5208, 2.3797, 2.3059, 2.1909, 2.1261, 2.1253],
} as const;

/** Intercept, slopes on (x_k - x_600), and the half-widths of the 50, 80 and 95 % intervals in units of s. */
export type StepConstants = Readonly<Record<keyof typeof COLUMNS, number>>;

/** The constants of one step, 1..24. */
export function constantsOf(step: number): StepConstants {
  return atStep(COLUMNS, step);
}

/** One value a column, whose six knots are the steps 1, 2, 4, 8, 16 and 24: linear in ln(step) between them. */
export function atStep<Column extends string>(
  columns: Readonly<Record<Column, readonly number[]>>,
  step: number,
): Readonly<Record<Column, number>> {
  const upper = Math.max(
    1,
    KNOTS.findIndex((knot) => knot >= step),
  );
  const from = KNOTS[upper - 1] ?? NaN;
  const to = KNOTS[upper] ?? NaN;
  const weight = Math.log(step / from) / Math.log(to / from);
  const values = Object.entries<readonly number[]>(columns).map(([name, column]) => [
    name,
    (column[upper - 1] ?? NaN) * (1 - weight) + (column[upper] ?? NaN) * weight,
  ]);
  return Object.fromEntries(values) as Readonly<Record<Column, number>>;
}

/** Relative volatility by hour of day, 00..23 UTC, of hourly bars. */
const HOUR_OF_DAY = [
  1.191, 1.041, 0.943, 0.861, 0.849, 0.847, 0.866, 0.896, 0.975, 0.933, 0.932, 0.919, 1.073, 1.141, 1.239, 1.18, 1.208,
  1.038, 1.002, 0.975, 1.002, 0.972, 0.981, 0.936,
];
/** Relative volatility by weekday, Monday first, of hourly and of daily bars. */
const WEEKDAY_HOURLY = [1.076, 1.073, 1.081, 1.05, 1.027, 0.828, 0.866];
const WEEKDAY_DAILY = [1.103, 1.04, 1.103, 1.052, 1.027, 0.793, 0.833];

function meanOne(profile: readonly number[]): readonly number[] {
  const mean = profile.reduce((sum, value) => sum + value, 0) / profile.length;
  return profile.map((value) => value / mean);
}

/** Variance factor of each hour of the week, Monday 00:00 UTC first, mean 1. */
export const HOUR_OF_WEEK_VARIANCE = meanOne(
  WEEKDAY_HOURLY.flatMap((weekday) => HOUR_OF_DAY.map((hour) => (hour * weekday) ** 2)),
);
/** Variance factor of each weekday, Monday first, mean 1. */
export const WEEKDAY_VARIANCE = meanOne(WEEKDAY_DAILY.map((weekday) => weekday ** 2));
