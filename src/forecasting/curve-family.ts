/** What families share whose model is a curve that is drawn anew from the recent closes, with calibrated bands. */
import { z } from 'zod';
import type { Candle, TimeframeId } from '../domain/types';
import { bandsAround, calibratedHalfWidths, halfWidthsSchema } from './calibrated-bands';
import type { HalfWidths } from './calibrated-bands';
import { lastCloseOf } from './empirical-bands';
import { defineFamily, newest } from './model';
import type { ModelFamily, Refit } from './model';
import { stepScales } from './range-volatility';

/** Settings that every such family has. */
export const CURVE_SETTINGS = {
  /** Candles the curve and its calibration rest on. */
  window: z.number().int().min(1).max(100_000).default(500),
  /** Earlier origins whose errors make the bands, at most; each costs one more curve. */
  calibrationOrigins: z.number().int().min(1).max(100).default(12),
  /** `on_training` keeps the width of the bands until the next training; the curve is new at each forecast. */
  refit: z.enum(['every_cycle', 'on_training']).default('every_cycle'),
};

interface CurveSettings {
  readonly window: number;
  readonly calibrationOrigins: number;
  readonly refit: Refit;
}

interface CurveDefinition<Settings extends CurveSettings> {
  readonly name: string;
  readonly codeVersion: string;
  readonly settings: z.ZodType<Settings>;
  readonly minimumCandles: number;
  /** Log moves from the last of `past` (at most `window` candles) to each of the next `steps` closes. */
  moves(
    this: void,
    past: readonly Candle[],
    steps: number,
    settings: Settings,
    timeframe: TimeframeId,
  ): readonly number[] | Promise<readonly number[]>;
}

const parameters = z.strictObject({ halfWidths: halfWidthsSchema });

/** Version: the recipe only when fitted every cycle, with the width of the bands when `refit` is `on_training`. */
export function defineCurveFamily<Settings extends CurveSettings>(definition: CurveDefinition<Settings>): ModelFamily {
  const { name, codeVersion, settings, minimumCandles, moves } = definition;
  return defineFamily<Settings, { readonly halfWidths: HalfWidths }>({
    name,
    codeVersion,
    settings,
    parameters,
    minimumCandles,
    refit: ({ refit }) => refit,
    fit: async ({ timeframe, candles }, given) => {
      const calibration = { timeframe, candles, origins: given.calibrationOrigins };
      return {
        halfWidths: await calibratedHalfWidths(calibration, (past, steps) => moves(past, steps, given, timeframe)),
      };
    },
    predict: async ({ timeframe, settings: given, parameters: { halfWidths }, recent, steps }) => {
      const past = newest(recent, given.window);
      const curve = await moves(past, steps, given, timeframe);
      return bandsAround(lastCloseOf(past), curve, stepScales(timeframe, past, steps), halfWidths);
    },
  });
}
