/**
 * Range volatility: averages of bar range at four speeds -> log-linear volatility per horizon -> fixed symmetric
 * fat-tailed quantiles around the last close (FORECASTS, "The winning recipe", recipe U).
 */
import { z } from 'zod';
import { PipelineError } from '../domain/errors';
import { shiftSlots } from '../domain/timeframe';
import type { Candle, TimeframeId } from '../domain/types';
import { barAverages, varianceFactor } from './bar-averages';
import type { BarAverages } from './bar-averages';
import { FEWEST_CANDLES, lastCloseOf, pricesFrom, rowOf, symmetricQuantiles, withinWidest } from './empirical-bands';
import type { LogQuantiles } from './empirical-bands';
import { defineFamily } from './model';
import { constantsOf, LONGEST_STEP } from './volatility-constants';
import type { StepConstants } from './volatility-constants';

/** Below this many bars the recipe is mixed with the series' own quantiles. */
const SHORT_HISTORY = 100;
const SHARE_ON_SHORT_HISTORY = 0.6;

export const volatilitySettings = z.strictObject({
  /** Bars the averages run over; at 3000 the slowest has forgotten all but 3 % of what came before. */
  window: z.number().int().min(FEWEST_CANDLES).max(100_000).default(3000),
});

/** Nothing is fitted at run time. Version: the recipe only. */
export const rangeVolatility = defineFamily({
  name: 'range-volatility',
  codeVersion: '2',
  settings: volatilitySettings,
  parameters: z.strictObject({}),
  minimumCandles: FEWEST_CANDLES,
  refit: () => 'every_cycle',
  fit: () => ({}),
  predict: ({ timeframe, recent, steps }) => {
    const own = volatilityQuantiles(timeframe, recent, steps);
    return pricesFrom(lastCloseOf(recent), blendedWhenShort(own, recent));
  },
});

/**
 * Log-return quantiles for 1..steps bars after the last candle, at QUANTILE_LEVELS, without the blend of short series.
 * @throws PipelineError `invalid_input` for more than 24 steps.
 */
export function volatilityQuantiles(timeframe: TimeframeId, candles: readonly Candle[], steps: number): LogQuantiles {
  return quantilesOf(stepScales(timeframe, candles, steps), constantsOf);
}

/**
 * s_h for h = 1..steps: the size of the log return over the next h bars, forecast from bar ranges.
 * @throws PipelineError `invalid_input` for more than 24 steps.
 */
export function stepScales(timeframe: TimeframeId, candles: readonly Candle[], steps: number): readonly number[] {
  return scalesFrom(timeframe, candles, steps, ({ logRanges }, step) => levelOf(logRanges, constantsOf(step)));
}

/**
 * s_h for h = 1..steps when `level` gives its logarithm without the profile of the bars ahead.
 * @throws PipelineError `invalid_input` for more than 24 steps.
 */
export function scalesFrom(
  timeframe: TimeframeId,
  candles: readonly Candle[],
  steps: number,
  level: (averages: BarAverages, step: number) => number,
): readonly number[] {
  if (steps > LONGEST_STEP) {
    throw new PipelineError('invalid_input', `volatility reaches ${LONGEST_STEP} steps, and ${steps} were asked`);
  }
  const averages = barAverages(timeframe, candles);
  const lastOpen = candles.at(-1)?.openTime ?? NaN;
  let variance = 0;
  return Array.from({ length: steps }, (_, k) => {
    variance += varianceFactor(timeframe, shiftSlots(timeframe, lastOpen, k + 1));
    return Math.exp(level(averages, k + 1) + 0.5 * Math.log(variance));
  });
}

/** The log-linear forecast from the averages of bar range. */
export function levelOf(
  [x4, x24, x120, x600]: BarAverages['logRanges'],
  { intercept, slope4, slope24, slope120 }: Pick<StepConstants, 'intercept' | 'slope4' | 'slope24' | 'slope120'>,
): number {
  return x600 + intercept + (slope4 * (x4 - x600) + slope24 * (x24 - x600) + slope120 * (x120 - x600));
}

/** The fixed tails around nothing, each step in units of its scale. */
export function quantilesOf(
  scales: readonly number[],
  tails: (step: number) => Pick<StepConstants, 'z50' | 'z80' | 'z95'>,
): LogQuantiles {
  return scales.map((scale, k) => {
    const { z50, z80, z95 } = tails(k + 1);
    const units = [-z95, -z80, -z50, 0, z50, z80, z95];
    return rowOf((i) => withinWidest(scale * (units[i] ?? NaN)));
  });
}

/** Below 100 bars four tenths of each log-quantile come from the series' own moves. */
export function blendedWhenShort(own: LogQuantiles, recent: readonly Candle[]): LogQuantiles {
  if (recent.length >= SHORT_HISTORY) return own;
  const empirical = symmetricQuantiles(recent, own.length);
  return own.map((row, k) =>
    rowOf((i) => SHARE_ON_SHORT_HISTORY * (row[i] ?? NaN) + (1 - SHARE_ON_SHORT_HISTORY) * (empirical[k]?.[i] ?? NaN)),
  );
}
