/** A real Temporal development server and workers for tests; everything stops with the test file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { BACKGROUND_QUEUE, COMPUTE_QUEUE, SHADOW_QUEUE, TASK_QUEUE } from '../src/domain/names';
import { PAYLOAD_GUARD } from '../temporal/payload-guard';
import { startDevelopmentServer } from '../temporal/development-server';
import type { DevelopmentServer } from '../temporal/development-server';
import { findTemporalBinary } from '../temporal/temporal-binary';
import { freePort } from './free-port';
import { workflowBundle } from './workflow-bundle';

export interface TestTemporal {
  /** The running one: another after each `crash`. */
  readonly server: DevelopmentServer;
  readonly client: Client;
  readonly folder: string;
  readonly binary: string;
  /** Runs `work` while workers serve all queues with these activities. */
  withWorkers<T>(activities: object, work: () => Promise<T>): Promise<T>;
  /** Kills the server as a power cut would and starts it again on the same file and port after `downMs`, and after `meanwhile`. */
  crash(downMs: number, meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Servers of this process that are not stopped yet. */
let running = 0;

export async function startTestTemporal(): Promise<TestTemporal> {
  // It ends by itself with the last connection.
  if (running++ === 0) Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-temporal-'));
  const binary = await findTemporalBinary({
    configured: process.env.TEMPORAL_BIN,
    cacheDir: join(__dirname, '..', '.cache'),
    tell: () => {},
  });
  const options = {
    binary,
    databaseFile: join(folder, 'temporal.db'),
    logFile: join(folder, 'temporal.log'),
    port: await freePort(),
    uiPort: null,
    namespace: 'default',
  };
  let server = await startDevelopmentServer(options);
  const connection = await Connection.connect({ address: server.address });
  const native = await NativeConnection.connect({ address: server.address });
  const client = new Client({ connection });
  return {
    get server() {
      return server;
    },
    client,
    folder,
    binary,
    withWorkers: async (activities, work) => {
      const served = { activities, interceptors: PAYLOAD_GUARD };
      const worker = await Worker.create({
        connection: native,
        taskQueue: TASK_QUEUE,
        workflowBundle: await workflowBundle(),
        ...served,
      });
      const compute = await Worker.create({ connection: native, taskQueue: COMPUTE_QUEUE, ...served });
      const background = await Worker.create({ connection: native, taskQueue: BACKGROUND_QUEUE, ...served });
      const shadow = await Worker.create({ connection: native, taskQueue: SHADOW_QUEUE, ...served });
      return worker.runUntil(compute.runUntil(background.runUntil(shadow.runUntil(work()))));
    },
    crash: async (downMs, meanwhile) => {
      process.kill(server.pid, 'SIGKILL');
      await server.ended;
      await delay(downMs);
      await meanwhile?.();
      server = await startDevelopmentServer(options);
    },
    stop: async () => {
      await connection.close();
      await native.close();
      running--;
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
