/** Holes, cut up by what the gap ledger knows of their slots. */
import { intersectRanges, subtractRanges } from '../domain/coverage';
import { decideGap } from '../domain/gap-decision';
import type { HoleAsks } from '../domain/gap-decision';
import type { EpochMs, Pair, SlotRange, TimeframeId } from '../domain/types';
import type { KnownGap } from '../ports/gap-ledger';

/** Slots without a candle that are not decided, with the asks they all have had; null: none. */
export interface HolePiece extends SlotRange {
  readonly asks: HoleAsks | null;
  /** The exchange gave errors when they were due. */
  readonly failed: boolean;
}

const byStart = (a: SlotRange, b: SlotRange): number => a.from - b.from;

/** The undecided part of `holes`, ascending. */
export function holePieces(
  timeframe: TimeframeId,
  holes: readonly SlotRange[],
  known: readonly KnownGap[],
): HolePiece[] {
  const unknown = subtractRanges(timeframe, holes, known).map((range) => ({ ...range, asks: null, failed: false }));
  const suspects = known.filter(({ state }) => state === 'suspect');
  const asked = groupByAsks(
    suspects.map(({ from, to, asks, firstAskedAt, lastAskedAt, failed = false }) => ({
      from,
      to,
      // The time at which a slot was found to be due is none at which the exchange was asked about it.
      asks: asks === 0 ? null : { asks, firstAskedAt, lastAskedAt },
      failed,
    })),
  ).flatMap(({ ranges, ...facts }) =>
    intersectRanges(timeframe, holes, ranges).map((range) => ({ ...range, ...facts })),
  );
  return [...unknown, ...asked].toSorted(byStart);
}

/** The pieces to ask for now with pages of one size, ascending, and all others; null when none is due. */
export function dueBatch(
  { timeframe }: Pair,
  pieces: readonly HolePiece[],
  now: EpochMs,
): { readonly due: HolePiece[]; readonly others: HolePiece[]; readonly pageSize: number } | null {
  const sized = pieces.map((piece) => {
    const decision = decideGap(timeframe, piece, piece.asks, now);
    return { piece, pageSize: decision.kind === 'ask' ? decision.pageSize : null };
  });
  const pageSize = sized.find((entry) => entry.pageSize !== null)?.pageSize ?? null;
  if (pageSize === null) return null;
  const isDue = (entry: { readonly pageSize: number | null }): boolean => entry.pageSize === pageSize;
  return {
    pageSize,
    due: sized
      .filter(isDue)
      .map(({ piece }) => piece)
      .toSorted(byStart),
    others: sized.filter((entry) => !isDue(entry)).map(({ piece }) => piece),
  };
}

/** What is left of `told` without `found`, each with one more ask at `now`. */
export function withAsk(
  timeframe: TimeframeId,
  told: readonly HolePiece[],
  found: readonly SlotRange[],
  now: EpochMs,
): HolePiece[] {
  return groupByAsks(told)
    .flatMap(({ asks, failed, ranges }) => {
      const after = { asks: (asks?.asks ?? 0) + 1, firstAskedAt: asks?.firstAskedAt ?? now, lastAskedAt: now };
      return subtractRanges(timeframe, ranges, found).map((range) => ({ ...range, asks: after, failed }));
    })
    .toSorted(byStart);
}

/**
 * The slots of `told` for which the exchange did have rows, only none that can be believed. That is no answer "there is
 * nothing", so it counts as no further ask and decides nothing: they stay suspect and are asked for in the next run.
 */
export function disputedGaps(
  timeframe: TimeframeId,
  told: readonly HolePiece[],
  refused: readonly SlotRange[],
  now: EpochMs,
): KnownGap[] {
  return groupByAsks(told).flatMap(({ asks, failed, ranges }) =>
    intersectRanges(timeframe, ranges, refused).map(({ from, to }): KnownGap => ({
      from,
      to,
      state: 'suspect',
      asks: Math.max(1, asks?.asks ?? 0),
      firstAskedAt: asks?.firstAskedAt ?? now,
      lastAskedAt: now,
      failed,
    })),
  );
}

/** The piece as the ledger keeps it, decided by what is known at `now`. */
export function knownGap(timeframe: TimeframeId, { from, to, asks, failed }: HolePiece, now: EpochMs): KnownGap {
  const decided = decideGap(timeframe, { from, to }, asks, now).kind === 'confirmed_empty';
  const empty = failed ? 'outage' : 'confirmed_empty';
  return {
    from,
    to,
    failed,
    state: decided ? empty : 'suspect',
    asks: asks?.asks ?? 0,
    firstAskedAt: asks?.firstAskedAt ?? now,
    lastAskedAt: asks?.lastAskedAt ?? now,
  };
}

interface AskedAlike extends Omit<HolePiece, keyof SlotRange> {
  readonly ranges: HolePiece[];
}

function groupByAsks(pieces: readonly HolePiece[]): AskedAlike[] {
  const groups = new Map<string, AskedAlike>();
  for (const piece of pieces) {
    const { asks, failed } = piece;
    const key = `${failed} ${asks === null ? '' : `${asks.asks} ${asks.firstAskedAt} ${asks.lastAskedAt}`}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { asks, failed, ranges: [piece] });
    else group.ranges.push(piece);
  }
  return [...groups.values()];
}
