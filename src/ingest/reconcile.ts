import { REREAD_CANDLES } from '../domain/fetch-start';
import { compareCandles } from '../domain/reconciliation';
import { DAY, openOf, shiftSlots } from '../domain/timeframe';
import { pages } from './pages';
import { storePage } from './stored-page';
import type { Candle, EpochMs, Pair, SlotRange } from '../domain/types';
import type { IngestPorts } from './ingest-ports';
import type { Mismatch } from '../ports/data-quality';

export interface ReconcileRequest {
  readonly pair: Pair;
  /** How far back to compare; at least the last candles that every cycle reads again. */
  readonly days: number;
  /** The run's fixed time: a comparison is known by it, so that one that is repeated counts once. */
  readonly asOf: EpochMs;
  readonly signal?: AbortSignal;
}

export interface ReconcileSummary {
  /** Slots for which both sides were looked at. */
  readonly compared: number;
  /** Slots that were found so in this run, by whichever of its attempts. */
  readonly missing: number;
  readonly different: number;
  readonly critical: number;
  /** Stored candles that the exchange does not give any more; they stay (I08). */
  readonly notAtExchange: number;
}

/**
 * Compares what is stored with what the exchange says now (I12). Where it says otherwise, the mismatch is recorded first
 * and its values are stored then, the old ones going to the audit trail. What lies after the last stored candle is the
 * cycle's business.
 */
export async function reconcile(ports: IngestPorts, request: ReconcileRequest): Promise<ReconcileSummary> {
  const { pair, asOf, signal } = request;
  const range = await comparedRange(ports, request);
  let [compared, notAtExchange] = [0, 0];
  if (range !== null) {
    let cursor = range.from;
    let askedAt = ports.clock.now();
    const runs = pages(ports.exchange, {
      ...pair,
      ...range,
      asOf,
      priority: 'fill',
      onRefused: (rows) => ports.pairState.quarantine(pair, rows, askedAt),
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const { candles, reached } of runs) {
      const told = await compareRun(ports, request, { from: cursor, to: reached }, candles, askedAt);
      compared += told.compared;
      notAtExchange += told.notAtExchange;
      cursor = shiftSlots(pair.timeframe, reached, 1);
      askedAt = ports.clock.now();
    }
  }
  return { compared, ...(await foundAt(ports, pair, asOf)), notAtExchange };
}

/** The candles that the comparison of `asOf` has found to be otherwise up to now. */
export async function mismatchesAt(
  ports: Pick<IngestPorts, 'dataQuality'>,
  pair: Pair,
  asOf: EpochMs,
): Promise<Mismatch[]> {
  return (await ports.dataQuality.mismatches(pair)).filter(({ lastAt }) => lastAt === asOf);
}

/** What the comparison of `asOf` has found up to now, in all its attempts: also of one that did not come to its end. */
export async function foundAt(
  ports: IngestPorts,
  pair: Pair,
  asOf: EpochMs,
): Promise<Pick<ReconcileSummary, 'missing' | 'different' | 'critical'>> {
  const found = await mismatchesAt(ports, pair, asOf);
  return {
    missing: found.filter(({ kind }) => kind === 'missing').length,
    different: found.filter(({ kind }) => kind === 'different').length,
    critical: found.filter(({ severity }) => severity === 'critical').length,
  };
}

async function comparedRange(ports: IngestPorts, { pair, days, asOf }: ReconcileRequest): Promise<SlotRange | null> {
  const extent = await ports.candles.extent(pair);
  if (extent === null) return null;
  const wanted = openOf(pair.timeframe, asOf - days * DAY);
  const reread = shiftSlots(pair.timeframe, extent.last, 1 - REREAD_CANDLES);
  return { from: Math.max(extent.first, Math.min(wanted, reread)), to: extent.last };
}

async function compareRun(
  ports: IngestPorts,
  { pair, asOf }: ReconcileRequest,
  range: SlotRange,
  candles: readonly Candle[],
  askedAt: EpochMs,
): Promise<{ readonly compared: number; readonly notAtExchange: number }> {
  const stored = await ports.candles.read(pair, { ...range, limit: 10_000 });
  const { differences, same, notAtExchange } = compareCandles(stored, candles);
  const found = differences.map(({ kind, candle }) => ({ kind, openTime: candle.openTime }));
  await ports.dataQuality.recordComparison(pair, range, found, asOf);
  // Also what an attempt before this one found: whether its write was done nobody knows.
  const repaired = new Set((await mismatchesAt(ports, pair, asOf)).map(({ openTime }) => openTime));
  const due = candles.filter(({ openTime }) => repaired.has(openTime));
  if (due.length > 0) await storePage(ports, pair, due, askedAt);
  return { compared: same + differences.length, notAtExchange: notAtExchange.length };
}
