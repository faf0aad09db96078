import type { EpochMs, MarketSymbol, TimeframeId } from '../domain/types';
import type { Recipe } from './forecaster';

export interface ScheduleView {
  readonly id: string;
  readonly paused: boolean;
  /** Why it was paused, or the schedule's note. */
  readonly note: string;
  readonly nextRuns: readonly EpochMs[];
  readonly lastRuns: readonly EpochMs[];
  readonly running: readonly string[];
  readonly missed: number;
  readonly skipped: number;
}

export interface CycleReport {
  readonly timeframe: TimeframeId;
  readonly workflowId: string;
  readonly runId: string;
  readonly asOf: EpochMs;
  readonly rounds: number;
  readonly outcome: 'published' | 'idle' | 'partial' | 'failed';
  readonly generation: number | null;
  readonly newCandles: number;
  readonly pairs: readonly { readonly symbol: MarketSymbol; readonly outcome: string; readonly detail: string }[];
}

export type StartOutcome =
  | { readonly kind: 'started'; readonly workflowId: string; readonly runId: string }
  | { readonly kind: 'already_running'; readonly workflowId: string; readonly runId: string };

export interface FillView {
  readonly symbol: MarketSymbol;
  readonly timeframe: TimeframeId;
  readonly workflowId: string;
  readonly status: 'running' | 'completed' | 'failed' | 'cancelled';
  readonly stored: number;
  /** Candles a second of the attempt under way, or null before its first page. */
  readonly candlesASecond: number | null;
  /** Open time reached, or null before the first page. */
  readonly reached: EpochMs | null;
  /** 0..1, or null while the start is not known. */
  readonly progress: number | null;
  readonly etaMs: number | null;
}

export interface ScheduleChange {
  readonly id: string;
  readonly change: 'created' | 'updated' | 'removed' | 'unchanged';
}

export interface TrainingReport {
  readonly outcome: 'done' | 'partial' | 'failed' | 'refused';
  readonly version: string | null;
  readonly reason: string;
  readonly trained: readonly MarketSymbol[];
  readonly failed: readonly { readonly symbol: MarketSymbol; readonly reason: string }[];
}

export interface ChangeRequest {
  readonly timeframe: TimeframeId;
  readonly action: 'promote' | 'rollback';
  readonly version: string;
  readonly reason: string;
}

export interface ChangeReport {
  readonly version: string;
  readonly previous: string;
  /** Symbols that the new champion forecast before it became one. */
  readonly checked: number;
}

/**
 * What an operator can ask of the running system. Every verb is a thin wrapper of a Temporal call that the plain
 * `temporal` CLI can do too.
 * @throws PipelineError `invalid_input` for an unknown schedule; TemporalUnreachable when the server does not answer.
 */
export interface Control {
  schedules(): Promise<ScheduleView[]>;
  /** Makes the schedules match the configuration, without waking what the operator paused. Idempotent. */
  applySchedules(): Promise<ScheduleChange[]>;
  pause(scheduleId: string, reason: string): Promise<void>;
  resume(scheduleId: string, reason: string): Promise<void>;
  trigger(scheduleId: string): Promise<void>;
  /** Starts the cycle under its fixed ID, or tells which run holds it. */
  runCycle(timeframe: TimeframeId): Promise<StartOutcome>;
  /** Waits for a run to end. */
  cycleResult(start: StartOutcome): Promise<CycleReport>;
  startFill(symbol: MarketSymbol, timeframe: TimeframeId): Promise<StartOutcome>;
  fills(): Promise<FillView[]>;
  /**
   * Starts a training under its fixed ID, or tells which run holds it, whatever that one was asked for. Null: every symbol
   * that is ready, the best recipe of the declared space.
   */
  train(timeframe: TimeframeId, symbols: readonly MarketSymbol[] | null, recipe: Recipe | null): Promise<StartOutcome>;
  trainingResult(start: StartOutcome): Promise<TrainingReport>;
  /** Starts a change of the champion; one at a time. */
  changeChampion(request: ChangeRequest): Promise<StartOutcome>;
  /** @throws PipelineError `change_refused` in one sentence. */
  changeResult(start: StartOutcome): Promise<ChangeReport>;
  close(): Promise<void>;
}

/** The Temporal server could not be reached: exit code 4. */
export class TemporalUnreachable extends Error {
  constructor(
    readonly address: string,
    cause: unknown,
  ) {
    super(`the Temporal server at ${address} does not answer; start it with "npm start" or set TEMPORAL_ADDRESS`, {
      cause,
    });
    this.name = 'TemporalUnreachable';
  }
}
