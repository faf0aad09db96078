/** A worker with everything it needs: stores, exchange, threads, schedules, and the cycles that are behind. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../activities';
import { followedSymbols } from '../activities/followed';
import { createDeploymentMetrics } from '../src/adapters/prometheus/deployment-metrics';
import type { Config } from '../src/config/config';
import { lastClosedOpen } from '../src/domain/timeframe';
import { PipelineError } from '../src/domain/errors';
import { cycleScheduleId } from '../src/domain/names';
import type { Running } from '../src/cli/wiring';
import { systemClock } from '../src/ports/clock';
import { createForecaster, SHADOW_THREADS, TRAINING_THREADS } from '../src/forecasting/forecaster';
import { activityPorts } from './activity-ports';
import { connectControl } from './control';
import type { TemporalControl } from './control';
import { refuseForgetful } from './durable-server';
import { choosePort } from './free-port';
import { collectEarly } from './memory';
import { serveMetrics } from './metrics-server';
import { startOperationsReporter } from './operations-reporter';
import { outsideOf } from './outside';
import { deploymentSchedules } from './schedules';
import { registerSearchAttributes } from './search-attributes';
import { openExchange, openStores } from './stores';
import type { Stores } from './stores';
import { startTrackingMirror } from './tracking-mirror';
import { installRuntime, startWorker } from './worker';

export interface WorkerProcessOptions {
  readonly config: Config;
  readonly source: string;
  readonly exchangeUrl: string | null;
  readonly temporalAddress: string;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** What was started, to be stopped in reverse. */
type Started = (() => Promise<unknown>)[];

/** Runs until stopped; a start that fails stops what it had started, so that the process ends and may be started again. */
export async function runWorkerProcess(options: WorkerProcessOptions): Promise<Running> {
  const started: Started = [];
  const stop = async (): Promise<void> => {
    for (const each of started.splice(0).toReversed()) await each();
  };
  try {
    return { ...(await startParts(options, started)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(options: WorkerProcessOptions, started: Started): Promise<Omit<Running, 'stop'>> {
  const { config, source, log, temporalAddress } = options;
  collectEarly();
  await refuseForgetful(temporalAddress);
  const sdkPort = await choosePort(
    config.temporalMetricsPort,
    config.explicit.has('TEMPORAL_METRICS_PORT'),
    'TEMPORAL_METRICS_PORT',
  );
  started.push(installRuntime(log, `${config.metricsHost}:${sdkPort}`));
  const stores = await whenItAnswers(options, () =>
    openStores(config, source, systemClock, (reason, failed) =>
      log.warn({ failed, reason }, 'a forecast was not mirrored into InfluxDB'),
    ),
  );
  started.push(async () => log.info('stopped'));
  started.push(() => stores.close());
  const exchange = await openExchange(config, stores, options.exchangeUrl);
  started.push(() => exchange.close());
  const forecaster = createForecaster({ threads: config.forecastThreads, timeLimitMs: config.forecastTimeoutMs });
  const shadowForecaster = createForecaster({ ...SHADOW_THREADS, timeLimitMs: config.forecastTimeoutMs });
  const trainingForecaster = createForecaster(TRAINING_THREADS);
  const forecasters = { forecaster, shadowForecaster, trainingForecaster };
  for (const each of Object.values(forecasters)) started.push(() => each.close());
  const control = await connectControl({
    address: temporalAddress,
    security: config.temporalSecurity,
    namespace: config.temporalNamespace,
    schedules: deploymentSchedules(config),
  });
  started.push(() => control.close());
  await registerSearchAttributes(control.connection, config.temporalNamespace);
  const requestCycle: TemporalControl['requestCycle'] = (timeframe, reason) => control.requestCycle(timeframe, reason);
  const metrics = createDeploymentMetrics(
    { ...config, ...stores.state, clock: systemClock, storage: stores.storage },
    true,
  );
  const metricsServer = await serveMetrics(
    metrics,
    {
      host: config.metricsHost,
      port: config.metricsPort,
      explicit: config.explicit.has('METRICS_PORT'),
      variable: 'METRICS_PORT',
    },
    log,
  );
  started.push(() => metricsServer.close());
  const ports = activityPorts({
    config,
    stores,
    exchange,
    ...forecasters,
    requestCycle,
    requestTraining: (...event) => control.requestTraining(...event),
    schedulePaused: (id) => control.isPaused(id),
    log,
    outside: outsideOf(config),
    fetchCounter: metrics.fetchCounter,
  });
  const worker = await startWorker({
    address: temporalAddress,
    security: config.temporalSecurity,
    namespace: config.temporalNamespace,
    activities: createActivities(ports),
    computeActivities: createComputeActivities(ports),
    backgroundActivities: createBackgroundActivities(ports),
    computeSlots: config.forecastThreads,
    log,
    signal: options.signal,
  });
  started.push(() => worker.stop());
  const changes = await control.applySchedules();
  log.info({ schedules: changes.map(({ id, change }) => `${id} ${change}`) }, 'schedules match the configuration');
  await runWhatIsBehind(config, stores, control, log);
  started.push(startTrackingMirror(config, stores.state.models, log));
  started.push(startOperationsReporter({ config, stores, control, log }));
  return {
    facts: {
      source,
      temporal: temporalAddress,
      namespace: config.temporalNamespace,
      pid: process.pid,
      metrics: metricsServer.url,
      temporal_metrics: `http://${config.metricsHost}:${sdkPort}/metrics`,
    },
    ended: worker.ended,
  };
}

const STORE_PATIENCE_MS = 90_000;
const STORE_PAUSE_MS = 2_000;

/** A store that is started together with the worker may take longer than it: that is waited for, not crashed about (F14). */
async function whenItAnswers<T>({ log, signal }: WorkerProcessOptions, open: () => Promise<T>): Promise<T> {
  const began = performance.now();
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const away = error instanceof PipelineError && error.code === 'store_unavailable';
      if (!away || signal.aborted || performance.now() - began > STORE_PATIENCE_MS) throw error;
      log.warn({ error: error.message }, 'the store does not answer yet; the worker waits for it');
      await delay(STORE_PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }
}

/** Every unpaused timeframe whose store or publication is behind the last closed candle runs at once. */
async function runWhatIsBehind(config: Config, stores: Stores, control: TemporalControl, log: Logger): Promise<void> {
  const paused = new Set((await control.schedules()).filter((schedule) => schedule.paused).map(({ id }) => id));
  const rows = await stores.state.publication.rows();
  const quarantined = (await stores.state.pairState.symbolStates()).filter(
    ({ activation }) => activation === 'quarantined',
  );
  const followed = (await followedSymbols({ settings: config, symbolChoice: stores.state.symbolChoice })).filter(
    (symbol) => !quarantined.some((state) => state.symbol === symbol),
  );
  for (const timeframe of config.timeframes) {
    if (paused.has(cycleScheduleId(timeframe))) {
      log.warn({ timeframe }, 'paused: not brought up to date');
      continue;
    }
    const newest = lastClosedOpen(timeframe, Date.now(), config.settleMs);
    const current = followed.every((symbol) =>
      rows.some(
        (row) =>
          row.symbol === symbol && row.timeframe === timeframe && (row.dataThrough ?? 0) > newest && !row.degraded,
      ),
    );
    if (!current) await control.requestCycle(timeframe, 'worker started behind');
  }
}
