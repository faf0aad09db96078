/** The worker: workflows and their stages on one queue; CPU work that cycles wait for, shadows and trainings each on another. */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { DefaultLogger, makeTelemetryFilterString, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { BACKGROUND_QUEUE, COMPUTE_QUEUE, SHADOW_QUEUE, TASK_QUEUE } from '../src/domain/names';
import type { MainActivities } from '../activities';
import type { BackgroundActivities, ComputeActivities } from '../activities/contract';
import type { SmokeActivities, TrainingComputations } from '../activities/training-contract';
import { WORKFLOW_BUNDLE } from './bundle';
import { connectionOptions } from './connection';
import type { TemporalServer } from './connection';
import { PAYLOAD_GUARD } from './payload-guard';

export interface WorkerOptions extends TemporalServer {
  readonly namespace: string;
  readonly activities: MainActivities;
  readonly computeActivities: ComputeActivities & SmokeActivities;
  readonly backgroundActivities: BackgroundActivities & TrainingComputations;
  /** Threads that fit and predict; as many compute activities run at once. */
  readonly computeSlots: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export interface RunningWorker {
  readonly ended: Promise<void>;
  /** Takes no new work, lets running activities finish within the grace time, then cancels them. */
  stop(): Promise<void>;
}

/** Running activities get this long to finish on shutdown; they are retried elsewhere after it. */
const SHUTDOWN_GRACE = '25s';
const SHUTDOWN_FORCE = '60s';
/** Shadows of as many timeframes, and trainings of as many: more of a kind wait for those of their own kind only. */
const BACKGROUND_SLOTS = 2;
const CONNECT_PAUSE_MS = 1_000;
const CONNECT_TRIES = 120;

/**
 * One per process, before the first connection: Temporal's own lines go to our log, signals are ours to handle, and its
 * metrics are served at `metricsAddress` (`host:port`). It ends with its last connection; before the first one it would keep
 * a process alive that could not start, so what is returned ends it, however far the start came.
 */
export function installRuntime(log: Logger, metricsAddress: string | null = null): () => Promise<void> {
  const logger = new DefaultLogger('WARN', ({ level, message, meta }) => {
    const line = { ...meta, temporal: true };
    if (level === 'ERROR') log.error(line, message);
    else if (level === 'WARN') log.warn(line, message);
    else log.debug(line, message);
  });
  const prometheus = {
    bindAddress: metricsAddress ?? '',
    countersTotalSuffix: true,
    unitSuffix: true,
    useSecondsForDurations: true,
  };
  const telemetryOptions = {
    // Lines of the native core would else go to stdout, where a command's JSON is.
    logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
    ...(metricsAddress === null ? {} : { metrics: { prometheus } }),
  };
  const runtime = Runtime.install({ logger, shutdownSignals: [], telemetryOptions });
  return () => runtime.shutdown();
}

/** Connects, waiting for a server that is not up yet, and runs until stopped. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const connection = await connect(options);
  const identity = `coin-predict@${hostname()}:${process.pid}`;
  const shared = {
    connection,
    namespace: options.namespace,
    identity,
    shutdownGraceTime: SHUTDOWN_GRACE,
    shutdownForceTime: SHUTDOWN_FORCE,
    interceptors: PAYLOAD_GUARD,
  } as const;
  const main = await Worker.create({
    ...shared,
    taskQueue: TASK_QUEUE,
    workflowBundle: { codePath: WORKFLOW_BUNDLE },
    activities: options.activities,
    maxConcurrentActivityTaskExecutions: 60,
    maxConcurrentWorkflowTaskExecutions: 20,
    maxCachedWorkflows: 200,
    // The progress that an operator watches is a heartbeat; the default would let it lag by most of a minute.
    maxHeartbeatThrottleInterval: '1s',
  });
  const compute = await Worker.create({
    ...shared,
    taskQueue: COMPUTE_QUEUE,
    activities: options.computeActivities,
    maxConcurrentActivityTaskExecutions: options.computeSlots,
  });
  const behind = {
    ...shared,
    activities: options.backgroundActivities,
    maxConcurrentActivityTaskExecutions: BACKGROUND_SLOTS,
  };
  const shadow = await Worker.create({ ...behind, taskQueue: SHADOW_QUEUE });
  const background = await Worker.create({ ...behind, taskQueue: BACKGROUND_QUEUE });
  const workers = [main, compute, shadow, background];
  const ended = Promise.all(workers.map((worker) => worker.run())).then(
    () => connection.close(),
    async (error: unknown) => {
      await connection.close();
      throw error;
    },
  );
  return {
    ended,
    stop: async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended;
    },
  };
}

async function connect(options: WorkerOptions): Promise<NativeConnection> {
  const { address, log, signal } = options;
  const server = await connectionOptions(options);
  for (let attempt = 1; ; attempt++) {
    try {
      return await NativeConnection.connect(server);
    } catch (error) {
      if (attempt === CONNECT_TRIES) throw error;
      if (attempt === 1) log.warn({ address }, 'the Temporal server does not answer yet; waiting for it');
      await delay(CONNECT_PAUSE_MS, undefined, { signal });
    }
  }
}
