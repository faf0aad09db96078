import { evaluateStatus } from '../domain/status';
import type { StatusVerdict } from '../domain/status';
import { KNOWN_TIMEFRAMES } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { EpochMs } from '../domain/types';
import type { DocumentReference, PublicationRow } from '../ports/publication';
import { isoTime } from './canonical-json';
import { canonicalName } from './canonical-name';
import { SCHEMA_VERSION } from './documents';
import type { FileReference, Manifest, ManifestEntry, OpsEntry, OpsManifest, Summary } from './documents';
import { documentAge } from './history';

export interface ManifestInput {
  readonly generation: number;
  readonly generatedAt: EpochMs;
  /** The time at which every pair is judged; absent: `generatedAt`. */
  readonly judgedAt?: EpochMs;
  readonly source: string;
  /** When the earliest next cycle is expected to commit. */
  readonly nextExpectedCommit: EpochMs;
  readonly cycleTargetMs: number;
  readonly rollbackOf?: number | null;
  readonly rollbackReason?: string | null;
  /** Keys of pairs one of whose objects on disk is not what was written. */
  readonly damaged?: ReadonlySet<string>;
}

/**
 * Both manifests as a pure function of the publication rows: whatever order the rows come in, the same content.
 * The public one holds nothing of a hidden pair, not even in its counts.
 */
export function buildManifests(
  rows: readonly PublicationRow[],
  input: ManifestInput,
): { readonly manifest: Manifest; readonly opsManifest: OpsManifest } {
  const { judgedAt = input.generatedAt } = input;
  const ops = [...rows].sort(byPair).map((row) => opsEntry(row, judgedAt, input.damaged));
  const shown = ops.filter((entry) => entry.visibility === 'visible');
  const head = {
    version: SCHEMA_VERSION,
    generation: input.generation,
    generated_at: isoTime(input.generatedAt),
    ...(judgedAt === input.generatedAt ? {} : { judged_at: isoTime(judgedAt) }),
    expires_at: isoTime(input.nextExpectedCommit + 2 * input.cycleTargetMs),
    source: input.source,
    rollback_of: input.rollbackOf ?? null,
  };
  return {
    manifest: { ...head, entries: shown.map(publicEntry), summary: summarise(shown) },
    opsManifest: { ...head, entries: ops, summary: summarise(ops), rollback_reason: input.rollbackReason ?? null },
  };
}

/** By symbol, then from the shortest timeframe to the longest. */
function byPair(a: PublicationRow, b: PublicationRow): number {
  if (a.symbol !== b.symbol) return a.symbol < b.symbol ? -1 : 1;
  return KNOWN_TIMEFRAMES.indexOf(a.timeframe) - KNOWN_TIMEFRAMES.indexOf(b.timeframe);
}

function opsEntry(row: PublicationRow, now: EpochMs, damaged: ManifestInput['damaged']): OpsEntry {
  const verdict = evaluateStatus({
    ...row,
    now,
    document: damaged?.has(pairKey(row)) ? 'corrupt' : 'ok',
  });
  const age = row.dataThrough === null ? null : documentAge(row.dataThrough, row.updatedAt, row);
  return {
    ...words(row, verdict),
    updated_at: isoTime(row.updatedAt),
    data_through: age?.data_through ?? null,
    fresh_until: age?.fresh_until ?? null,
    expires_at: age?.expires_at ?? null,
    files: {
      history: fileOf('history', row, row.history, row.dataThrough),
      prediction: fileOf('prediction', row, row.prediction, row.predictionDataThrough),
    },
    symbol_state: row.symbolState,
    age_minutes: verdict.ageMinutes,
    threshold_minutes: { soft: verdict.thresholds.softMinutes, hard: verdict.thresholds.hardMinutes },
    as_of: isoTime(row.asOf),
    export_block: row.exportBlock,
    gate_reason: row.gateReason,
    operations: row.ops as OpsEntry['operations'],
  };
}

function words(
  row: PublicationRow,
  verdict: StatusVerdict,
): Pick<OpsEntry, 'key' | 'symbol' | 'timeframe'> &
  Pick<OpsEntry, 'visibility' | 'status' | 'degraded' | 'serve_allowed' | 'reason'> {
  return {
    key: pairKey(row),
    symbol: row.symbol,
    timeframe: row.timeframe,
    visibility: row.visibility,
    status: verdict.status,
    degraded: verdict.degraded,
    serve_allowed: verdict.serveAllowed,
    reason: verdict.reason,
  };
}

function fileOf(
  kind: 'history' | 'prediction',
  row: PublicationRow,
  reference: DocumentReference | null,
  dataThrough: EpochMs | null,
): FileReference | null {
  if (reference === null || dataThrough === null) return null;
  const { data_through, fresh_until, expires_at } = documentAge(dataThrough, row.updatedAt, row);
  const { sha256, bytes } = reference;
  return { name: canonicalName(kind, row), bytes, sha256, data_through, fresh_until, expires_at };
}

/** Field by field, so that an operational fact can only become public on purpose. */
function publicEntry(entry: OpsEntry): ManifestEntry {
  return {
    key: entry.key,
    symbol: entry.symbol,
    timeframe: entry.timeframe,
    visibility: 'visible',
    status: entry.status,
    degraded: entry.degraded,
    serve_allowed: entry.serve_allowed,
    reason: entry.reason,
    updated_at: entry.updated_at,
    data_through: entry.data_through,
    fresh_until: entry.fresh_until,
    expires_at: entry.expires_at,
    files: entry.files,
  };
}

function summarise(entries: readonly OpsEntry[]): Summary {
  return {
    total: entries.length,
    status: countBy(entries.map((entry) => entry.status)),
    visibility: countBy(entries.map((entry) => entry.visibility)),
    symbol_state: countBy(entries.map((entry) => entry.symbol_state)),
    degraded: entries.filter((entry) => entry.degraded).length,
  };
}

function countBy(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
