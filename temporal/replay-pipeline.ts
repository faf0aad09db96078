/**
 * What runs a replay beside its stores: a Temporal server, an exchange, threads and a worker, all told the replay's time.
 */
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../activities';
import type { Config } from '../src/config/config';
import { trainingId } from '../src/domain/names';
import type { TimeframeId } from '../src/domain/types';
import { createForecaster, SHADOW_THREADS, TRAINING_THREADS } from '../src/forecasting/forecaster';
import { rememberForecasts } from '../src/forecasting/remembered-forecasts';
import type { Clock } from '../src/ports/clock';
import { activityPorts } from './activity-ports';
import { connectControl } from './control';
import type { TemporalControl } from './control';
import { startOnChosenPorts } from './development-server';
import { choosePort } from './free-port';
import type { SourceFolder } from './source';
import { openExchange } from './stores';
import type { Stores } from './stores';
import { findTemporalBinary } from './temporal-binary';
import { newestResult } from './virtual-driver';
import { installRuntime, startWorker } from './worker';

/** More than the trainings of a month of days ask for; a replay runs through hundreds of them in minutes. */
const REMEMBERED = 50_000;

/** What was started, newest last; stopped in reverse. */
export type Parts = (() => Promise<void>)[];

export interface ReplayPipelineOptions {
  readonly config: Config;
  readonly folder: SourceFolder;
  readonly stores: Stores;
  readonly marketUrl: string;
  readonly clock: Clock;
  /** A shock seen by a cycle starts a training. */
  readonly trains: boolean;
  readonly log: Logger;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface ReplayPipeline {
  readonly client: Client;
  readonly control: TemporalControl;
  /** Temporal's Web UI. */
  readonly webUi: string;
  /** Waits for the trainings that cycles have asked for, before an interruption too. */
  trained(): Promise<void>;
}

/** Temporal of its own, whatever TEMPORAL_ADDRESS says: the workflow IDs are those of the live deployment. */
export async function startReplayPipeline(options: ReplayPipelineOptions, parts: Parts): Promise<ReplayPipeline> {
  const { config, folder, stores, marketUrl, clock, trains, log, tell, signal } = options;
  parts.push(installRuntime(log));
  const binary = await findTemporalBinary({
    configured: config.temporalBin ?? undefined,
    cacheDir: join(__dirname, '..', '..', '.cache'),
    tell,
  });
  const started = {
    binary,
    databaseFile: folder.temporal,
    logFile: join(folder.logs, 'temporal.log'),
    namespace: 'default',
    // What was run is known from the stores; a cycle whose record was lost is run again.
    durable: false,
  };
  const { server } = await startOnChosenPorts(started, async () => ({
    port: await choosePort(config.temporalPort, false, 'TEMPORAL_PORT'),
    uiPort: await choosePort(config.temporalUiPort, false, 'TEMPORAL_UI_PORT'),
  }));
  parts.push(() => server.stop());
  const control = await connectControl({
    address: server.address,
    namespace: 'default',
    schedules: [],
    asOf: () => clock.now(),
  });
  parts.push(() => control.close());
  const exchange = await openExchange(config, stores, marketUrl, clock);
  parts.push(() => exchange.close());
  const forecaster = createForecaster({ threads: config.forecastThreads, timeLimitMs: config.forecastTimeoutMs });
  parts.push(() => forecaster.close());
  const shadowForecaster = createForecaster({ ...SHADOW_THREADS, timeLimitMs: config.forecastTimeoutMs });
  parts.push(() => shadowForecaster.close());
  const trainingForecaster = rememberForecasts(createForecaster(TRAINING_THREADS), REMEMBERED);
  parts.push(() => trainingForecaster.close());
  const forecasters = { forecaster, shadowForecaster, trainingForecaster };
  const requestCycle = async (): Promise<void> => {};
  // An interrupted replay may have left one running.
  const requested = new Set<TimeframeId>(trains ? config.timeframes : []);
  const requestTraining: TemporalControl['requestTraining'] = async (timeframe, ...event) => {
    await control.requestTraining(timeframe, ...event);
    requested.add(timeframe);
  };
  const asked = { requestCycle, ...(trains ? { requestTraining } : {}) };
  const ports = activityPorts({ config, stores, exchange, ...forecasters, ...asked, log, clock });
  const worker = await startWorker({
    address: server.address,
    namespace: 'default',
    activities: createActivities(ports),
    computeActivities: createComputeActivities(ports),
    backgroundActivities: createBackgroundActivities(ports),
    computeSlots: config.forecastThreads,
    log,
    signal,
  });
  parts.push(() => worker.stop());
  const { client } = control;
  return {
    client,
    control,
    webUi: server.uiUrl ?? server.address,
    trained: async () => {
      for (const timeframe of requested) await newestResult(client, trainingId(timeframe));
      requested.clear();
    },
  };
}
