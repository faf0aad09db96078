/** Slots that have closed and whose candles are not stored yet: they are in the ledger from then on (I03). */
import { intersectRanges, subtractRanges } from '../domain/coverage';
import type { EpochMs, Pair, SlotRange } from '../domain/types';
import type { GapLedger } from '../ports/gap-ledger';

/**
 * Records the slots of `range` of which the ledger knows nothing as suspects that nobody has asked for. `failed`: the exchange
 * answered with errors instead, which is kept, so that what it never gives later is told as its outage. Repeating changes
 * nothing.
 */
export async function recordDueSlots(
  gapLedger: GapLedger,
  pair: Pair,
  range: SlotRange,
  { at, failed }: { readonly at: EpochMs; readonly failed: boolean },
): Promise<void> {
  if (range.from > range.to) return;
  const known = await gapLedger.list(pair);
  // Those of which it is known already that they are due, and not yet that the exchange failed to give them.
  const untold = known.filter((gap) => failed && gap.asks === 0 && gap.failed !== true);
  const due = subtractRanges(pair.timeframe, [range], known).map((slots) => ({ ...slots, firstAskedAt: at }));
  const failing = untold.flatMap((gap) =>
    intersectRanges(pair.timeframe, [range], [gap]).map((slots) => ({ ...slots, firstAskedAt: gap.firstAskedAt })),
  );
  const told = [...due, ...failing].toSorted((a, b) => a.from - b.from);
  if (told.length === 0) return;
  await gapLedger.record(
    pair,
    told.map((slots) => ({ ...slots, state: 'suspect', asks: 0, lastAskedAt: at, failed })),
  );
}
