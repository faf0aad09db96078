import { mergeRanges } from '../domain/coverage';
import type { Candle, EpochMs, Pair } from '../domain/types';
import type { WriteOutcome } from '../ports/candle-store';
import type { IngestPorts } from './ingest-ports';

/**
 * Makes candles durable, then tells the audit of changed ones, the quarantine of those that the store itself refused, and
 * the gap ledger of slots that are filled now.
 * `fetchedAt` is when they were asked for.
 */
export async function storePage(
  ports: IngestPorts,
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
  return outcome;
}
