import { mergeRanges } from '../domain/coverage';
import type { Candle, EpochMs, Pair, SlotRange } from '../domain/types';
import type { WriteOutcome } from '../ports/candle-store';
import type { StoringPorts } from './ingest-ports';

/**
 * Makes candles durable. What documents and scores may rest on is told first: the audit learns of candles that will have
 * other values, and the slots that change, or are filled in before later ones, are marked; so a crash at any moment leaves
 * no change that nothing knows of. Then the quarantine learns of those that the store itself refused, and the gap ledger of
 * slots that are filled now. `fetchedAt` is when they were asked for; `auditedAt` when the audit is told, which of what was not
 * fetched at all is another time.
 */
export async function storePage(
  ports: StoringPorts,
  pair: Pair,
  candles: readonly Candle[],
  fetchedAt: EpochMs,
  auditedAt: EpochMs = fetchedAt,
): Promise<WriteOutcome> {
  const changed: SlotRange[] = [];
  const outcome = await ports.candles.write(pair, candles, fetchedAt, async ({ revisions, range }) => {
    if (revisions.length > 0) await ports.pairState.recordRevisions(pair, revisions, auditedAt);
    await ports.dataQuality.markChanged(pair, range);
    changed.push(range);
  });
  if (outcome.refused.length > 0) await ports.pairState.quarantine(pair, outcome.refused, auditedAt);
  if (outcome.inserted > 0) {
    const refused = new Set(outcome.refused.map(({ openTime }) => openTime));
    const slots = candles.flatMap(({ openTime }) => (refused.has(openTime) ? [] : [{ from: openTime, to: openTime }]));
    await ports.gapLedger.resolve(pair, mergeRanges(pair.timeframe, slots));
  }
  // Once more: what was made anew between the first mark and the write was made from the old values.
  for (const range of changed) await ports.dataQuality.markChanged(pair, range);
  return outcome;
}
