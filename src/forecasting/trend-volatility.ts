/**
 * Trend volatility: range volatility that also sees how far the price has gone one way. Bar range misses it when returns
 * follow each other in one direction; wider moves then come after a strong trend, up or down (docs/forecasts.md).
 */
import { z } from 'zod';
import type { Candle, TimeframeId } from '../domain/types';
import type { BarAverages } from './bar-averages';
import { FEWEST_CANDLES, lastCloseOf, pricesFrom } from './empirical-bands';
import type { LogQuantiles } from './empirical-bands';
import { defineFamily } from './model';
import { blendedWhenShort, levelOf, quantilesOf, scalesFrom, volatilitySettings } from './range-volatility';
import { trendConstantsOf } from './trend-constants';
import { HALF_LIVES } from './volatility-constants';

/** Nothing is fitted at run time. Version: the recipe only. */
export const trendVolatility = defineFamily({
  name: 'trend-volatility',
  codeVersion: '1',
  settings: volatilitySettings,
  parameters: z.strictObject({}),
  minimumCandles: FEWEST_CANDLES,
  refit: () => 'every_cycle',
  fit: () => ({}),
  predict: ({ timeframe, recent, steps }) => {
    const own = trendQuantiles(timeframe, recent, steps);
    return pricesFrom(lastCloseOf(recent), blendedWhenShort(own, recent));
  },
});

/**
 * Log-return quantiles for 1..steps bars after the last candle, at QUANTILE_LEVELS, without the blend of short series.
 * @throws PipelineError `invalid_input` for more than 24 steps.
 */
export function trendQuantiles(timeframe: TimeframeId, candles: readonly Candle[], steps: number): LogQuantiles {
  const scales = scalesFrom(timeframe, candles, steps, (averages, step) => {
    const constants = trendConstantsOf(step);
    const [trend4, trend24, trend120] = trendStrengths(averages);
    return (
      levelOf(averages.logRanges, constants) +
      (constants.trend4 * trend4 + constants.trend24 * trend24 + constants.trend120 * trend120)
    );
  });
  return quantilesOf(scales, trendConstantsOf);
}

/** ln(1 + |mean return| * sqrt(half-life) / mean bar range over 120 bars), for the three faster speeds. */
function trendStrengths({ logRanges, moves }: BarAverages): readonly [number, number, number] {
  const [, , longRange] = logRanges;
  const at = (i: 0 | 1 | 2): number =>
    Math.log1p((Math.abs(moves[i]) * Math.sqrt(HALF_LIVES[i])) / Math.exp(longRange));
  return [at(0), at(1), at(2)];
}
