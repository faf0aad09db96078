/** Whose word stands when two runs tell of the same thing; and what a clock that was ahead for a moment (F30) is worth. */
import { MINUTE } from './timeframe';
import type { EpochMs } from './types';

/** Clocks differ by less than this. */
export const CLOCK_TOLERANCE_MS = 5 * MINUTE;

/**
 * Whether a stored time can only be that of a clock that was ahead: it lies ahead of the run that meets it, and of the
 * clock `now` of whoever writes for that run. To an attempt that was given up, all that came after it is later than its
 * run too, but not later than the clock; and in virtual time, where runs lie years back, no time is.
 */
export function isAhead(stored: EpochMs, asOf: EpochMs, now: EpochMs): boolean {
  return stored > aheadOf(asOf, now);
}

/** From when on a stored time {@link isAhead}. */
export function aheadOf(asOf: EpochMs, now: EpochMs): EpochMs {
  return Math.max(asOf, now) + CLOCK_TOLERANCE_MS;
}

/**
 * Whether what was fetched at `fetchedAt` is older than what was stored at `storedAt`, and may not replace it (I07). `now` is
 * the clock of whoever writes.
 */
export function isOutdated(fetchedAt: EpochMs, storedAt: EpochMs, now: EpochMs): boolean {
  return fetchedAt < storedAt && !isAhead(storedAt, fetchedAt, now);
}

export interface RunResult {
  readonly asOf: EpochMs;
  /** Null when there is nothing to show. */
  readonly dataThrough: EpochMs | null;
}

/**
 * The later run's result stands, and of one run the one with later data: an attempt that was given up may come after the
 * one that took its place, when what it found (no candle yet, a symbol that was not ready) is so no more. A result of a clock
 * that was ahead orders nothing: any run may replace it, but for older data.
 */
export function mayReplace(standing: RunResult, next: RunResult, now: EpochMs): boolean {
  if (next.asOf > standing.asOf) return true;
  if (next.asOf < standing.asOf && !isAhead(standing.asOf, next.asOf, now)) return false;
  if (standing.dataThrough === null) return true;
  return next.dataThrough === null ? next.asOf !== standing.asOf : next.dataThrough >= standing.dataThrough;
}
