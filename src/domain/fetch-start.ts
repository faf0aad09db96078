/** Where a fetch starts and why (SPEC 2, `Where to start fetching`). */
import { firstOpenFrom, hasBackwardGap } from './coverage';
import { DAY, countSlots, lastClosedOpen, shiftSlots } from './timeframe';
import type { StorageLevel } from './storage-budget';
import type { TimeframeRules } from './timeframe-rules';
import type { EpochMs, TimeframeId } from './types';

/** Logged and counted with every fetch. */
export const START_REASONS = [
  'store_last',
  'full_fill_earliest',
  'lookback',
  'backward_gap',
  'underfilled',
  'blocked_storage_guard',
] as const;
export type StartReason = (typeof START_REASONS)[number];

/** Stored candles that are asked for again each time, so that later changes are seen. */
export const REREAD_CANDLES = 3;
/** Candles a live fetch may hand to its write; more is a fill. */
export const LIVE_FETCH_LIMIT = 100;

export interface FetchStartInput {
  readonly timeframe: TimeframeId;
  readonly rules: TimeframeRules;
  /** Open times of the first and the last stored candle, or null for an empty store. */
  readonly extent: { readonly first: EpochMs; readonly last: EpochMs } | null;
  /** The exchange's earliest candle of this pair, or null while it is not known. */
  readonly earliest: EpochMs | null;
  /** Whether the recent rows fail the underfill guard, and where it begins; null when they pass. */
  readonly underfilledFrom: EpochMs | null;
  readonly storage: StorageLevel;
  readonly asOf: EpochMs;
  readonly settleMs: number;
}

export interface FetchStart {
  readonly reason: StartReason;
  /**
   * Open time of the first candle to ask for. Null: nothing may be fetched (blocked and empty), or the exchange's earliest
   * candle has to be found first (`full_fill_earliest`), whatever is stored.
   */
  readonly from: EpochMs | null;
  /** Slots from there to the last closed one; null without a start. */
  readonly due: number | null;
  /** Slots that a live fetch from the last stored candles hands on; null with none to go on from. */
  readonly live: number | null;
  /** What is due can not be handed on by a live fetch: too much, before the first stored candle, or without a known start. */
  readonly needsFill: boolean;
}

/**
 * A full storage stops what begins a history (empty store, backward gap) on every timeframe. A pair that has candles
 * goes on from its last one even then, under the reason `blocked_storage_guard`.
 */
export function decideFetchStart(input: FetchStartInput): FetchStart {
  const lookback = lookbackStart(input);
  // Candles from before the lookback are as good as none: there is nothing to go on from.
  const extent = input.extent !== null && input.extent.last >= (lookback ?? -Infinity) ? input.extent : null;
  const next = extent === null ? null : Math.max(extent.first, reread(input.timeframe, extent.last));
  const wanted = wantedStart(input, extent, next, lookback);
  const blocked = input.storage === 'block' && BEGINS_HISTORY.has(wanted.reason);
  const { reason, from } = blocked ? { reason: 'blocked_storage_guard' as const, from: next } : wanted;
  const to = lastClosedOpen(input.timeframe, input.asOf, input.settleMs);
  const slots = (start: EpochMs | null) => (start === null ? null : countSlots(input.timeframe, { from: start, to }));
  const due = slots(from);
  const front = from !== null && from < (extent?.first ?? Infinity);
  const needsFill = due === null ? !blocked : (front && due > 0) || due > LIVE_FETCH_LIMIT;
  return { reason, from, due, live: slots(next), needsFill };
}

const BEGINS_HISTORY: ReadonlySet<StartReason> = new Set(['full_fill_earliest', 'lookback', 'backward_gap']);

function wantedStart(
  { rules, earliest, underfilledFrom }: FetchStartInput,
  extent: FetchStartInput['extent'],
  next: EpochMs | null,
  lookback: EpochMs | null,
): { readonly reason: StartReason; readonly from: EpochMs | null } {
  if (extent === null || next === null) {
    return lookback === null
      ? { reason: 'full_fill_earliest', from: earliest }
      : { reason: 'lookback', from: lookback };
  }
  // Nothing tells whether history reaches back: the state store is new, or the candles came from elsewhere.
  if (rules.fill === 'earliest' && earliest === null) return { reason: 'full_fill_earliest', from: null };
  if (rules.backwardCoverage && earliest !== null && hasBackwardGap(extent.first, earliest)) {
    return { reason: 'backward_gap', from: earliest };
  }
  if (underfilledFrom !== null) return { reason: 'underfilled', from: Math.min(underfilledFrom, next) };
  return { reason: 'store_last', from: next };
}

/** The open time from which the last {@link REREAD_CANDLES} slots up to `last` are read again. */
function reread(timeframe: TimeframeId, last: EpochMs): EpochMs {
  return shiftSlots(timeframe, last, 1 - REREAD_CANDLES);
}

/** Where a timeframe that is not kept for ever begins; null for one that is filled from the earliest candle. */
function lookbackStart({ timeframe, rules, earliest, asOf }: FetchStartInput): EpochMs | null {
  if (rules.fill === 'earliest') return null;
  return firstOpenFrom(timeframe, Math.max(asOf - rules.fill.days * DAY, earliest ?? -Infinity));
}
