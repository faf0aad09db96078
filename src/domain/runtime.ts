/** How long cycles take and how they end, over the last working ones (SPEC 2, SPEC 8). */
import type { EpochMs } from './types';

/** Working cycles that the figures rest on. */
export const MEASURED_CYCLES = 240;

export interface MeasuredCycle {
  readonly startedAt: EpochMs;
  /** End of the first pass, its manifest included; null when there was none. */
  readonly firstPassAt: EpochMs | null;
  readonly endedAt: EpochMs;
  readonly outcome: 'published' | 'idle' | 'partial' | 'failed';
}

export interface RuntimeSummary {
  readonly cycles: number;
  /** Null without a working cycle, as are the shares. */
  readonly averageMs: number | null;
  readonly p95Ms: number | null;
  /** Share that published every pair, 0..1. */
  readonly successRate: number | null;
  /** Share that took longer than the target, 0..1. */
  readonly overrunRate: number | null;
}

/** Over the newest {@link MEASURED_CYCLES} working cycles of `cycles`, which come newest first; idle ones are not counted. */
export function summariseRuntime(cycles: readonly MeasuredCycle[], targetMs: number): RuntimeSummary {
  const working = cycles.filter(({ outcome }) => outcome !== 'idle').slice(0, MEASURED_CYCLES);
  const elapsed = working.map(({ startedAt, firstPassAt, endedAt }) =>
    Math.max(0, (firstPassAt ?? endedAt) - startedAt),
  );
  const share = (count: number): number | null => (working.length === 0 ? null : count / working.length);
  return {
    cycles: working.length,
    averageMs: share(elapsed.reduce((sum, ms) => sum + ms, 0)),
    p95Ms: percentile(elapsed, 0.95),
    successRate: share(working.filter(({ outcome }) => outcome === 'published').length),
    overrunRate: share(elapsed.filter((ms) => ms > targetMs).length),
  };
}

/** The smallest value that at least `share` of the values do not exceed (nearest rank); null without values. */
function percentile(values: readonly number[], share: number): number | null {
  const ascending = values.toSorted((a, b) => a - b);
  return ascending[Math.ceil(share * ascending.length) - 1] ?? null;
}
