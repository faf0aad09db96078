import type { Logger } from 'pino';
import type { ActivityPorts, PipelineSettings, RequestCycle } from '../activities/ports';
import type { Config } from '../src/config/config';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import type { Exchange } from '../src/ports/exchange';
import type { Fitter, Forecaster } from '../src/ports/forecaster';
import { programVersion } from './program-version';
import type { Stores } from './stores';

export interface PortsInput {
  readonly config: Config;
  readonly stores: Stores;
  readonly exchange: Exchange;
  readonly forecaster: Forecaster;
  readonly shadowForecaster: Forecaster;
  readonly trainingForecaster: Forecaster & Fitter;
  readonly requestCycle: RequestCycle;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** The ports of a worker's activities. */
export function activityPorts({
  config,
  stores,
  exchange,
  forecaster,
  shadowForecaster,
  trainingForecaster,
  requestCycle,
  log,
  clock = systemClock,
}: PortsInput): ActivityPorts {
  return {
    source: stores.source,
    settings: pipelineSettings(config),
    clock,
    log,
    exchange,
    candles: stores.candles,
    gapLedger: stores.state.gapLedger,
    pairState: stores.state.pairState,
    dataQuality: stores.state.dataQuality,
    forecastLedger: stores.state.forecastLedger,
    runLog: stores.state.runLog,
    publication: stores.state.publication,
    publisher: stores.publisher,
    models: stores.state.models,
    modelFiles: stores.modelFiles,
    forecaster,
    shadowForecaster,
    trainingForecaster,
    snapshots: stores.snapshots,
    opsDocuments: stores.opsDocuments,
    requestCycle,
  };
}

export function pipelineSettings(config: Config): PipelineSettings {
  return {
    symbols: config.symbols,
    timeframes: config.timeframes,
    settleMs: config.settleMs,
    scheduleOffsetMs: config.scheduleOffsetMs,
    cycleTargetMs: config.cycleTargetMs,
    lagRetryMs: config.lagRetryMs,
    storageBudgetBytes: config.storageBudgetBytes,
    rules: (timeframe) => config.rules(timeframe),
    codeVersion: programVersion(),
    automaticPromotion: config.automaticPromotion,
    naiveFallback: config.naiveFallback,
    firstChampion: (timeframe) => ({ family: config.championFamily(timeframe), settings: {} }),
  };
}
