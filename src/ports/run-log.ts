import type { EpochMs, TimeframeId } from '../domain/types';

export type BoundaryOutcome = 'done' | 'skipped' | 'failed';

/** One pass of one timeframe's cycle; the run table that shows that no two overlap (I14). */
export interface CycleRun {
  readonly timeframe: TimeframeId;
  readonly workflowId: string;
  readonly runId: string;
  /** 1-based round within the run: a cycle goes round again when a boundary has passed. */
  readonly round: number;
  readonly asOf: EpochMs;
  readonly startedAt: EpochMs;
  readonly trigger: string;
}

export interface CycleRunEnd {
  /** End of the first pass, its manifest included: what the cycle budget counts. */
  readonly firstPassAt: EpochMs | null;
  readonly endedAt: EpochMs;
  readonly outcome: 'published' | 'idle' | 'partial' | 'failed';
  readonly pairs: number;
  readonly failed: number;
  readonly newCandles: number;
}

export interface BoundaryRecord {
  readonly timeframe: TimeframeId;
  readonly boundary: EpochMs;
  readonly outcome: BoundaryOutcome;
  readonly reason: string;
  readonly recordedAt: EpochMs;
}

export interface RunLog {
  begin(run: CycleRun): Promise<void>;
  end(runId: string, round: number, end: CycleRunEnd): Promise<void>;
  /** Newest first. */
  recent(timeframe: TimeframeId, limit: number): Promise<readonly (CycleRun & { readonly end: CycleRunEnd | null })[]>;
  recordBoundaries(records: readonly BoundaryRecord[]): Promise<void>;
  boundaries(timeframe: TimeframeId, from: EpochMs, to: EpochMs): Promise<BoundaryRecord[]>;
}
