import type { Logger } from 'pino';
import type { AlertOutbox } from '../src/ports/alert-outbox';
import type { CandleStore } from '../src/ports/candle-store';
import type { TrainingTrigger } from '../src/domain/retrain';
import type { Clock } from '../src/ports/clock';
import type { DataQualityStore } from '../src/ports/data-quality';
import type { EventLog } from '../src/ports/event-log';
import type { Exchange } from '../src/ports/exchange';
import type { Fitter, Forecaster, Recipe } from '../src/ports/forecaster';
import type { FetchCounter } from '../src/ports/fetch-counter';
import type { ForecastLedger } from '../src/ports/forecast-ledger';
import type { GapLedger } from '../src/ports/gap-ledger';
import type { LateCommits } from '../src/ports/late-commits';
import type { ModelFiles } from '../src/ports/model-files';
import type { ModelRegistry } from '../src/ports/model-registry';
import type { MonitorStore } from '../src/ports/monitor-store';
import type { Heartbeat, Notifier } from '../src/ports/notifier';
import type { PairStateStore } from '../src/ports/pair-state';
import type { Probe } from '../src/ports/probe';
import type { PublicationStore } from '../src/ports/publication';
import type { PublishedReader } from '../src/publish/published-reader';
import type { Publisher } from '../src/publish/publisher';
import type { RunLog } from '../src/ports/run-log';
import type { SymbolChoice } from '../src/ports/symbol-choice';
import type { StorageGauge } from '../src/ports/storage-gauge';
import type { DocumentFolder } from '../src/ports/published-files';
import type { Snapshots } from '../src/ports/snapshots';
import type { DiscoveryRules } from '../src/domain/discovery';
import type { TimeframeRules } from '../src/domain/timeframe-rules';
import type { MarketSymbol, TimeframeId } from '../src/domain/types';

/** What activities need of the configuration. */
export interface PipelineSettings {
  /** Named in the configuration; `followedSymbols` has the discovered ones too. */
  readonly symbols: readonly MarketSymbol[];
  readonly timeframes: readonly TimeframeId[];
  /** Null: only `symbols` are followed. */
  readonly discovery: DiscoveryRules | null;
  readonly settleMs: number;
  readonly scheduleOffsetMs: number;
  readonly cycleTargetMs: number;
  readonly lagRetryMs: number;
  readonly alertsPerMinute: number;
  /** Promised share of good probes, 0..1. */
  readonly slaObjective: number;
  rules(timeframe: TimeframeId): TimeframeRules;
  /** Version of this program, kept with every model. */
  readonly codeVersion: string;
  /** What forecasts a timeframe until the registry has a champion; not asked after that. */
  firstChampion(timeframe: TimeframeId): Recipe;
  /** A shadow that passes the gate becomes champion by itself. */
  readonly automaticPromotion: boolean;
  /** A champion that is not better than naive makes room for the naive recipe by itself. */
  readonly naiveFallback: boolean;
}

/** Starts the cycle of a timeframe, or leaves the running one a request. */
export type RequestCycle = (timeframe: TimeframeId, reason: string) => Promise<void>;

/** Starts a training that an event calls for, unless one is running; whether it trains is decided there. */
export type RequestTraining = (timeframe: TimeframeId, trigger: TrainingTrigger, observations: number) => Promise<void>;

/** Whether an operator has paused this schedule; false where there is none. */
export type SchedulePaused = (scheduleId: string) => Promise<boolean>;

/** Everything the activities touch. */
export interface ActivityPorts {
  /** The source this worker serves; runs opened for another are refused. */
  readonly source: string;
  readonly settings: PipelineSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly exchange: Exchange;
  readonly candles: CandleStore;
  readonly storage: StorageGauge;
  readonly gapLedger: GapLedger;
  readonly pairState: PairStateStore;
  readonly dataQuality: DataQualityStore;
  readonly symbolChoice: SymbolChoice;
  readonly forecastLedger: ForecastLedger;
  readonly runLog: RunLog;
  readonly publication: PublicationStore;
  readonly publisher: Publisher;
  readonly models: ModelRegistry;
  readonly modelFiles: ModelFiles;
  /** What is published, as a reader finds it. */
  readonly published: PublishedReader;
  readonly events: EventLog;
  readonly monitor: MonitorStore;
  readonly outbox: AlertOutbox;
  readonly lateCommits: LateCommits;
  /** Receivers of alerts; none: alerts are only logged. */
  readonly notifiers: readonly Notifier[];
  readonly heartbeat: Heartbeat | null;
  readonly probe: Probe;
  readonly forecaster: Forecaster;
  /** For the shadow: threads and memory of its own, so that nothing it does is felt by the champion. */
  readonly shadowForecaster: Forecaster;
  readonly trainingForecaster: Forecaster & Fitter;
  readonly snapshots: Snapshots;
  readonly requestCycle: RequestCycle;
  readonly requestTraining: RequestTraining;
  readonly schedulePaused: SchedulePaused;
  /** Documents of the operators' pages. */
  readonly opsDocuments: DocumentFolder;
  readonly fetchCounter: FetchCounter;
}
