/**
 * What travels between workflows and activities: plain JSON, small, one object each way. Candles travel only from a
 * fetch to its write, at most 100 of a pair; everything longer is a fill, which fetches and writes page by page.
 */
import type { Choice } from '../src/domain/discovery';
import type { ErrorCode, Retry } from '../src/domain/errors';
import type { StorageLevel } from '../src/domain/storage-budget';
import type { EpochMs, MarketSymbol, Stage, TimeframeId } from '../src/domain/types';

/** `[openTime, open, high, low, close, volume]` */
export type CandleRow = readonly [number, number, number, number, number, number];

export interface Failure {
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly retry: Retry;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

/** A stage's answer for one symbol. A group of one throws instead of answering `failed`, so that Temporal retries it. */
export type Answer<T> =
  | { readonly symbol: MarketSymbol; readonly ok: true; readonly value: T }
  | { readonly symbol: MarketSymbol; readonly ok: false; readonly failure: Failure };

/** Every stage works on a group of symbols of one timeframe at one fixed time. */
export interface StageInput {
  /** Source the run was opened for; a worker of another source refuses. */
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly symbols: readonly MarketSymbol[];
}

export interface OpenCycleInput {
  readonly timeframe: string;
  readonly asOf: EpochMs;
  readonly trigger: string;
  readonly round: number;
  readonly workflowId: string;
  readonly runId: string;
  /** On the server's clock, as the end of the run is: under the virtual-time driver ours stands elsewhere. */
  readonly startedAt: EpochMs;
}

export interface CyclePlan {
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly symbols: readonly MarketSymbol[];
  readonly predicts: boolean;
  /** A shadow model is to forecast beside the champion; absent in plans of releases before there were any. */
  readonly shadow?: boolean;
  /** Symbols of one activity: 1 up to 50 pairs, so that the Web UI names each; 25 above. */
  readonly groupSize: number;
  readonly settleMs: number;
  /** Waits inside the cycle for an exchange that lags at the boundary, in order. */
  readonly lagWaitsMs: readonly number[];
  /** Waits between later passes over failed pairs; the last one repeats until the slot ends. */
  readonly retryWaitsMs: readonly number[];
}

export type FetchResult =
  /** More than a live fetch may hand on is due. */
  | { readonly kind: 'fill'; readonly reason: string }
  /** `fillBeside`: why older candles are due too. A fill brings them, while the pair goes on from its last ones. */
  | (LiveFetch & { readonly fillBeside?: string });

export type LiveFetch =
  /** New closed candles (and the last ones again) to write. */
  | {
      readonly kind: 'candles';
      readonly rows: readonly CandleRow[];
      readonly fetchedAt: EpochMs;
      readonly fresh: number;
      /** Closed slots after the last row that the exchange did not give; absent in histories of before. */
      readonly missing?: number;
    }
  /** A boundary has passed but the exchange does not have its candle yet. */
  | { readonly kind: 'lagging' }
  /** Nothing is due and the last candles are unchanged. */
  | { readonly kind: 'up_to_date' };

export interface WriteInput extends StageInput {
  readonly pages: readonly {
    readonly symbol: MarketSymbol;
    readonly rows: readonly CandleRow[];
    readonly fetchedAt: EpochMs;
  }[];
}

export interface WriteResult {
  readonly inserted: number;
  readonly revised: number;
}

export interface RepairResult {
  /** Slots without a candle inside the stored range, whatever the ledger says of them. */
  readonly missing: number;
  readonly asked: number;
  readonly found: number;
  /** Slots not stored and not yet decided. */
  readonly undecided: number;
  /** The symbol turned ready in this step: every other timeframe may now show it. */
  readonly becameReady: boolean;
}

export type GateResult =
  /** `forecast`: a forecast is due; `export`: only documents are; `none`: what is published is current. */
  | { readonly verdict: 'pass'; readonly due: 'forecast' | 'export' | 'none'; readonly stored: number }
  | { readonly verdict: 'refused'; readonly reason: string; readonly stored: number }
  | { readonly verdict: 'hidden'; readonly reason: string; readonly stored: number };

export interface ForecastSummary {
  readonly family: string;
  readonly modelVersion: string;
  readonly milliseconds: number;
}

export interface ExportInput extends StageInput {
  /** Symbols whose forecast failed in this run: the last good one stays and is marked. */
  readonly degraded: readonly MarketSymbol[];
}

export interface ExportSummary {
  readonly published: 'history_and_prediction' | 'history' | 'hidden' | 'refused';
  readonly dataThrough: EpochMs | null;
  readonly bytes: number;
}

export interface ManifestResult {
  readonly generation: number;
  readonly entries: number;
}

export interface CloseCycleInput {
  readonly source: string;
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly runId: string;
  readonly round: number;
  readonly firstPassAt: EpochMs | null;
  readonly endedAt: EpochMs;
  readonly outcome: 'published' | 'idle' | 'partial' | 'failed';
  readonly pairs: number;
  readonly newCandles: number;
  /** Failed pairs with their code, for the record of the boundary. */
  readonly failed: readonly { readonly symbol: MarketSymbol; readonly code: string }[];
}

export interface FillInput {
  readonly symbol: MarketSymbol;
  readonly timeframe: TimeframeId;
  /** When the fill began. */
  readonly asOf: EpochMs;
  /** `asOf` is the only time there is: the virtual-time driver gave it. */
  readonly virtual: boolean;
}

/** Also the heartbeat of the running fill. */
export interface FillProgress {
  readonly stored: number;
  readonly from: EpochMs | null;
  readonly reached: EpochMs | null;
  readonly to: EpochMs;
  readonly requests: number;
  /** When this attempt began, for the rate. */
  readonly startedAt: EpochMs;
}

export interface SettleFillResult {
  readonly repair: RepairResult;
  /** Cycles asked for because of this fill. */
  readonly cycles: readonly TimeframeId[];
}

/** The stages as an operator reads them in the Web UI. */
export interface CycleActivities {
  openCycle(input: OpenCycleInput): Promise<CyclePlan>;
  fetch(input: StageInput): Promise<Answer<FetchResult>[]>;
  write(input: WriteInput): Promise<Answer<WriteResult>[]>;
  repair(input: StageInput): Promise<Answer<RepairResult>[]>;
  gate(input: StageInput): Promise<Answer<GateResult>[]>;
  export(input: ExportInput): Promise<Answer<ExportSummary>[]>;
  manifest(input: StageInput): Promise<ManifestResult>;
  closeCycle(input: CloseCycleInput): Promise<void>;
  requestCycles(input: { readonly timeframes: readonly TimeframeId[]; readonly reason: string }): Promise<void>;
}

export interface ComputeActivities {
  forecast(input: StageInput): Promise<Answer<ForecastSummary>[]>;
}

export interface ShadowResult {
  /** Symbols that the shadow gave a valid forecast of, and the others with the reason. */
  readonly forecast: readonly MarketSymbol[];
  readonly failed: readonly { readonly symbol: MarketSymbol; readonly reason: string }[];
}

/** On a queue that no cycle waits for. */
export interface BackgroundActivities {
  shadowForecast(input: StageInput): Promise<ShadowResult>;
}

export interface FillActivities {
  fillPages(input: FillInput): Promise<FillProgress>;
  settleFill(input: FillInput): Promise<SettleFillResult>;
}

export interface RetentionResult {
  /** Candles removed, by pair: `BTC/USDT 1m`. Pairs that lost none are left out. */
  readonly removed: Readonly<Record<string, number>>;
  readonly storage: StorageResult;
}

export interface StorageResult {
  readonly level: StorageLevel;
  readonly usedBytes: number | null;
  readonly budgetBytes: number | null;
  /** Another level than at the sample before. */
  readonly changed: boolean;
}

export interface HousekeepingActivities {
  applyRetention(input: { readonly asOf: EpochMs }): Promise<RetentionResult>;
}

export interface ReconcilePlan {
  readonly source: string;
  readonly symbols: readonly MarketSymbol[];
}

export interface ReconcileInput {
  readonly source: string;
  readonly symbol: MarketSymbol;
  readonly days: number;
  readonly asOf: EpochMs;
}

/** Numbers of candles; see `ReconcileSummary`. */
export interface PairReconciliation {
  readonly timeframe: TimeframeId;
  readonly compared: number;
  readonly missing: number;
  readonly different: number;
  readonly critical: number;
  readonly notAtExchange: number;
  readonly failure: Failure | null;
}

export interface ReconciliationActivities {
  planReconciliation(): Promise<ReconcilePlan>;
  reconcileSymbol(input: ReconcileInput): Promise<PairReconciliation[]>;
}

/** What the markets say of the symbols, and which of them have to be checked before anything changes. */
export interface SymbolPlan extends Choice {
  readonly source: string;
  /** In quarantine, and followed. */
  readonly probes: readonly MarketSymbol[];
}

export interface CheckSymbolInput {
  readonly source: string;
  readonly symbol: MarketSymbol;
  readonly asOf: EpochMs;
}

export interface CheckedSymbol {
  readonly symbol: MarketSymbol;
  /** What is wrong with it, or null. */
  readonly reason: string | null;
}

export interface SettleSymbolsInput extends Omit<SymbolPlan, 'probes'> {
  readonly asOf: EpochMs;
  readonly checked: readonly CheckedSymbol[];
}

export interface SymbolReview {
  readonly asOf: EpochMs;
  readonly followed: number;
  readonly joined: readonly MarketSymbol[];
  /** Out of quarantine. */
  readonly released: readonly MarketSymbol[];
  readonly quarantined: readonly MarketSymbol[];
  readonly left: readonly MarketSymbol[];
}

export interface SymbolActivities {
  planSymbols(input: { readonly asOf: EpochMs }): Promise<SymbolPlan>;
  checkSymbol(input: CheckSymbolInput): Promise<CheckedSymbol>;
  settleSymbols(input: SettleSymbolsInput): Promise<SymbolReview>;
}

export interface ObserveResult {
  /** Pairs judged. */
  readonly pairs: number;
  /** Pairs whose status word has changed since the manifest was last committed again: it is to be again. */
  readonly changed: readonly string[];
  readonly events: number;
  /** The manifest is to be committed again, for it promises what no schedule holds any more; absent: it is not. */
  readonly promiseMoved?: boolean;
  /** Why the candle store could not be asked; absent or null when it could. */
  readonly store?: string | null;
  /** Messages that some receiver still waits for. */
  readonly pending: readonly string[];
}
export interface DeliverInput {
  readonly message: string;
  readonly receiver: string;
}
export interface WaitingInput {
  readonly message: string;
  /** Asked for by hand: receivers that were given up, or from whom the message was held back, wait again. */
  readonly again?: boolean;
}
export interface MonitorActivities {
  observe(input: { readonly asOf: EpochMs }): Promise<ObserveResult>;
  recommit(input: { readonly asOf: EpochMs }): Promise<ManifestResult>;
  /** Asks for documents and status as a reader does; null where no address is known. */
  probe(input: { readonly asOf: EpochMs }): Promise<{ readonly probes: number; readonly good: number } | null>;
  writeOpsDocuments(input: { readonly asOf: EpochMs }): Promise<void>;
  /** False when none is configured. */
  heartbeat(): Promise<boolean>;
  /** Receivers that still wait for the message. */
  waitingReceivers(input: WaitingInput): Promise<readonly string[]>;
  deliver(input: DeliverInput): Promise<'delivered' | 'undeliverable' | 'muted'>;
  /** The message stays, marked as undeliverable. */
  giveUp(input: DeliverInput): Promise<void>;
  /** The figures of the day that ended last, kept for good. */
  rollUpDay(input: { readonly asOf: EpochMs }): Promise<{ readonly day: string; readonly availability: number | null }>;
}
