/**
 * What the commands need from outside. Everything heavy is behind a function, so that `--help` loads neither ccxt nor
 * Temporal nor a store; the composition root implements it, opens each thing once and closes what it opened.
 */
import type { Config } from '../config/config';
import type { TimeframeId } from '../domain/types';
import type { CandleStore } from '../ports/candle-store';
import type { Clock } from '../ports/clock';
import type { Control } from '../ports/control';
import type { Exchange } from '../ports/exchange';
import type { ForecastLedger } from '../ports/forecast-ledger';
import type { GapLedger } from '../ports/gap-ledger';
import type { PairStateStore } from '../ports/pair-state';
import type { PublicationStore } from '../ports/publication';
import type { RateBudget } from '../ports/rate-budget';

export interface CliOutput {
  /** Results only; text ends with a newline. */
  stdout(text: string): void;
  /** Progress and errors. */
  stderr(text: string): void;
}

/** All stores of one source. */
export interface CliStores {
  /** Whose candles these are: a ccxt id, or `simulated`. */
  readonly source: string;
  readonly candles: CandleStore;
  readonly gapLedger: GapLedger;
  readonly pairState: PairStateStore;
  readonly forecastLedger: ForecastLedger;
  readonly publication: PublicationStore;
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

export type Backtest = (request: BacktestRequest) => Promise<{ readonly rows: readonly BacktestRow[] }>;

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
}

export interface CliWiring {
  readonly output: CliOutput;
  readonly clock: Clock;
  readonly version: string;
  /** Aborted when the operator asks to stop (SIGINT, SIGTERM). */
  readonly stopping: AbortSignal;
  /** @throws ConfigError */
  config(): Config;
  stores(): Promise<CliStores>;
  exchange(): Promise<Exchange>;
  /** @throws TemporalUnreachable */
  control(): Promise<Control>;
  exporter(): Promise<Exporter>;
  backtest(): Promise<Backtest>;
  /** Everything in one process: server, schedules, worker, pages. Each line of progress is one step. */
  startUp(progress: (line: string) => void): Promise<Running>;
  startWorker(): Promise<Running>;
  startWeb(): Promise<Running>;
  startMarket(request: MarketRequest): Promise<Running>;
  /** Path of the `temporal` command a start would use; fetches nothing. @throws Error whose message says how to get it. */
  temporalBinary(): Promise<string>;
  /** Closes whatever was opened. Called once, at the end of every command. */
  close(): Promise<void>;
}
