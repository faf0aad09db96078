/**
 * What the commands need from outside. Everything heavy is behind a function, so that `--help` loads neither ccxt nor
 * Temporal nor a store; the composition root implements it, opens each thing once and closes what it opened.
 */
import type { Config } from '../config/config';
import type { EpochMs, TimeframeId } from '../domain/types';
import type { AlertOutbox } from '../ports/alert-outbox';
import type { CandleStore } from '../ports/candle-store';
import type { Clock } from '../ports/clock';
import type { Control } from '../ports/control';
import type { DataQualityStore } from '../ports/data-quality';
import type { EventLog } from '../ports/event-log';
import type { Exchange } from '../ports/exchange';
import type { ForecastLedger } from '../ports/forecast-ledger';
import type { GapLedger } from '../ports/gap-ledger';
import type { MonitorStore } from '../ports/monitor-store';
import type { Heartbeat, Notifier } from '../ports/notifier';
import type { ModelRegistry } from '../ports/model-registry';
import type { PairStateStore } from '../ports/pair-state';
import type { PublicationStore } from '../ports/publication';
import type { RateBudget } from '../ports/rate-budget';
import type { StorageGauge } from '../ports/storage-gauge';
import type { SymbolChoice } from '../ports/symbol-choice';

export interface CliOutput {
  /** Results only; text ends with a newline. */
  stdout(text: string): void;
  /** Progress and errors. */
  stderr(text: string): void;
}

export const STORE_KINDS = ['sqlite', 'influx'] as const;
export type StoreKind = (typeof STORE_KINDS)[number];

/** All stores of one source. */
export interface CliStores {
  /** Whose candles these are: a ccxt id, or `simulated`. */
  readonly source: string;
  readonly candles: CandleStore;
  readonly gapLedger: GapLedger;
  readonly pairState: PairStateStore;
  readonly dataQuality: DataQualityStore;
  readonly storage: StorageGauge;
  readonly symbolChoice: SymbolChoice;
  readonly forecastLedger: ForecastLedger;
  readonly models: ModelRegistry;
  readonly publication: PublicationStore;
  readonly monitor: MonitorStore;
  readonly outbox: AlertOutbox;
  readonly events: Pick<EventLog, 'failedCommits'>;
  readonly budget: RateBudget;
}

export interface Breach {
  /** The rule that is broken, like `I20`. */
  readonly invariant: string;
  readonly where: string;
  readonly sentence: string;
}

export interface VerifyReport {
  readonly breaches: readonly Breach[];
  /** How many of each kind were looked at. */
  readonly checked: Readonly<Record<string, number>>;
}

/** Changes to what is published, and the check of it from outside. */
export interface Exporter {
  /** Reads published files only; the folder defaults to the configured one. */
  verify(directory: string | null): Promise<VerifyReport>;
  /** Makes every document again from the stores. */
  rebuild(progress: (line: string) => void): Promise<{ readonly generation: number; readonly pairs: number }>;
  /** @throws PipelineError `invalid_input` in one sentence when that generation can not be brought back. */
  rollback(change: { readonly to: number; readonly reason: string }): Promise<{ readonly generation: number }>;
  /** Writes the documents under their canonical names. */
  materialise(directory: string): Promise<{ readonly generation: number; readonly files: number }>;
}

/** One row of the benchmark; the keys are those of its JSON. */
export interface BacktestRow {
  readonly family: string;
  readonly recipe: unknown;
  readonly default: boolean;
  /** Forecasts judged. */
  readonly n: number;
  /** Against the yardstick, which is 1. */
  readonly mae_ratio: number;
  readonly pinball_ratio: number;
  readonly cov80: number;
  readonly cov95: number;
  /** Per origin. */
  readonly seconds: number;
}

export interface BacktestRequest {
  readonly dataDir: string;
  readonly timeframe: TimeframeId;
  readonly origins: number;
  readonly window: number;
  /** Null: all families. */
  readonly families: readonly string[] | null;
  readonly progress: (line: string) => void;
}

export interface BacktestOutcome {
  readonly rows: readonly BacktestRow[];
  /** Families that gave no forecast at some origins, with the first reason. */
  readonly failures: readonly { readonly family: string; readonly failed: number; readonly why: string }[];
  /** Files with too few rows for the window. */
  readonly skipped: readonly string[];
}

export type Backtest = (request: BacktestRequest) => Promise<BacktestOutcome>;

export interface ReplayRequest {
  /** Folder of candle files. */
  readonly dataDir: string;
  /** As SYMBOLS and TIMEFRAMES are written; null: the configured ones. */
  readonly symbols: string | null;
  readonly timeframes: string | null;
  /** Boundaries in (from, to] are run. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Trainings, shadow, daily report and what follows from it run too. */
  readonly models: boolean;
  /** IDs of schedules that stay paused. */
  readonly paused: readonly string[];
  /** Look for broken rules in what is published after each cycle. */
  readonly verify: boolean;
  readonly progress: (line: string) => void;
  readonly onProgress: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  /** The slot that has just been run. */
  readonly at: EpochMs;
  readonly done: number;
  readonly total: number;
  readonly cyclesASecond: number;
  readonly etaMs: number;
}

/** The keys are those of the JSON; times are ISO 8601. */
export interface ReplayReport {
  readonly from: string;
  readonly to: string;
  /** Where the folder stands when it was replayed beyond `to`: gaps are told as known there, all else as of `to`. */
  readonly stands_at: string | null;
  /** All that is due by `to` was run, the trainings and reports too. */
  readonly complete: boolean;
  /** Cycles from `from` to `to`; fewer than that were run when the replay was stopped. */
  readonly planned: number;
  /** All cycles run, and how many ended in which way. */
  readonly cycles: Readonly<Record<string, number>>;
  /** Working time, over all sessions of an interrupted replay. */
  readonly seconds: number;
  readonly cycles_a_second: number | null;
  /** Trainings and reports on models; all 0 when models were not asked for. */
  readonly models: { readonly trainings: number; readonly reports: number; readonly seconds: number };
  readonly boundaries: Readonly<Record<string, number>>;
  readonly not_done: readonly {
    readonly timeframe: string;
    readonly boundary: string;
    readonly outcome: string;
    readonly reason: string;
  }[];
  /** The newest. */
  readonly generations: number;
  /** Pairs by status word, counted after every cycle. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly verified: { readonly cycles: number; readonly breaches: readonly string[] };
  readonly pairs: readonly {
    readonly pair: string;
    readonly candles: number;
    readonly first: string | null;
    readonly last: string | null;
    /** Slots between first and last without a candle; `unexplained` are those that the gap ledger does not know. */
    readonly holes: number;
    readonly unexplained: number;
    readonly gaps: readonly {
      readonly from: string;
      readonly slots: number;
      readonly state: string;
      readonly asks: number;
    }[];
    readonly revised: number;
    readonly quarantined: number;
    readonly forecasts: number;
    readonly steps_scored: number;
  }[];
  /** What happened to the models, ascending. */
  readonly story: readonly StoryLine[];
}

export interface StoryLine {
  readonly at: string;
  /** The same happened `times` times, the last time then. */
  readonly until: string;
  readonly times: number;
  readonly timeframe: string;
  readonly event:
    | 'first_champion'
    | 'trained'
    | 'training_failed'
    | 'training_refused'
    | 'shadow_started'
    | 'shadow_failed'
    | 'decided'
    | 'promoted'
    | 'changed_to_naive'
    | 'rolled_back'
    | 'fitted_again'
    | 'change_refused'
    | 'report_failed'
    | 'frozen'
    | 'unfrozen'
    | 'drift'
    | 'drift_over';
  /** Model version. */
  readonly version: string | null;
  readonly by: string;
  readonly sentence: string;
  /** Of a training. */
  readonly mean_seconds: number | null;
  /** Criteria of the gate that do not hold, signs of drift that do. */
  readonly blocked_by: readonly string[];
  /** Of a change of the champion: when it issued its first forecast. */
  readonly effective_at: string | null;
}

/** A process part that runs until it is stopped. */
export interface Running {
  /** What to tell the operator, in order: addresses, folders, the source. Snake-case keys, as in JSON. */
  readonly facts: Readonly<Record<string, string | number | null>>;
  /** Resolves when it ended by itself, rejects when it failed. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface MarketRequest {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly seed: number;
  /** Folder of candle files to serve instead of generated ones, or null. */
  readonly dataDir: string | null;
  /** File of faults, or null. */
  readonly scenario: string | null;
}

export interface CliWiring {
  readonly output: CliOutput;
  /** Asks whoever sits at the terminal; null when nobody does. */
  readonly ask: ((question: string) => Promise<string>) | null;
  readonly clock: Clock;
  readonly version: string;
  /** Aborted when the operator asks to stop (SIGINT, SIGTERM, SIGHUP). */
  readonly stopping: AbortSignal;
  /** @throws ConfigError */
  config(): Config;
  stores(): Promise<CliStores>;
  /** The candles in that kind of store, whichever is configured. */
  candles(kind: StoreKind): Promise<CandleStore>;
  exchange(): Promise<Exchange>;
  /** @throws TemporalUnreachable */
  control(): Promise<Control>;
  exporter(): Promise<Exporter>;
  /** Receivers of alerts, as configured. */
  notifiers(): Promise<readonly Notifier[]>;
  /** Null when none is configured. */
  heartbeat(): Promise<Heartbeat | null>;
  backtest(): Promise<Backtest>;
  /** Everything in one process: server, schedules, worker, pages. Each line of progress is one step. */
  startUp(progress: (line: string) => void): Promise<Running>;
  startWorker(): Promise<Running>;
  /** Null: what is published now, by the clock; else as it was at that moment. */
  startWeb(asOf: EpochMs | null): Promise<Running>;
  startMarket(request: MarketRequest): Promise<Running>;
  /** Replays past candles into the folder of the source `replay`; ends early, to go on another time, when asked to stop. */
  replay(request: ReplayRequest): Promise<ReplayReport>;
  /** The pages of the replay as they were at a moment. */
  startReplayWeb(asOf: EpochMs): Promise<Running>;
  /** Path of the `temporal` command a start would use; fetches nothing. @throws Error whose message says how to get it. */
  temporalBinary(): Promise<string>;
  /** Closes whatever was opened. Called once, at the end of every command. */
  close(): Promise<void>;
}
