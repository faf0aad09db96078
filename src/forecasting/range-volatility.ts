/**
 * Range volatility: averages of bar range at four speeds -> log-linear volatility per horizon -> fixed symmetric
 * fat-tailed quantiles around the last close (FORECASTS, "The winning recipe", recipe U).
 */
import { z } from 'zod';
import { PipelineError } from '../domain/errors';
import { DAY, HOUR, shiftSlots } from '../domain/timeframe';
import type { Candle, EpochMs, TimeframeId } from '../domain/types';
import { FEWEST_CANDLES, lastCloseOf, pricesFrom, rowOf, symmetricQuantiles, withinWidest } from './empirical-bands';
import type { LogQuantiles } from './empirical-bands';
import { defineFamily } from './model';
import { constantsOf, HALF_LIVES, HOUR_OF_WEEK_VARIANCE, LONGEST_STEP, WEEKDAY_VARIANCE } from './volatility-constants';

/** Parkinson's constant: the expected squared log range of a unit-variance random walk over one bar. */
const PARKINSON = 4 * Math.LN2;
/** Keeps the logarithm finite when no bar ever moved. */
const SMALLEST_AVERAGE = 1e-6;
/** Below this many bars the recipe is mixed with the series' own quantiles. */
const SHORT_HISTORY = 100;
const SHARE_ON_SHORT_HISTORY = 0.6;

const settings = z.strictObject({
  /** Bars the averages run over; at 3000 the slowest has forgotten all but 3 % of what came before. */
  window: z.number().int().min(FEWEST_CANDLES).max(100_000).default(3000),
});

/** The default champion. Nothing is fitted at run time. Version: the recipe only. */
export const rangeVolatility = defineFamily({
  name: 'range-volatility',
  codeVersion: '2',
  settings,
  parameters: z.strictObject({}),
  minimumCandles: FEWEST_CANDLES,
  refit: () => 'every_cycle',
  fit: () => ({}),
  predict: ({ timeframe, recent, steps }) => {
    const own = volatilityQuantiles(timeframe, recent, steps);
    return pricesFrom(lastCloseOf(recent), recent.length < SHORT_HISTORY ? blend(own, recent) : own);
  },
});

/**
 * Log-return quantiles for 1..steps bars after the last candle, at QUANTILE_LEVELS, without the blend of short series.
 * @throws PipelineError `invalid_input` for more than 24 steps.
 */
export function volatilityQuantiles(timeframe: TimeframeId, candles: readonly Candle[], steps: number): LogQuantiles {
  return stepScales(timeframe, candles, steps).map((scale, k) => {
    const { z50, z80, z95 } = constantsOf(k + 1);
    const units = [-z95, -z80, -z50, 0, z50, z80, z95];
    return rowOf((i) => withinWidest(scale * (units[i] ?? NaN)));
  });
}

/**
 * s_h for h = 1..steps: the size of the log return over the next h bars, forecast from bar ranges.
 * @throws PipelineError `invalid_input` for more than 24 steps.
 */
export function stepScales(timeframe: TimeframeId, candles: readonly Candle[], steps: number): readonly number[] {
  if (steps > LONGEST_STEP) {
    throw new PipelineError('invalid_input', `range-volatility reaches ${LONGEST_STEP} steps, and ${steps} were asked`);
  }
  const [x4, x24, x120, x600] = averageLogRanges(timeframe, candles);
  const lastOpen = candles.at(-1)?.openTime ?? NaN;
  let variance = 0;
  return Array.from({ length: steps }, (_, k) => {
    const { intercept, slope4, slope24, slope120 } = constantsOf(k + 1);
    variance += varianceFactor(timeframe, shiftSlots(timeframe, lastOpen, k + 1));
    const pull = slope4 * (x4 - x600) + slope24 * (x24 - x600) + slope120 * (x120 - x600);
    return Math.exp(x600 + intercept + pull + 0.5 * Math.log(variance));
  });
}

function blend(own: LogQuantiles, recent: readonly Candle[]): LogQuantiles {
  const empirical = symmetricQuantiles(recent, own.length);
  return own.map((row, k) =>
    rowOf((i) => SHARE_ON_SHORT_HISTORY * (row[i] ?? NaN) + (1 - SHARE_ON_SHORT_HISTORY) * (empirical[k]?.[i] ?? NaN)),
  );
}

/** ln of the weighted mean of the square root of bar variance, for each half-life; weights 2^(-age/half-life). */
function averageLogRanges(timeframe: TimeframeId, candles: readonly Candle[]): [number, number, number, number] {
  const sums = [0, 0, 0, 0];
  const weights = [0, 0, 0, 0];
  const decay = HALF_LIVES.map((halfLife) => 2 ** (-1 / halfLife));
  let previousClose = candles[0]?.open ?? NaN;
  for (const candle of candles) {
    const root = Math.sqrt(barVariance(candle, previousClose) / varianceFactor(timeframe, candle.openTime));
    previousClose = candle.close;
    for (let i = 0; i < HALF_LIVES.length; i++) {
      const keep = decay[i] ?? NaN;
      sums[i] = (sums[i] ?? NaN) * keep + root;
      weights[i] = (weights[i] ?? NaN) * keep + 1;
    }
  }
  const at = (i: number): number => Math.log(Math.max((sums[i] ?? NaN) / (weights[i] ?? NaN), SMALLEST_AVERAGE));
  return [at(0), at(1), at(2), at(3)];
}

/** Parkinson's estimate of a bar's variance with the gap from the previous close (J. Business 53, 1980). */
function barVariance({ open, high, low, close }: Candle, previousClose: number): number {
  const top = Math.max(high, open, close, previousClose);
  const bottom = Math.min(low, open, close, previousClose);
  return Math.log(top / bottom) ** 2 / PARKINSON;
}

/** How much more (or less) than the average a bar that opens then varies; 1 where no profile was learned. */
function varianceFactor(timeframe: TimeframeId, openTime: EpochMs): number {
  if (timeframe !== '1h' && timeframe !== '1d') return 1;
  // 1970-01-01 was a Thursday: three days after a Monday.
  const sinceMonday = openTime + 3 * DAY;
  if (timeframe === '1h') return HOUR_OF_WEEK_VARIANCE[Math.floor(sinceMonday / HOUR) % 168] ?? 1;
  return WEEKDAY_VARIANCE[Math.floor(sinceMonday / DAY) % 7] ?? 1;
}
