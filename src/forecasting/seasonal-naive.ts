/** The close of the same place in the last season (Hyndman & Athanasopoulos, Forecasting 5.2). */
import { z } from 'zod';
import { PipelineError } from '../domain/errors';
import type { TimeframeId } from '../domain/types';
import { CURVE_SETTINGS, defineCurveFamily } from './curve-family';
import { logCloses } from './empirical-bands';

/** A day of hours, a week of days, a year of weeks and of months; a day's worth of bars elsewhere is a setting. */
const SEASONS: Readonly<Record<string, number>> = { '1h': 24, '1d': 7, '1w': 52, '1M': 12 };
const SEASON_ELSEWHERE = 24;

const settings = z.strictObject({
  ...CURVE_SETTINGS,
  /** Bars of one season; default: 24 at 1h, 7 at 1d, 52 at 1w, 12 at 1M, else 24. */
  season: z.number().int().min(1).max(10_000).optional(),
});

export const seasonalNaive = defineCurveFamily({
  name: 'seasonal-naive',
  codeVersion: '1',
  settings,
  minimumCandles: 6,
  moves: (past, steps, { season }, timeframe) => {
    const closes = logCloses(past);
    const length = season ?? seasonOf(timeframe);
    if (closes.length < length) {
      const sentence = `a season of ${length} candles can not be seen in ${closes.length}`;
      throw new PipelineError('insufficient_data', sentence, { stage: 'predict' });
    }
    const last = closes.at(-1) ?? NaN;
    return Array.from({ length: steps }, (_, k) => (closes[closes.length - length + (k % length)] ?? NaN) - last);
  },
});

function seasonOf(timeframe: TimeframeId): number {
  return SEASONS[timeframe] ?? SEASON_ELSEWHERE;
}
