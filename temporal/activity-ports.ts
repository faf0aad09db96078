import type { Logger } from 'pino';
import type {
  ActivityPorts,
  PipelineSettings,
  RequestCycle,
  RequestTraining,
  SchedulePaused,
} from '../activities/ports';
import type { Config } from '../src/config/config';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import type { Exchange } from '../src/ports/exchange';
import type { Fitter, Forecaster } from '../src/ports/forecaster';
import type { FetchCounter } from '../src/ports/fetch-counter';
import { programVersion } from './program-version';
import type { Heartbeat, Notifier } from '../src/ports/notifier';
import type { Probe } from '../src/ports/probe';
import { readPublished } from '../src/publish/published-reader';
import type { Stores } from './stores';

export interface PortsInput {
  readonly config: Config;
  readonly stores: Stores;
  readonly exchange: Exchange;
  readonly forecaster: Forecaster;
  readonly shadowForecaster: Forecaster;
  readonly trainingForecaster: Forecaster & Fitter;
  readonly requestCycle: RequestCycle;
  /** Absent: nothing is trained because of what a cycle sees. */
  readonly requestTraining?: RequestTraining;
  /** Absent: there are no schedules, so none is paused. */
  readonly schedulePaused?: SchedulePaused;
  readonly log: Logger;
  readonly clock?: Clock;
  /** Who is told, inside and outside. Absent: alerts are only logged, and nothing outside is asked. */
  readonly outside?: Outside;
  /** Absent: nobody counts. */
  readonly fetchCounter?: FetchCounter;
}

/** What the monitor reaches outside of this machine. */
export interface Outside {
  readonly notifiers: readonly Notifier[];
  readonly heartbeat: Heartbeat | null;
  readonly probe: Probe;
}

const NOBODY: Outside = { notifiers: [], heartbeat: null, probe: { run: async () => null } };

/** The ports of a worker's activities. */
export function activityPorts({
  config,
  stores,
  exchange,
  forecaster,
  shadowForecaster,
  trainingForecaster,
  requestCycle,
  requestTraining = async () => {},
  schedulePaused = async () => false,
  log,
  clock = systemClock,
  outside = NOBODY,
  fetchCounter = { started: () => {} },
}: PortsInput): ActivityPorts {
  return {
    source: stores.source,
    settings: pipelineSettings(config),
    clock,
    log,
    exchange,
    candles: stores.candles,
    storage: stores.storage,
    gapLedger: stores.state.gapLedger,
    pairState: stores.state.pairState,
    dataQuality: stores.state.dataQuality,
    symbolChoice: stores.state.symbolChoice,
    forecastLedger: stores.state.forecastLedger,
    runLog: stores.state.runLog,
    publication: stores.state.publication,
    publisher: stores.publisher,
    models: stores.state.models,
    modelFiles: stores.modelFiles,
    published: readPublished(stores.folder.published),
    events: stores.state.events,
    monitor: stores.state.monitor,
    outbox: stores.state.outbox,
    lateCommits: stores.state.lateCommits,
    ...outside,
    forecaster,
    shadowForecaster,
    trainingForecaster,
    snapshots: stores.snapshots,
    opsDocuments: stores.opsDocuments,
    requestCycle,
    requestTraining,
    schedulePaused,
    fetchCounter,
  };
}

export function pipelineSettings(config: Config): PipelineSettings {
  return {
    symbols: config.symbols,
    timeframes: config.timeframes,
    discovery: config.discovery,
    settleMs: config.settleMs,
    scheduleOffsetMs: config.scheduleOffsetMs,
    cycleTargetMs: config.cycleTargetMs,
    lagRetryMs: config.lagRetryMs,
    alertsPerMinute: config.alerts.perMinute,
    slaObjective: config.slaObjective,
    rules: (timeframe) => config.rules(timeframe),
    codeVersion: programVersion(),
    automaticPromotion: config.automaticPromotion,
    naiveFallback: config.naiveFallback,
    firstChampion: (timeframe) => ({ family: config.championFamily(timeframe), settings: {} }),
  };
}
