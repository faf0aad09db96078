/** Which boundaries a timeframe has passed, and what became of each (SPEC 2, PROOF I16). */
import { slotAt, slotIndex } from './timeframe';
import type { EpochMs, TimeframeId } from './types';

/** How many boundaries lie after `after` and at or before `upTo`. */
export function countBoundaries(timeframe: TimeframeId, after: EpochMs, upTo: EpochMs): number {
  return Math.max(0, slotIndex(timeframe, upTo) - slotIndex(timeframe, after));
}

/** The boundaries after `after` and at or before `upTo`, ascending. */
export function boundariesBetween(timeframe: TimeframeId, after: EpochMs, upTo: EpochMs): EpochMs[] {
  const first = slotIndex(timeframe, after) + 1;
  return Array.from({ length: countBoundaries(timeframe, after, upTo) }, (_, k) => slotAt(timeframe, first + k));
}

export interface BoundaryAccount {
  readonly boundary: EpochMs;
  readonly outcome: 'done' | 'skipped' | 'failed';
  readonly reason: string;
}

export interface AccountInput {
  readonly timeframe: TimeframeId;
  /**
   * The newest boundary that needs no other account (it is `done` or `skipped`), or null before the first cycle: then only
   * the newest one counts. A failed one is so accounted for again by the next cycle.
   */
  readonly after: EpochMs | null;
  readonly asOf: EpochMs;
  /** Whether this cycle brought every pair up to its last closed candle, and in which words. */
  readonly succeeded: boolean;
  readonly reason: string;
  /** Boundaries whose own cycle ran and failed, with what was recorded then. */
  readonly failedBefore: ReadonlyMap<EpochMs, string>;
  /** Whether the candles that closed at a boundary are stored or explained by the gap ledger. */
  readonly hasData: (boundary: EpochMs) => boolean;
}

/** How the account of a boundary begins at which nothing ran. */
export const NO_CYCLE_RAN = 'no cycle ran before the next boundary';

/**
 * What became of every boundary since the last one accounted for. The newest is this cycle's own; those before it were
 * missed or failed, and are `skipped` when this cycle caught up on their data, `failed` when not. None is `done` without its data.
 */
export function accountBoundaries(input: AccountInput): BoundaryAccount[] {
  const { timeframe, asOf } = input;
  const newest = slotAt(timeframe, slotIndex(timeframe, asOf));
  const boundaries = boundariesBetween(timeframe, input.after ?? newest - 1, asOf);
  return boundaries.map((boundary) => {
    if (!input.hasData(boundary)) {
      return { boundary, outcome: 'failed', reason: input.succeeded ? 'its candles are not stored' : input.reason };
    }
    if (boundary === newest) {
      return { boundary, outcome: input.succeeded ? 'done' : 'failed', reason: input.reason };
    }
    const failure = input.failedBefore.get(boundary);
    const why = failure === undefined ? NO_CYCLE_RAN : `its own cycle failed: ${failure}`;
    return { boundary, outcome: 'skipped', reason: `${why}; caught up later` };
  });
}
