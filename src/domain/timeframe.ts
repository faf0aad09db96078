/**
 * The candle calendar: which instants open a slot, when it closes, how many slots lie between two.
 * All arithmetic is UTC and calendar-exact: weeks open on Monday (1970-01-05 was one), months on the
 * 1st, whatever their length. Nothing here knows the clock.
 */
import type { EpochMs, SlotRange, TimeframeId } from './types';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** 1970-01-05T00:00:00Z, the first Monday of the epoch. */
const FIRST_MONDAY = 4 * DAY;

type Grid = { readonly kind: 'fixed'; readonly step: number; readonly offset: number } | { readonly kind: 'month' };

const FIXED_STEPS: Readonly<Record<string, number>> = {
  '1m': MINUTE,
  '3m': 3 * MINUTE,
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '30m': 30 * MINUTE,
  '1h': HOUR,
  '2h': 2 * HOUR,
  '4h': 4 * HOUR,
  '6h': 6 * HOUR,
  '8h': 8 * HOUR,
  '12h': 12 * HOUR,
  '1d': DAY,
  '1w': WEEK,
};

/** Every timeframe the calendar knows, shortest first. */
export const KNOWN_TIMEFRAMES: readonly TimeframeId[] = [...Object.keys(FIXED_STEPS), '1M'] as unknown as TimeframeId[];

export function isTimeframe(text: string): text is TimeframeId {
  return text === '1M' || Object.hasOwn(FIXED_STEPS, text);
}

/** @throws RangeError with a sentence for the user when the timeframe is unknown. */
export function parseTimeframe(text: string): TimeframeId {
  if (!isTimeframe(text)) {
    throw new RangeError(`"${text}" is not a timeframe: use one of ${KNOWN_TIMEFRAMES.join(' ')}`);
  }
  return text;
}

function gridOf(timeframe: TimeframeId): Grid {
  if (timeframe === '1M') return { kind: 'month' };
  const step = FIXED_STEPS[timeframe];
  if (step === undefined) throw new RangeError(`"${timeframe}" is not a timeframe`);
  return { kind: 'fixed', step, offset: step === WEEK ? FIRST_MONDAY : 0 };
}

/** Months since 1970-01 of the month that holds `t`. */
function monthIndex(t: EpochMs): number {
  const date = new Date(t);
  return (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
}

function monthStart(index: number): EpochMs {
  return Date.UTC(1970 + Math.floor(index / 12), ((index % 12) + 12) % 12, 1);
}

/** The number of the slot that holds `t`; consecutive slots have consecutive numbers. */
export function slotIndex(timeframe: TimeframeId, t: EpochMs): number {
  const grid = gridOf(timeframe);
  return grid.kind === 'month' ? monthIndex(t) : Math.floor((t - grid.offset) / grid.step);
}

/** The open time of slot number `index`. */
export function slotAt(timeframe: TimeframeId, index: number): EpochMs {
  const grid = gridOf(timeframe);
  return grid.kind === 'month' ? monthStart(index) : index * grid.step + grid.offset;
}

/** The open time of the slot that holds `t`. */
export function openOf(timeframe: TimeframeId, t: EpochMs): EpochMs {
  return slotAt(timeframe, slotIndex(timeframe, t));
}

/** True when `t` is the open time of a slot. */
export function isOnGrid(timeframe: TimeframeId, t: EpochMs): boolean {
  return Number.isSafeInteger(t) && openOf(timeframe, t) === t;
}

/** The open time `steps` slots after (or, negative, before) the slot that holds `t`. */
export function shiftSlots(timeframe: TimeframeId, t: EpochMs, steps: number): EpochMs {
  return slotAt(timeframe, slotIndex(timeframe, t) + steps);
}

/** The close of the slot that opens at `openTime`: the open of the next one. */
export function closeOf(timeframe: TimeframeId, openTime: EpochMs): EpochMs {
  return shiftSlots(timeframe, openTime, 1);
}

/** How many slots lie in the range, both ends included; 0 when it is empty. */
export function countSlots(timeframe: TimeframeId, range: SlotRange): number {
  return Math.max(0, slotIndex(timeframe, range.to) - slotIndex(timeframe, range.from) + 1);
}

/** The newest boundary at or before `t`. */
export function lastBoundary(timeframe: TimeframeId, t: EpochMs): EpochMs {
  return openOf(timeframe, t);
}

/** The first boundary after `t`. */
export function nextBoundary(timeframe: TimeframeId, t: EpochMs): EpochMs {
  return shiftSlots(timeframe, t, 1);
}

/** The open time of the newest candle that is closed at `now`: its end lies at least `settleMs` in the past. */
export function lastClosedOpen(timeframe: TimeframeId, now: EpochMs, settleMs: number): EpochMs {
  return shiftSlots(timeframe, openOf(timeframe, now - settleMs), -1);
}

/** True when the candle that opens at `openTime` is closed at `now`. */
export function isClosed(timeframe: TimeframeId, openTime: EpochMs, now: EpochMs, settleMs: number): boolean {
  return closeOf(timeframe, openTime) <= now - settleMs;
}

/** The times of forecast steps 1..steps for data that ends at `dataThrough` (a boundary): the closes that follow it. */
export function forecastTimes(timeframe: TimeframeId, dataThrough: EpochMs, steps: number): EpochMs[] {
  return Array.from({ length: steps }, (_, k) => shiftSlots(timeframe, dataThrough, k + 1));
}
