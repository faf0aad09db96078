/**
 * What a manifest entry says at this instant. `/status`, the document routes and the page in the browser all ask this
 * function, which asks the one evaluator; so a dead publisher ages everywhere in the same way (SPEC 5, I30).
 */
import { evaluateStatus, splitReason, type StatusInput, type StatusVerdict } from '../domain/status';
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

/** The last instant up to which only the wording of the verdict at `now` changes, none of its words: the next age limit. */
export function verdictHoldsUntil(entry: JudgedEntry, now: EpochMs): EpochMs {
  const { softMs, hardMs } = limitsOf(entry);
  const limits = [entry.data_through, entry.files.prediction?.data_through ?? null].flatMap((text) => {
    const dataThrough = instant(text);
    return dataThrough === null ? [] : [dataThrough + softMs, dataThrough + hardMs];
  });
  return Math.min(...limits.map((limit) => (limit < now ? Number.POSITIVE_INFINITY : limit)));
}

function limitsOf(entry: JudgedEntry): { readonly softMs: number; readonly hardMs: number } {
  const rules = defaultRules(entry.timeframe);
  const dataThrough = instant(entry.data_through);
  const limit = (end: string | null, otherwise: number) =>
    dataThrough === null ? otherwise : (instant(end) ?? Number.NaN) - dataThrough;
  return {
    softMs: limit(entry.fresh_until, rules.softMinutes * 60_000),
    hardMs: limit(entry.expires_at, rules.hardMinutes * 60_000),
  };
}

/**
 * Judges the entry at `now`. The publisher's word can only make it worse: what was not servable when the manifest was
 * written (an export block, a gate, a damaged document, a store that disagreed) stays so until the next manifest,
 * whatever its age.
 */
export function judgeEntry(entry: JudgedEntry, now: EpochMs, document: StatusInput['document']): StatusVerdict {
  const { block, rest } = splitReason(entry.reason);
  const verdict = evaluateStatus({
    now,
    dataThrough: instant(entry.data_through),
    predictionDataThrough: instant(entry.files.prediction?.data_through ?? null),
    predicts: defaultRules(entry.timeframe).horizon > 0,
    ...limitsOf(entry),
    visibility: 'visible',
    exportBlock: block,
    gateReason: entry.status === 'insufficient_data' ? (rest ?? 'too few closed candles') : null,
    degraded: entry.degraded,
    // The publisher does not name a damaged document any more, so that nothing read here can tell.
    document: entry.status === 'corrupt' ? 'corrupt' : document,
  });
  if (entry.serve_allowed || !isRecentEnough(verdict.status)) return verdict;
  if (block !== null && isRecentEnough(entry.status)) return verdict;
  return { ...verdict, status: entry.status, serveAllowed: false, reason: entry.reason ?? 'blocked by the publisher' };
}

function isRecentEnough(status: StatusVerdict['status']): boolean {
  return status === 'fresh' || status === 'stale';
}
