/** The status of every configured pair, by the evaluator that pages and cycle use too. */
import type { Config } from '../config/config';
import { evaluateStatus, type StatusVerdict } from '../domain/status';
import { MINUTE } from '../domain/timeframe';
import { pairKey, type EpochMs, type Pair } from '../domain/types';
import type { PublicationRow } from '../ports/publication';
import type { CliStores } from './wiring';

export interface PairStatusRow {
  readonly pair: Pair;
  /** Null: nothing of it was ever published. */
  readonly row: PublicationRow | null;
  readonly verdict: StatusVerdict;
}

/** Judges the pairs at `now`, in the order given; a pair without a row is missing and hidden. */
export async function pairStatuses(
  stores: CliStores,
  config: Config,
  pairs: readonly Pair[],
  now: EpochMs,
): Promise<PairStatusRow[]> {
  const rows = new Map((await stores.publication.rows()).map((row) => [pairKey(row), row]));
  return pairs.map((pair) => {
    const row = rows.get(pairKey(pair)) ?? null;
    return { pair, row, verdict: row === null ? unpublished(config, pair, now) : judge(row, now) };
  });
}

function judge(row: PublicationRow, now: EpochMs): StatusVerdict {
  return evaluateStatus({ ...row, now, document: row.history === null ? 'missing' : 'ok' });
}

function unpublished(config: Config, pair: Pair, now: EpochMs): StatusVerdict {
  const rules = config.rules(pair.timeframe);
  return evaluateStatus({
    now,
    dataThrough: null,
    predictionDataThrough: null,
    predicts: rules.horizon > 0,
    softMs: rules.softMinutes * MINUTE,
    hardMs: rules.hardMinutes * MINUTE,
    visibility: 'hidden_backfilling',
    exportBlock: null,
    gateReason: null,
    degraded: false,
    document: 'missing',
  });
}
