/**
 * THE evaluator of a pair's status (SPEC 5): cycle, `/status`, monitor and page all ask this one function. It knows
 * no clock and imports nothing at run time, so a browser can load it as it is.
 *
 * How the table is read where it leaves room:
 * - Age is that of the history's `data_through`; a future time counts as 0. That is the age that is reported.
 * - A timeframe that predicts shows two documents under one word, so the word is that of the older one: a forecast past
 *   its own soft limit makes the pair `stale`, past its hard limit `hard_stale`, however fresh the candles are. A forecast
 *   can be older than its history only while predicting fails, and `degraded` alone would let it age unseen.
 * - Before its first forecast a predicting pair has `missing`, unless the gate said why: then `insufficient_data`.
 * - Data past the hard limit is `hard_stale` even where the gate refused too: the word names the worse fact, the reason
 *   gives both. A file that can not be read has no age, so `corrupt` comes first.
 * - In doubt (a time or limit that is not a finite number) the pair is not served.
 */
import type { EpochMs } from './types';

export const PAIR_STATUSES = ['fresh', 'stale', 'hard_stale', 'corrupt', 'missing', 'insufficient_data'] as const;
export type PairStatus = (typeof PAIR_STATUSES)[number];

export interface StatusInput {
  readonly now: EpochMs;
  /** Close of the last candle of the history document; null without one. */
  readonly dataThrough: EpochMs | null;
  /** Close of the last candle the prediction rests on; null without one. */
  readonly predictionDataThrough: EpochMs | null;
  /** Whether this timeframe has a prediction at all. */
  readonly predicts: boolean;
  readonly softMs: number;
  readonly hardMs: number;
  readonly visibility: 'visible' | 'hidden_backfilling';
  /** Why the last export failed, without a semicolon; null when it did not. */
  readonly exportBlock: string | null;
  /** Why the gate refused, with its counts; null when it passed. */
  readonly gateReason: string | null;
  readonly degraded: boolean;
  /** What reading the published documents gave; the worst of them. */
  readonly document: 'ok' | 'missing' | 'corrupt';
  /** Close of the last candle in the store, where the judge can see the store. */
  readonly storeDataThrough?: EpochMs | null;
}

export interface StatusVerdict {
  readonly status: PairStatus;
  /** Visible, fresh or stale, and no export block. */
  readonly serveAllowed: boolean;
  readonly degraded: boolean;
  /** Why it is not simply fresh and served, in words; null when it is. */
  readonly reason: string | null;
  /** Age of the history in minutes, not rounded; null when there is none to measure. */
  readonly ageMinutes: number | null;
  readonly thresholds: { readonly softMinutes: number; readonly hardMinutes: number };
}

interface Finding {
  readonly status: PairStatus;
  readonly reason: string | null;
}

/** Judges one pair. Never throws; every input gives exactly one status. */
export function evaluateStatus(input: StatusInput): StatusVerdict {
  const { status, reason } = judge(input);
  const blocks = [
    input.visibility === 'visible' ? null : 'hidden: the symbol is not ready',
    input.exportBlock === null ? null : `blocked: ${input.exportBlock}`,
  ].filter((block) => block !== null);
  const age = input.dataThrough === null ? Number.NaN : ageOf(input.now, input.dataThrough);
  return {
    status,
    serveAllowed: blocks.length === 0 && (status === 'fresh' || status === 'stale'),
    degraded: input.degraded,
    reason: [...blocks, reason].filter((part) => part !== null).join('; ') || null,
    ageMinutes: Number.isFinite(age) ? age / 60_000 : null,
    thresholds: { softMinutes: input.softMs / 60_000, hardMinutes: input.hardMs / 60_000 },
  };
}

/** The export block that a verdict's reason begins with, and what else it says; null for what it does not hold. */
export function splitReason(reason: string | null): { readonly block: string | null; readonly rest: string | null } {
  const [, block, rest] = /^blocked: ([^;]*)(?:; (.*))?$/s.exec(reason ?? '') ?? [];
  return block === undefined ? { block: null, rest: reason } : { block, rest: rest ?? null };
}

function judge(input: StatusInput): Finding {
  if (input.document === 'corrupt') return { status: 'corrupt', reason: 'a published document can not be trusted' };
  const history = input.document === 'ok' ? judgeHistory(input) : null;
  const gate: Finding | null =
    input.gateReason === null ? null : { status: 'insufficient_data', reason: input.gateReason };
  if (history?.status === 'hard_stale') {
    return gate === null ? history : { ...history, reason: `${history.reason}; ${gate.reason}` };
  }
  if (gate !== null) return gate;
  if (history === null) {
    const gone = input.document === 'missing' && input.dataThrough !== null;
    const reason = gone ? 'a published document is not there' : 'no history has been published yet';
    return { status: 'missing', reason };
  }
  if (!input.predicts) return history;
  if (input.predictionDataThrough === null) {
    return { status: 'missing', reason: 'no prediction has been published yet' };
  }
  const prediction = judgeAge(input, input.predictionDataThrough, 'prediction rests on data that');
  return SEVERITY[prediction.status] > SEVERITY[history.status] ? prediction : history;
}

const SEVERITY: Readonly<Record<PairStatus, number>> = {
  fresh: 0,
  stale: 1,
  hard_stale: 2,
  insufficient_data: 3,
  missing: 3,
  corrupt: 3,
};

/** Null when there is no history to judge. */
function judgeHistory(input: StatusInput): Finding | null {
  const { dataThrough, storeDataThrough = null } = input;
  if (dataThrough === null) return null;
  const byAge = judgeAge(input, dataThrough, 'data');
  if (byAge.status === 'hard_stale' || storeDataThrough === null) return byAge;
  const apart = Math.abs(storeDataThrough - dataThrough);
  if (apart <= input.hardMs) return byAge;
  return { status: 'hard_stale', reason: `store and published data are ${spell(apart)} apart` };
}

/** Comparisons are written so that a NaN anywhere ends in `hard_stale`. */
function judgeAge({ now, softMs, hardMs }: StatusInput, dataThrough: EpochMs, subject: string): Finding {
  const age = ageOf(now, dataThrough);
  const limitsKnown = Number.isFinite(softMs) && Number.isFinite(hardMs) && softMs <= hardMs;
  if (!Number.isFinite(age) || !limitsKnown) {
    return { status: 'hard_stale', reason: 'the age can not be told: a time or a limit is not a number' };
  }
  if (age <= softMs) return { status: 'fresh', reason: null };
  const [status, limit] = age <= hardMs ? (['stale', softMs] as const) : (['hard_stale', hardMs] as const);
  return { status, reason: `${subject} ended ${spell(age)} ago, more than ${spell(limit)}` };
}

/** Milliseconds since `dataThrough`, 0 when it lies ahead; NaN when either is not a finite number. */
function ageOf(now: EpochMs, dataThrough: EpochMs): number {
  return Number.isFinite(now) && Number.isFinite(dataThrough) ? Math.max(0, now - dataThrough) : Number.NaN;
}

/** `90 min`, `30 h`, `12 d`: the largest unit that leaves at least two of it. */
function spell(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes < 120) return `${Math.floor(minutes)} min`;
  return minutes < 2_880 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 1_440)} d`;
}
