import { mergeRanges } from '../domain/coverage';
import type { Candle, EpochMs, Pair, SlotRange } from '../domain/types';
import type { WriteOutcome } from '../ports/candle-store';
import type { StoringPorts } from './ingest-ports';

/**
 * Makes candles durable, then tells the audit of changed ones, the quarantine of those that the store itself refused, and
 * the gap ledger of slots that are filled now, and marks what documents and scores may rest on: changed candles, and new
 * ones that are not the newest.
 * `fetchedAt` is when they were asked for.
 */
export async function storePage(
  ports: StoringPorts,
  pair: Pair,
  candles: readonly Candle[],
  fetchedAt: EpochMs,
): Promise<WriteOutcome> {
  const outcome = await ports.candles.write(pair, candles, fetchedAt);
  if (outcome.refused.length > 0) await ports.pairState.quarantine(pair, outcome.refused, fetchedAt);
  if (outcome.revisions.length > 0) await ports.pairState.recordRevisions(pair, outcome.revisions, fetchedAt);
  if (outcome.inserted > 0) {
    const refused = new Set(outcome.refused.map(({ openTime }) => openTime));
    const slots = candles.flatMap(({ openTime }) => (refused.has(openTime) ? [] : [{ from: openTime, to: openTime }]));
    await ports.gapLedger.resolve(pair, mergeRanges(pair.timeframe, slots));
  }
  const changed = await changedRange(ports, pair, candles, outcome);
  if (changed !== null) await ports.dataQuality.markChanged(pair, changed);
  return outcome;
}

async function changedRange(
  ports: StoringPorts,
  pair: Pair,
  candles: readonly Candle[],
  { inserted, revisions }: WriteOutcome,
): Promise<SlotRange | null> {
  const changed = revisions.map(({ after }) => after.openTime);
  const [first, last] = [candles[0], candles.at(-1)];
  if (inserted > 0 && first !== undefined && last !== undefined) {
    const [newest] = await ports.candles.last(pair, 1);
    if (newest !== undefined && newest.openTime > last.openTime) changed.push(first.openTime, last.openTime);
  }
  return changed.length === 0 ? null : { from: Math.min(...changed), to: Math.max(...changed) };
}
