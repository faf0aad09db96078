/** When a timeframe is trained again, and when a request is refused; each with its reason, to be recorded (SPEC 7). */
import { DAY, HOUR, lastBoundary, parseTimeframe, shiftSlots } from './timeframe';
import type { EpochMs, TimeframeId } from './types';

export const TRAINING_TRIGGERS = ['by hand', 'schedule', 'candles', 'drift', 'shock'] as const;
export type TrainingTrigger = (typeof TRAINING_TRIGGERS)[number];

export const RETRAIN_RULES = {
  /** Observations in a row that an event needs. */
  observations: 2,
  /** Between two trainings that events brought about. */
  cooldownMs: DAY,
  /** A model is left alone until it is this old. */
  minimumAgeMs: 12 * HOUR,
  /** New candles after which a training is due. */
  candles: { '1h': 168, '1d': 30, '1w': 8, '1M': 3 } as Readonly<Record<string, number>>,
  /** Move of one hour, as a share, that is a shock. */
  shockReturn: 0.04,
  /** Realised volatility of 24 h over its 30-day median that is a shock. */
  shockVolatility: 2,
} as const;

export interface RetrainRequest {
  readonly trigger: TrainingTrigger;
  readonly asOf: EpochMs;
  /** How often the event was observed in a row, this time included. */
  readonly observations: number;
  /** When the newest model of the timeframe was trained; null: never. */
  readonly trainedAt: EpochMs | null;
  /** When an event last brought about a training; null: never. */
  readonly eventAt: EpochMs | null;
  /** The schedule of its trainings is paused: then only an operator has it trained. */
  readonly paused: boolean;
}

export type RetrainVerdict =
  | { readonly verdict: 'train'; readonly reason: string }
  | { readonly verdict: 'refused'; readonly reason: string };

export function judgeRetrain(request: RetrainRequest): RetrainVerdict {
  const { trigger, asOf, observations, trainedAt, eventAt, paused } = request;
  if (trigger === 'by hand' || trigger === 'schedule') return { verdict: 'train', reason: trigger };
  if (paused) return refused('the schedule of its trainings is paused');
  if (observations < RETRAIN_RULES.observations) {
    return refused(`observed ${observations} of ${RETRAIN_RULES.observations} times in a row`);
  }
  if (trainedAt !== null && asOf - trainedAt < RETRAIN_RULES.minimumAgeMs) {
    return refused(`the newest model is ${hours(asOf - trainedAt)} old, and is left alone for 12 h`);
  }
  if (eventAt !== null && asOf - eventAt < RETRAIN_RULES.cooldownMs) {
    return refused(`an event brought about a training ${hours(asOf - eventAt)} ago; the next may after 24 h`);
  }
  return { verdict: 'train', reason: `${trigger}, observed ${observations} times in a row` };
}

function refused(reason: string): RetrainVerdict {
  return { verdict: 'refused', reason };
}

function hours(milliseconds: number): string {
  return `${(milliseconds / HOUR).toFixed(1)} h`;
}

const DAILY = parseTimeframe('1d');
/** Scheduled trainings that may fail to come before an operator is told. */
const PERIODS_UNTRAINED = 2;

/** What boundaries bring about a training: each day for 1h and 1d (and all shorter ones), Mondays for 1w, the first of the month for 1M. */
export function trainingEvery(timeframe: TimeframeId): TimeframeId {
  return timeframe === '1w' || timeframe === '1M' ? timeframe : DAILY;
}

/** From then on a timeframe whose last training was at `trainedAt` has been without one for twice its schedule. */
export function trainingOverdueAt(timeframe: TimeframeId, trainedAt: EpochMs): EpochMs {
  const every = trainingEvery(timeframe);
  const boundary = lastBoundary(every, trainedAt);
  return shiftSlots(every, boundary, PERIODS_UNTRAINED) + (trainedAt - boundary);
}

/** Candles since the last training that make another due; null where the timeframe has no such rule. */
export function candlesDue(timeframe: TimeframeId, newCandles: number): boolean {
  const limit = RETRAIN_RULES.candles[timeframe];
  return limit !== undefined && newCandles >= limit;
}

/** Hours of one day, and of the 30 days whose median is the usual volatility. */
const DAY_HOURS = 24;
const MONTH_HOURS = 30 * DAY_HOURS;
/** Hourly closes that {@link shockOf} looks at. */
export const SHOCK_CLOSES = MONTH_HOURS + DAY_HOURS + 1;

/** What makes the newest of these hourly closes (ascending) a shock, in words; null when it is none or too few are known. */
export function shockOf(closes: readonly number[]): string | null {
  const newest = closes.slice(-SHOCK_CLOSES);
  if (newest.length < 2 || !newest.every((close) => Number.isFinite(close) && close > 0)) return null;
  const returns = newest.slice(1).map((close, k) => close / (newest[k] ?? NaN) - 1);
  const last = returns.at(-1) ?? 0;
  if (Math.abs(last) >= RETRAIN_RULES.shockReturn) return `1h return ${(100 * last).toFixed(1)} %`;
  if (returns.length < MONTH_HOURS) return null;
  const volatilities: number[] = [];
  let sum = 0;
  for (const [k, value] of returns.entries()) {
    const left = returns[k - DAY_HOURS] ?? 0;
    sum += value * value - left * left;
    if (k >= DAY_HOURS - 1) volatilities.push(Math.sqrt(Math.max(0, sum)));
  }
  const usual = volatilities.toSorted((a, b) => a - b)[Math.floor(volatilities.length / 2)] ?? 0;
  const now = volatilities.at(-1) ?? 0;
  const share = now / usual;
  return usual > 0 && share >= RETRAIN_RULES.shockVolatility
    ? `24 h volatility is ${share.toFixed(1)} times its 30-day median`
    : null;
}
