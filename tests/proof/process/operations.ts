/** What operators and machine rooms do to a deployment while it runs: terminate, start twice, roll out, lose a database, lose all. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { cycleWorkflowId, TASK_QUEUE } from '../../../src/domain/names';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { seededDraws } from '../seed';
import type { Deployment, WorkerProcess } from './deployment';

export interface Scene {
  readonly deployment: Deployment;
  readonly workers: WorkerProcess[];
}

/** Does something to what runs while the slots are driven; false when it has met nothing to do it to. */
export interface Disturbance {
  (scene: Scene): Promise<boolean | void>;
  /** What it needs to be there before the slot begins that it disturbs. */
  readonly before?: (scene: Scene) => Promise<void>;
}

const draw = seededDraws('operations');
const HOURLY = cycleWorkflowId(parseTimeframe('1h'));
const REPOSITORY = resolve(__dirname, '..', '..', '..');

/** Waits for a cycle that runs, for a while; false when none came. */
async function cycleRuns({ deployment }: Scene): Promise<boolean> {
  const handle = deployment.temporal.client.workflow.getHandle(HOURLY);
  for (let tries = 0; tries < 200; tries++) {
    const status = await handle.describe().then(
      (description) => description.status.name,
      () => 'UNKNOWN',
    );
    if (status === 'RUNNING') return true;
    await delay(20);
  }
  return false;
}

const terminate: Disturbance = async (scene) => {
  if (!(await cycleRuns(scene))) return false;
  await delay(draw() * 300);
  const handle = scene.deployment.temporal.client.workflow.getHandle(HOURLY);
  return handle.terminate('a proof').then(
    () => true,
    () => false,
  );
};

/** Five starts at once of what runs already: each is refused, or, when it has just ended, does the same slot again. */
const startAgain: Disturbance = async (scene) => {
  if (!(await cycleRuns(scene))) return false;
  const { client } = scene.deployment.temporal;
  const starts = Array.from({ length: 5 }, () =>
    client.workflow.start('cycle', {
      workflowId: HOURLY,
      taskQueue: TASK_QUEUE,
      args: [{ timeframe: '1h', asOf: scene.deployment.lastDue(), trigger: 'by hand' }],
    }),
  );
  const settled = await Promise.allSettled(starts);
  const refused = settled.filter((start) => start.status === 'rejected');
  for (const { reason } of refused) expect(reason).toBeInstanceOf(WorkflowExecutionAlreadyStartedError);
  return refused.length >= 4;
};

async function startedAtLast(deployment: Deployment): Promise<WorkerProcess> {
  for (;;) {
    try {
      return await deployment.startWorker();
    } catch {
      await delay(500);
    }
  }
}

const killAll: Disturbance = async ({ deployment, workers }) => {
  const victims = workers.splice(0);
  const crash = deployment.temporal.crash(300 + draw() * 2_000);
  await Promise.all(victims.map((victim) => victim.end('SIGKILL')));
  // A worker that finds no server ends and is started again, as a supervisor does.
  const starts = victims.map(async () => {
    await delay(draw() * 3_000);
    return startedAtLast(deployment);
  });
  await crash;
  workers.push(...(await Promise.all(starts)));
};

const loseDatabase: Disturbance = async ({ deployment, workers }) => {
  const { temporal } = deployment;
  await temporal.crash(100, async () => {
    for (const suffix of ['', '-wal', '-shm']) await rm(join(temporal.folder, `temporal.db${suffix}`), { force: true });
  });
  const first = await deployment.applySchedules();
  expect(await deployment.applySchedules()).toEqual(first);
  const victims = workers.splice(0);
  await Promise.all(victims.map((victim) => victim.end('SIGTERM')));
  workers.push(...(await Promise.all(victims.map(() => startedAtLast(deployment)))));
};

let older: string | null = null;

/** The built program with the workflows of another build: the same commands, told in other words. */
function olderBuild(): string {
  if (older !== null) return older;
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-older-'));
  older = folder;
  cpSync(join(REPOSITORY, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(REPOSITORY, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  const bundle = join(folder, 'dist', 'workflow-bundle.js');
  const text = readFileSync(bundle, 'utf8');
  const told = text.replaceAll('manifest of ', 'older manifest of ');
  if (told === text) throw new Error('the bundle has no longer the words by which the older build differs');
  writeFileSync(bundle, told);
  return folder;
}

export function removeOlderBuild(): void {
  if (older !== null) rmSync(older, { recursive: true, force: true });
  older = null;
}

const olderWorkers = new WeakSet<WorkerProcess>();

/** Ends this one as a roll-out does, and starts another of the older build in its place, or of the one under test. */
async function replace({ deployment, workers }: Scene, victim: WorkerProcess, byOlder: boolean): Promise<void> {
  workers.splice(workers.indexOf(victim), 1);
  expect(await victim.end('SIGTERM')).toBe(0);
  const worker = await deployment.startWorker(byOlder ? join(olderBuild(), 'dist', 'temporal', 'cli.js') : undefined);
  if (byOlder) olderWorkers.add(worker);
  workers.push(worker);
}

async function sideBySide(scene: Scene): Promise<void> {
  const [first] = scene.workers;
  if (first !== undefined && !scene.workers.some((worker) => olderWorkers.has(worker)))
    await replace(scene, first, true);
}

/** Whoever has begun a cycle is ended, so that the other build must go on from its history; true when it has. */
const rollOut: Disturbance = Object.assign(
  async (scene: Scene) => {
    if (!(await cycleRuns(scene))) return false;
    const { client } = scene.deployment.temporal;
    const { runId } = await client.workflow.getHandle(HOURLY).describe();
    const run = client.workflow.getHandle(HOURLY, runId);
    const workedOn = async ({ pid }: WorkerProcess): Promise<boolean> => {
      const { events } = await run.fetchHistory();
      return (events ?? []).some((event) => event.workflowTaskCompletedEventAttributes?.identity?.endsWith(`:${pid}`));
    };
    const victim = await firstOf(scene.workers, workedOn);
    const survivor = scene.workers.find((worker) => worker !== victim);
    if (victim === null || survivor === undefined) return false;
    await replace(scene, victim, olderWorkers.has(victim));
    await run.result();
    return workedOn(survivor);
  },
  { before: sideBySide },
);

/** The first for which it becomes true, looked at for a while. */
async function firstOf<T>(candidates: readonly T[], isTrue: (one: T) => Promise<boolean>): Promise<T | null> {
  for (let tries = 0; tries < 100; tries++) {
    for (const one of candidates) if (await isTrue(one)) return one;
    await delay(20);
  }
  return null;
}

const blockEventLoop: Disturbance = async ({ workers }) => {
  workers[0]?.signal('SIGUSR2');
  await delay(14_000);
};

export const OPERATIONS: Readonly<Record<string, Disturbance>> = {
  'F24 cycle terminated in mid-run': terminate,
  'F20 five starts at once of a cycle that runs': startAgain,
  'F22 workers of two builds side by side': rollOut,
  'F19 everything killed, started in random order': killAll,
  'F11 database of Temporal lost': loseDatabase,
};

/** Those that take longer than a short form may. */
export const SLOW_OPERATIONS: Readonly<Record<string, Disturbance>> = {
  'F18 event loop of a worker blocked for 13 s': blockEventLoop,
};
