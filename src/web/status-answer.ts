/** `/status/{symbol}?timeframe=`: what the pair's documents are worth at this instant (SPEC 5). */
import type { StatusInput } from '../domain/status';
import { isTimeframe } from '../domain/timeframe';
import type { EpochMs, TimeframeId } from '../domain/types';
import type { ManifestEntry, OpsManifest } from '../publish/documents';
import { judgeEntry, verdictHoldsUntil } from './entry-status';

export interface StatusAnswer {
  readonly symbol: string;
  readonly timeframe: string;
  readonly status: string;
  readonly serve_allowed: boolean;
  readonly degraded: boolean;
  readonly reason: string | null;
  readonly updated_at: string | null;
  readonly data_through: string | null;
  readonly age_minutes: number | null;
  readonly threshold_minutes: { readonly soft: number; readonly hard: number };
  readonly last_success_at: string | null;
  readonly last_failure_at: string | null;
  readonly failure_count: number | null;
  readonly warning: string | null;
}

/** What the query and the path ask for, or the sentence that says what is wrong with them (PROOF S14, S15). */
export function readStatusQuestion(
  symbol: unknown,
  query: unknown,
): { readonly symbolName: string; readonly timeframe: TimeframeId } | { readonly fault: string } {
  const symbolName = readSymbolName(symbol);
  if (symbolName === null) return { fault: 'write the symbol like BTC_USDT or BTC%2FUSDT' };
  if (typeof query !== 'object' || query === null) return { fault: 'add ?timeframe=, for example ?timeframe=1h' };
  const { timeframe, ...others } = query as Record<string, unknown>;
  if (Object.keys(others).length > 0) return { fault: 'timeframe is the only parameter' };
  if (timeframe === undefined) return { fault: 'add ?timeframe=, for example ?timeframe=1h' };
  if (typeof timeframe !== 'string') return { fault: 'give timeframe once' };
  if (!isTimeframe(timeframe)) return { fault: 'the timeframe is not one of 1m 1h 1d 1w 1M or a multiple' };
  return { symbolName, timeframe };
}

/** `BTC_USDT` for `BTC_USDT` and, decoded once by the router, `BTC/USDT`; null for any other shape. */
export function readSymbolName(symbol: unknown): string | null {
  if (typeof symbol !== 'string') return null;
  if (!/^[A-Z0-9]{1,20}[/_][A-Z0-9]{1,20}([:_][A-Z0-9-]{1,20})?$/.test(symbol)) return null;
  return symbol.replace('/', '_').replace(':', '_');
}

export function buildStatusAnswer(input: {
  readonly entry: ManifestEntry;
  readonly now: EpochMs;
  readonly document: StatusInput['document'];
  readonly manifestExpiresAt: string;
  readonly record: StageSummary | null;
}): StatusAnswer {
  const { entry, now, record } = input;
  const verdict = judgeEntry(entry, now, input.document);
  return {
    symbol: entry.symbol,
    timeframe: entry.timeframe,
    status: verdict.status,
    serve_allowed: verdict.serveAllowed,
    degraded: verdict.degraded,
    reason: verdict.reason,
    updated_at: entry.updated_at,
    data_through: entry.data_through,
    age_minutes: verdict.ageMinutes === null ? null : Math.round(verdict.ageMinutes * 100) / 100,
    threshold_minutes: { soft: verdict.thresholds.softMinutes, hard: verdict.thresholds.hardMinutes },
    last_success_at: record?.lastSuccessAt ?? null,
    last_failure_at: record?.lastFailureAt ?? null,
    failure_count: record?.failureCount ?? null,
    warning: warningOf(verdict.status, verdict.serveAllowed, entry, now, input.manifestExpiresAt),
  };
}

/** The last instant at which the answer of `now` is still right: its age has two decimals, its reason whole minutes. */
export function answerHoldsUntil(entry: ManifestEntry, manifestExpiresAt: string, now: EpochMs): EpochMs {
  const limits = [verdictHoldsUntil(entry, now)];
  const expiry = Date.parse(manifestExpiresAt);
  if (now <= expiry) limits.push(expiry);
  if (entry.data_through !== null) {
    const dataThrough = Date.parse(entry.data_through);
    const age = Math.max(0, now - dataThrough);
    limits.push(dataThrough + Math.round(age / AGE_STEP_MS) * AGE_STEP_MS + AGE_STEP_MS / 2 - 1);
    limits.push(dataThrough + (Math.floor(age / 60_000) + 1) * 60_000 - 1);
  }
  return Math.min(...limits);
}

/** A hundredth of a minute. */
const AGE_STEP_MS = 600;

function warningOf(
  status: string,
  served: boolean,
  entry: ManifestEntry,
  now: EpochMs,
  manifestExpiresAt: string,
): string | null {
  const warnings = [
    served && status === 'stale' ? 'the data is older than it should be' : null,
    served && entry.degraded ? 'the last forecast run failed; the last good forecast is served' : null,
    now > Date.parse(manifestExpiresAt) ? `the publisher is late: it was due by ${manifestExpiresAt}` : null,
  ].filter((warning) => warning !== null);
  return warnings.length === 0 ? null : warnings.join('; ');
}

export interface StageSummary {
  readonly lastSuccessAt: string | null;
  readonly lastFailureAt: string | null;
  readonly failureCount: number;
}

/**
 * Successes and failures of a pair from the operations of its ops entry (`stages`, as the state store records them):
 * the last export that succeeded, the last failure of any stage, the failures since each stage's last success.
 */
export function summariseStages(ops: OpsManifest | null, key: string): StageSummary | null {
  const stages: unknown = ops?.entries.find((entry) => entry.key === key)?.operations.stages;
  if (!Array.isArray(stages)) return null;
  const facts = stages.filter(
    (item: unknown): item is Record<string, unknown> => item !== null && typeof item === 'object',
  );
  const exported = facts.filter((fact) => fact.stage === 'export');
  const counts = facts.map((fact) => fact.failure_count).filter((count) => typeof count === 'number');
  return {
    lastSuccessAt: latest(exported.map((fact) => fact.last_success_at)),
    lastFailureAt: latest(facts.map((fact) => fact.last_failure_at)),
    failureCount: counts.reduce((sum, count) => sum + count, 0),
  };
}

function latest(times: readonly unknown[]): string | null {
  const known = times
    .map((time) => (typeof time === 'string' ? Date.parse(time) : time))
    .filter((time): time is number => typeof time === 'number' && Number.isFinite(time));
  return known.length === 0 ? null : new Date(Math.max(...known)).toISOString();
}
