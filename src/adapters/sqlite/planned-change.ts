/** What a write is about to change of what may have been shown already; every store tells it before it does it. */
import { sameValues } from '../../domain/candle';
import { isOutdated } from '../../domain/run-order';
import type { Candle, EpochMs } from '../../domain/types';
import type { PlannedChange } from '../../ports/candle-store';
import type { DatedCandle } from '../../ports/write-order';

/**
 * Null when the write only adds what is newer than all that is stored, or changes nothing.
 * @param stored what the slots of `candles` hold now.
 * @param followed whether a candle after the last of `candles` is stored.
 * @param now the clock of the writer.
 */
export function plannedChange(
  stored: ReadonlyMap<EpochMs, DatedCandle>,
  candles: readonly Candle[],
  fetchedAt: EpochMs,
  followed: boolean,
  now: EpochMs,
): PlannedChange | null {
  const slots = new Map<EpochMs, DatedCandle>();
  const revisions = candles.flatMap((after) => {
    const before = slots.get(after.openTime) ?? stored.get(after.openTime);
    const changes =
      before !== undefined && !sameValues(before.candle, after) && !isOutdated(fetchedAt, before.fetchedAt, now);
    if (before === undefined || changes) slots.set(after.openTime, { candle: after, fetchedAt });
    return changes ? [{ before: before.candle, after }] : [];
  });
  const filled = followed && candles.some(({ openTime }) => !stored.has(openTime));
  const changed = filled ? candles : revisions.map(({ after }) => after);
  const opens = changed.map(({ openTime }) => openTime).toSorted((a, b) => a - b);
  const [from, to] = [opens[0], opens.at(-1)];
  return from === undefined || to === undefined ? null : { revisions, range: { from, to } };
}
