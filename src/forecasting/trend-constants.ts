/**
 * Constants of the trend-volatility recipe, learned on hourly candles of eight symbols up to 2024-12-31 by
 * tests/data/forecasting/trend-volatility.py. Scale-free, as those of range-volatility.
 */
import { atStep } from './volatility-constants';
import type { StepConstants } from './volatility-constants';

const COLUMNS = {
  intercept: [-0.4021, -0.3264, -0.2477, -0.1986, -0.1531, -0.1302],
  slope4: [0.293, 0.2743, 0.2575, 0.2361, 0.2151, 0.198],
  slope24: [0.2263, 0.224, 0.219, 0.2125, 0.1993, 0.1907],
  slope120: [0.1263, 0.1274, 0.1265, 0.1225, 0.1173, 0.1141],
  trend4: [0.3854, 0.298, 0.2031, 0.1301, 0.0945, 0.0944],
  trend24: [0.1757, 0.2015, 0.2145, 0.2227, 0.2117, 0.1823],
  trend120: [0.1741, 0.1959, 0.2102, 0.2381, 0.2581, 0.2723],
  z50: [0.6519, 0.6025, 0.5655, 0.55, 0.545, 0.5558],
  z80: [1.325, 1.2478, 1.1985, 1.1659, 1.1619, 1.1808],
  z95: [2.4424, 2.3542, 2.2688, 2.1912, 2.1376, 2.1541],
} as const;

/** Those of range-volatility, and the slopes on the trend strengths. */
export type TrendConstants = StepConstants & Readonly<Record<'trend4' | 'trend24' | 'trend120', number>>;

/** The constants of one step, 1..24. */
export function trendConstantsOf(step: number): TrendConstants {
  return atStep(COLUMNS, step);
}
