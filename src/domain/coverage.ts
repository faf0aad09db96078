/**
 * Which slots have a candle and which do not, by calendar arithmetic (I03). A set of slots is a list of
 * {@link SlotRange}; the algebra gives its answers ascending, disjoint and never touching, so that equal sets are equal
 * lists. Ranges whose end lies before their start hold nothing.
 */
import { HOUR, DAY, countSlots, lastClosedOpen, openOf, slotAt, slotIndex } from './timeframe';
import type { EpochMs, SlotRange, TimeframeId } from './types';

/** A run of slot numbers, both ends included. */
interface Run {
  readonly from: number;
  readonly to: number;
}

function runsOf(timeframe: TimeframeId, ranges: readonly SlotRange[]): Run[] {
  const runs = ranges
    .map(({ from, to }) => ({ from: slotIndex(timeframe, from), to: slotIndex(timeframe, to) }))
    .filter(({ from, to }) => from <= to)
    .toSorted((a, b) => a.from - b.from);
  const merged: Run[] = [];
  for (const run of runs) {
    const last = merged.at(-1);
    if (last !== undefined && run.from <= last.to + 1) {
      merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, run.to) };
    } else merged.push(run);
  }
  return merged;
}

function rangesOf(timeframe: TimeframeId, runs: readonly Run[]): SlotRange[] {
  return runs.map(({ from, to }) => ({ from: slotAt(timeframe, from), to: slotAt(timeframe, to) }));
}

/** The union of `ranges`, in its one normal form. */
export function mergeRanges(timeframe: TimeframeId, ranges: readonly SlotRange[]): SlotRange[] {
  return rangesOf(timeframe, runsOf(timeframe, ranges));
}

/** The slots of `ranges` that are not in `removed`. */
export function subtractRanges(
  timeframe: TimeframeId,
  ranges: readonly SlotRange[],
  removed: readonly SlotRange[],
): SlotRange[] {
  const cuts = runsOf(timeframe, removed);
  const left: Run[] = [];
  let next = 0;
  for (const { from, to } of runsOf(timeframe, ranges)) {
    let start = from;
    for (let cut = cuts[next]; cut !== undefined && cut.from <= to; cut = cuts[next]) {
      if (cut.from > start) left.push({ from: start, to: cut.from - 1 });
      start = Math.max(start, cut.to + 1);
      // A cut that reaches past this run may cut the next one too.
      if (cut.to > to) break;
      next++;
    }
    if (start <= to) left.push({ from: start, to });
  }
  return rangesOf(timeframe, left);
}

/** The slots that are in `ranges` and in `others`. */
export function intersectRanges(
  timeframe: TimeframeId,
  ranges: readonly SlotRange[],
  others: readonly SlotRange[],
): SlotRange[] {
  const [left, right] = [runsOf(timeframe, ranges), runsOf(timeframe, others)];
  const both: Run[] = [];
  let [i, j] = [0, 0];
  for (let a = left[i], b = right[j]; a !== undefined && b !== undefined; a = left[i], b = right[j]) {
    const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
    if (from <= to) both.push({ from, to });
    if (a.to < b.to) i++;
    else j++;
  }
  return rangesOf(timeframe, both);
}

/** How many different slots lie in `ranges`. */
export function countRanges(timeframe: TimeframeId, ranges: readonly SlotRange[]): number {
  return runsOf(timeframe, ranges).reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/**
 * The slots of `range` for which `openTimes` (ascending; repeats and times outside the range are allowed) has no
 * candle. One pass, so that the open times may be streamed.
 */
export function findHoles(timeframe: TimeframeId, openTimes: Iterable<EpochMs>, range: SlotRange): SlotRange[] {
  const end = slotIndex(timeframe, range.to);
  const holes: Run[] = [];
  let expected = slotIndex(timeframe, range.from);
  for (const openTime of openTimes) {
    const slot = slotIndex(timeframe, openTime);
    if (slot > end) break;
    if (slot > expected) holes.push({ from: expected, to: slot - 1 });
    expected = Math.max(expected, slot + 1);
  }
  if (expected <= end) holes.push({ from: expected, to: end });
  return rangesOf(timeframe, holes);
}

/** Share of the unexplained slots that must be stored (SPEC 1). */
const FILLED_SHARE = 0.8;

/** True when fewer than 80 % of the slots that no known gap explains are stored. All are numbers of slots. */
export function isUnderfilled(counts: {
  readonly slots: number;
  readonly stored: number;
  readonly explained: number;
}): boolean {
  return !(counts.stored >= FILLED_SHARE * Math.max(0, counts.slots - counts.explained));
}

/** {@link isUnderfilled} for `stored` candles in `range`; of `explained`, only slots within the range count. */
export function underfilled(
  timeframe: TimeframeId,
  range: SlotRange,
  stored: number,
  explained: readonly SlotRange[],
): boolean {
  const known = countRanges(timeframe, intersectRanges(timeframe, [range], explained));
  return isUnderfilled({ slots: countSlots(timeframe, range), stored, explained: known });
}

/**
 * The slots the underfill guard looks at: those that open at or after `max(now - days, earliest)`, up to the last closed
 * one. May be empty (its end before its start).
 */
export function underfillRange(
  timeframe: TimeframeId,
  guard: { readonly days: number; readonly now: EpochMs; readonly earliest: EpochMs; readonly settleMs: number },
): SlotRange {
  const since = Math.max(guard.now - guard.days * DAY, guard.earliest);
  return { from: firstOpenFrom(timeframe, since), to: lastClosedOpen(timeframe, guard.now, guard.settleMs) };
}

/** The first open time at or after `t`. */
export function firstOpenFrom(timeframe: TimeframeId, t: EpochMs): EpochMs {
  const open = openOf(timeframe, t);
  return open === t ? open : slotAt(timeframe, slotIndex(timeframe, t) + 1);
}

/** How far the first stored candle may lie after the exchange's earliest. */
const BACKWARD_TOLERANCE = HOUR;

/** True when history does not reach back to the exchange's earliest candle of this timeframe. */
export function hasBackwardGap(firstStored: EpochMs, earliest: EpochMs): boolean {
  return firstStored > earliest + BACKWARD_TOLERANCE;
}
