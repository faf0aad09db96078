import type { Logger } from 'pino';
import type { ActivityPorts, PipelineSettings, RequestCycle } from '../activities/ports';
import type { Config } from '../src/config/config';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import type { Exchange } from '../src/ports/exchange';
import type { Forecaster } from '../src/ports/forecaster';
import type { Stores } from './stores';

export interface PortsInput {
  readonly config: Config;
  readonly stores: Stores;
  readonly exchange: Exchange;
  readonly forecaster: Forecaster;
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
    storage: stores.storage,
    gapLedger: stores.state.gapLedger,
    pairState: stores.state.pairState,
    dataQuality: stores.state.dataQuality,
    symbolChoice: stores.state.symbolChoice,
    forecastLedger: stores.state.forecastLedger,
    runLog: stores.state.runLog,
    publication: stores.state.publication,
    publisher: stores.publisher,
    forecaster,
    requestCycle,
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
    rules: (timeframe) => config.rules(timeframe),
    champion: (timeframe) => ({ family: config.championFamily(timeframe), settings: {} }),
  };
}
