/**
 * What a manifest entry says at this instant. `/status`, the document routes and the page in the browser all ask this
 * function, which asks the one evaluator; so a dead publisher ages everywhere in the same way (SPEC 5, I30).
 */
import { evaluateStatus, type StatusInput, type StatusVerdict } from '../domain/status';
import { defaultRules } from '../domain/timeframe-rules';
import type { EpochMs, TimeframeId } from '../domain/types';

/** The fields of a public manifest entry that bear on its status. */
export interface JudgedEntry {
  readonly timeframe: TimeframeId;
  readonly status: StatusVerdict['status'];
  readonly degraded: boolean;
  readonly serve_allowed: boolean;
  readonly reason: string | null;
  readonly data_through: string | null;
  readonly fresh_until: string | null;
  readonly expires_at: string | null;
  readonly files: { readonly prediction: { readonly data_through: string } | null };
}

function instant(text: string | null): EpochMs | null {
  return text === null ? null : Date.parse(text);
}

/**
 * Judges the entry at `now`. The publisher's word can only make it worse: what was not servable when the manifest was
 * written (an export block, a gate, a store that disagreed) stays so until the next manifest, whatever its age.
 */
export function judgeEntry(entry: JudgedEntry, now: EpochMs, document: StatusInput['document']): StatusVerdict {
  const rules = defaultRules(entry.timeframe);
  const dataThrough = instant(entry.data_through);
  const limit = (end: string | null, otherwise: number) =>
    dataThrough === null ? otherwise : (instant(end) ?? Number.NaN) - dataThrough;
  const verdict = evaluateStatus({
    now,
    dataThrough,
    predictionDataThrough: instant(entry.files.prediction?.data_through ?? null),
    predicts: rules.horizon > 0,
    softMs: limit(entry.fresh_until, rules.softMinutes * 60_000),
    hardMs: limit(entry.expires_at, rules.hardMinutes * 60_000),
    visibility: 'visible',
    exportBlock: null,
    gateReason: entry.status === 'insufficient_data' ? (entry.reason ?? 'too few closed candles') : null,
    degraded: entry.degraded,
    document,
  });
  if (entry.serve_allowed || !verdict.serveAllowed) return verdict;
  return { ...verdict, status: entry.status, serveAllowed: false, reason: entry.reason ?? 'blocked by the publisher' };
}
