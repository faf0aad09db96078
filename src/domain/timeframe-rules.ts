/** The table of SPEC 1: what each timeframe is fetched, kept, served and judged by. One owner of these numbers. */
import { DAY, HOUR, MINUTE, closeOf } from './timeframe';
import type { TimeframeId } from './types';

export interface TimeframeRules {
  /** How far back a fill reaches: days before now, or `earliest` for all the exchange has. */
  readonly fill: { readonly days: number } | 'earliest';
  /** Days kept, or `forever`. */
  readonly retention: { readonly days: number } | 'forever';
  /** What the history document holds: a number of candles, a number of days, or `all`. */
  readonly served: { readonly candles: number } | { readonly days: number } | 'all';
  /** Steps ahead that are forecast; 0: no prediction. */
  readonly horizon: number;
  /** Closed candles needed before a forecast is made (0 without prediction). */
  readonly minimumSamples: number;
  /** Age limits in minutes, measured from the close of the last candle. */
  readonly softMinutes: number;
  readonly hardMinutes: number;
  /** Slots of the window over which forecasts are judged. */
  readonly evaluationSlots: number;
  /** Recent rows must fill 80 % of the slots that the gap ledger does not explain; a day count, or none. */
  readonly underfillDays: number | null;
  /** Whether history must reach back to the exchange's earliest candle. */
  readonly backwardCoverage: boolean;
}

const TABLE: Readonly<Record<string, TimeframeRules>> = {
  '1m': {
    fill: { days: 14 },
    retention: { days: 14 },
    served: { candles: 180 },
    horizon: 0,
    minimumSamples: 0,
    softMinutes: 5,
    hardMinutes: 15,
    evaluationSlots: 0,
    underfillDays: null,
    backwardCoverage: false,
  },
  '1h': {
    fill: 'earliest',
    retention: 'forever',
    served: { days: 30 },
    horizon: 24,
    minimumSamples: 240,
    softMinutes: 65,
    hardMinutes: 130,
    evaluationSlots: 720,
    underfillDays: 30,
    backwardCoverage: true,
  },
  '1d': {
    fill: 'earliest',
    retention: 'forever',
    served: 'all',
    horizon: 24,
    minimumSamples: 120,
    softMinutes: 1500,
    hardMinutes: 3000,
    evaluationSlots: 180,
    underfillDays: null,
    backwardCoverage: true,
  },
  '1w': {
    fill: 'earliest',
    retention: 'forever',
    served: 'all',
    horizon: 24,
    minimumSamples: 52,
    softMinutes: 11_520,
    hardMinutes: 23_040,
    evaluationSlots: 104,
    underfillDays: null,
    backwardCoverage: true,
  },
  '1M': {
    fill: 'earliest',
    retention: 'forever',
    served: 'all',
    horizon: 24,
    minimumSamples: 24,
    softMinutes: 50_400,
    hardMinutes: 100_800,
    evaluationSlots: 36,
    underfillDays: null,
    backwardCoverage: true,
  },
};

/** Rules of a multiple (15m, 4h, …) that the table does not name: those of its unit, limits scaled by its length. */
function rulesOfMultiple(timeframe: TimeframeId): TimeframeRules {
  const step = closeOf(timeframe, 0);
  const base = TABLE['1h'];
  if (base === undefined) throw new RangeError('the table of timeframes has no 1h');
  const softMinutes = Math.ceil((step + Math.max(5 * MINUTE, step / 12)) / MINUTE);
  const evaluationSlots = Math.floor((30 * DAY) / step);
  return {
    ...base,
    softMinutes,
    hardMinutes: 2 * softMinutes,
    evaluationSlots,
    underfillDays: step <= HOUR ? 30 : null,
  };
}

/**
 * Origins that a comparison of two models rests on. Of no more origins than steps (months: 24 and 24) no test can say
 * whether a difference is chance, so it is two horizons where the evaluation window has as many, else that window.
 */
export function comparedOrigins({ minimumSamples, evaluationSlots, horizon }: TimeframeRules): number {
  return Math.max(minimumSamples, Math.min(evaluationSlots, 2 * horizon));
}

export function defaultRules(timeframe: TimeframeId): TimeframeRules {
  return TABLE[timeframe] ?? rulesOfMultiple(timeframe);
}
