/** Averages over a series' bars at several speeds: of bar range, and of the return with its sign. */
import { DAY, HOUR } from '../domain/timeframe';
import type { Candle, EpochMs, TimeframeId } from '../domain/types';
import { HALF_LIVES, HOUR_OF_WEEK_VARIANCE, WEEKDAY_VARIANCE } from './volatility-constants';

/** Parkinson's constant: the expected squared log range of a unit-variance random walk over one bar. */
const PARKINSON = 4 * Math.LN2;
/** Keeps the logarithm finite when no bar ever moved. */
const SMALLEST_AVERAGE = 1e-6;

/** One number for each of HALF_LIVES. */
export type BySpeed = readonly [number, number, number, number];

export interface BarAverages {
  /** ln of the weighted mean of the square root of bar variance. */
  readonly logRanges: BySpeed;
  /** Weighted mean of the log return from close to close. */
  readonly moves: BySpeed;
}

/** Weights are 2^(-age/half-life); ranges and returns are free of the learned profile of the timeframe. */
export function barAverages(timeframe: TimeframeId, candles: readonly Candle[]): BarAverages {
  const ranges = [0, 0, 0, 0];
  const moves = [0, 0, 0, 0];
  const weights = [0, 0, 0, 0];
  const decay = HALF_LIVES.map((halfLife) => 2 ** (-1 / halfLife));
  let previousClose = candles[0]?.open ?? NaN;
  for (const candle of candles) {
    const factor = varianceFactor(timeframe, candle.openTime);
    const range = Math.sqrt(barVariance(candle, previousClose) / factor);
    const move = Math.log(candle.close / previousClose) / Math.sqrt(factor);
    previousClose = candle.close;
    for (let i = 0; i < HALF_LIVES.length; i++) {
      const keep = decay[i] ?? NaN;
      ranges[i] = (ranges[i] ?? NaN) * keep + range;
      moves[i] = (moves[i] ?? NaN) * keep + move;
      weights[i] = (weights[i] ?? NaN) * keep + 1;
    }
  }
  const mean = (sums: readonly number[], i: number): number => (sums[i] ?? NaN) / (weights[i] ?? NaN);
  return {
    logRanges: bySpeed((i) => Math.log(Math.max(mean(ranges, i), SMALLEST_AVERAGE))),
    moves: bySpeed((i) => mean(moves, i)),
  };
}

function bySpeed(value: (i: number) => number): BySpeed {
  return [value(0), value(1), value(2), value(3)];
}

/** Parkinson's estimate of a bar's variance with the gap from the previous close (J. Business 53, 1980). */
function barVariance({ open, high, low, close }: Candle, previousClose: number): number {
  const top = Math.max(high, open, close, previousClose);
  const bottom = Math.min(low, open, close, previousClose);
  return Math.log(top / bottom) ** 2 / PARKINSON;
}

/** How much more (or less) than the average a bar that opens then varies; 1 where no profile was learned. */
export function varianceFactor(timeframe: TimeframeId, openTime: EpochMs): number {
  if (timeframe !== '1h' && timeframe !== '1d') return 1;
  // 1970-01-01 was a Thursday: three days after a Monday.
  const sinceMonday = openTime + 3 * DAY;
  if (timeframe === '1h') return HOUR_OF_WEEK_VARIANCE[Math.floor(sinceMonday / HOUR) % 168] ?? 1;
  return WEEKDAY_VARIANCE[Math.floor(sinceMonday / DAY) % 7] ?? 1;
}
