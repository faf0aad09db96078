/** What an operator can ask, as calls of the Temporal client. The plain `temporal` CLI can do all of it too. */
import {
  Client,
  Connection,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/client';
import type { ScheduleDescription, WorkflowExecutionInfo } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter, WorkflowIdConflictPolicy } from '@temporalio/common';
import type { FillProgress } from '../activities/contract';
import { isErrorCode, PipelineError } from '../src/domain/errors';
import {
  championWorkflowId,
  cycleScheduleId,
  cycleWorkflowId,
  fillWorkflowId,
  pairOfFill,
  TASK_QUEUE,
  trainingId,
} from '../src/domain/names';
import type { TrainingTrigger } from '../src/domain/retrain';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { TemporalUnreachable } from '../src/ports/control';
import type {
  ChangeReport,
  Control,
  CycleReport,
  FillView,
  ScheduleView,
  StartOutcome,
  TrainingReport,
} from '../src/ports/control';
import { againSignal } from '../workflows/cycle-signal';
import { connectionOptions } from './connection';
import type { TemporalServer } from './connection';
import { reconcileSchedules, unlessGone } from './schedule-reconciler';
import { runAttributes, scheduleOptions } from './schedules';
import type { Schedule } from './schedules';

export interface ControlOptions extends TemporalServer {
  readonly namespace: string;
  readonly schedules: readonly Schedule[];
  /** Trainings and changes are told this time: that of a replay. Absent: they look at the clock. */
  readonly asOf?: () => EpochMs;
}

export interface TemporalControl extends Control {
  readonly client: Client;
  readonly connection: Connection;
  /** Starts the cycle, or leaves the running one a request to go round again; never lost between the two. */
  requestCycle(timeframe: TimeframeId, reason: string): Promise<void>;
  /** Starts a training that an event calls for; one that is running is left alone. */
  requestTraining(timeframe: TimeframeId, trigger: TrainingTrigger, observations: number): Promise<void>;
  /** False where there is no such schedule. */
  isPaused(scheduleId: string): Promise<boolean>;
}

/** @throws TemporalUnreachable when no server answers at the address. */
export async function connectControl(options: ControlOptions): Promise<TemporalControl> {
  const server = await connectionOptions(options);
  const connection = await Connection.connect({ ...server, connectTimeout: 5_000 }).catch((error: unknown) => {
    throw new TemporalUnreachable(options.address, error);
  });
  const client = new Client({ connection, namespace: options.namespace });
  const told = () => (options.asOf === undefined ? {} : { asOf: options.asOf() });
  return {
    client,
    connection,
    schedules: () => listSchedules(client),
    applySchedules: () => reconcileSchedules(client, options.schedules.map(scheduleOptions)),
    pause: (id, reason) => onSchedule(id, () => client.schedule.getHandle(id).pause(reason)),
    resume: (id, reason) => onSchedule(id, () => client.schedule.getHandle(id).unpause(reason)),
    trigger: (id) => onSchedule(id, () => client.schedule.getHandle(id).trigger(ScheduleOverlapPolicy.SKIP)),
    runCycle: (timeframe) =>
      startOnce(client, 'cycle', cycleWorkflowId(timeframe), { timeframe, trigger: 'by hand' }, timeframe),
    cycleResult: async (start) => cycleReport(client, start),
    startFill: (symbol, timeframe) =>
      startOnce(client, 'fill', fillWorkflowId(symbol, timeframe), { symbol, timeframe }, timeframe),
    fills: () => listFills(client),
    train: (timeframe, symbols, recipe) =>
      startOnce(
        client,
        'train',
        trainingId(timeframe),
        {
          timeframe,
          trigger: 'by hand',
          ...(symbols === null ? {} : { symbols }),
          ...(recipe === null ? {} : { recipe }),
          ...told(),
        },
        timeframe,
      ),
    trainingResult: async (start) => resultOf<TrainingReport>(client, start),
    changeChampion: (request) =>
      startOnce(
        client,
        'changeChampion',
        championWorkflowId(request.timeframe),
        { ...request, by: 'operator', ...told() },
        request.timeframe,
      ),
    changeResult: async (start) => resultOf<ChangeReport>(client, start),
    requestCycle: (timeframe, reason) => requestCycle(client, timeframe, reason),
    requestTraining: (timeframe, trigger, observations) =>
      requestTraining(client, { timeframe, trigger, observations, ...told() }),
    isPaused: (scheduleId) => isPaused(client, scheduleId),
    close: () => connection.close(),
  };
}

/** Whether it trains is decided, and kept with its reason, by the run itself: see planTraining. */
async function requestTraining(
  client: Client,
  request: {
    readonly timeframe: TimeframeId;
    readonly trigger: TrainingTrigger;
    readonly observations: number;
    readonly asOf?: EpochMs;
  },
): Promise<void> {
  const { timeframe, trigger } = request;
  try {
    await client.workflow.start('train', {
      workflowId: trainingId(timeframe),
      taskQueue: TASK_QUEUE,
      args: [request],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      staticSummary: `${timeframe}: train, ${trigger}`,
      typedSearchAttributes: runAttributes('train', timeframe),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** A paused timeframe is frozen: what was asked for is done when its schedule goes on. */
async function requestCycle(client: Client, timeframe: TimeframeId, reason: string): Promise<void> {
  if (await isPaused(client, cycleScheduleId(timeframe))) return;
  await client.workflow.signalWithStart('cycle', {
    workflowId: cycleWorkflowId(timeframe),
    taskQueue: TASK_QUEUE,
    args: [{ timeframe, trigger: reason }],
    signal: againSignal,
    signalArgs: [reason],
    staticSummary: `${timeframe}: ${reason}`.slice(0, 350),
    typedSearchAttributes: runAttributes('cycle', timeframe),
  });
}

async function isPaused(client: Client, scheduleId: string): Promise<boolean> {
  try {
    return (await client.schedule.getHandle(scheduleId).describe()).state.paused;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return false;
    throw error;
  }
}

async function startOnce(
  client: Client,
  type: string,
  workflowId: string,
  input: Record<string, unknown>,
  timeframe: TimeframeId,
): Promise<StartOutcome> {
  try {
    const handle = await client.workflow.start(type, {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [input],
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      staticSummary: `${timeframe} ${type} by hand`,
      typedSearchAttributes: runAttributes(type, timeframe),
    });
    return { kind: 'started', workflowId, runId: handle.firstExecutionRunId };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    const running = await client.workflow.getHandle(workflowId).describe();
    return { kind: 'already_running', workflowId, runId: running.runId };
  }
}

/** @throws PipelineError with the code and the sentence of the activity that ended the run. */
async function resultOf<T>(client: Client, { workflowId, runId }: StartOutcome): Promise<T> {
  try {
    return (await client.workflow.getHandle(workflowId, runId).result()) as T;
  } catch (error) {
    let cause: unknown = error;
    while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
    const type = cause instanceof ApplicationFailure ? cause.type : null;
    if (!(cause instanceof ApplicationFailure) || !isErrorCode(type)) throw error;
    throw new PipelineError(type, cause.message, { cause: error });
  }
}

async function cycleReport(client: Client, start: StartOutcome): Promise<CycleReport> {
  const result = await resultOf<Omit<CycleReport, 'workflowId' | 'runId'>>(client, start);
  return { ...result, workflowId: start.workflowId, runId: start.runId };
}

async function onSchedule(id: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    throw new PipelineError('invalid_input', `there is no schedule "${id}": "schedule list" shows them`);
  }
}

async function listSchedules(client: Client): Promise<ScheduleView[]> {
  const views: ScheduleView[] = [];
  for await (const summary of client.schedule.list()) {
    await unlessGone(async () => {
      views.push(scheduleView(await client.schedule.getHandle(summary.scheduleId).describe()));
    });
  }
  return views.toSorted((a, b) => a.id.localeCompare(b.id));
}

function scheduleView(description: ScheduleDescription): ScheduleView {
  const { info, state } = description;
  return {
    id: description.scheduleId,
    paused: state.paused,
    note: state.note ?? '',
    nextRuns: info.nextActionTimes.map((time) => time.getTime()),
    lastRuns: info.recentActions.map((action) => action.scheduledAt.getTime()),
    running: info.runningActions.map((action) => action.workflow.workflowId),
    missed: info.numActionsMissedCatchupWindow,
    skipped: info.numActionsSkippedOverlap,
  };
}

/** Fills that are running, and how the last one of each other pair ended. */
async function listFills(client: Client): Promise<FillView[]> {
  const byId = new Map<string, FillView>();
  for await (const info of client.workflow.list({ query: `WorkflowType = "fill"` })) {
    if (byId.has(info.workflowId) && info.status.name !== 'RUNNING') continue;
    const view = await fillView(client, info);
    if (view !== null) byId.set(info.workflowId, view);
  }
  return [...byId.values()];
}

async function fillView(client: Client, info: WorkflowExecutionInfo): Promise<FillView | null> {
  const description = await client.workflow.getHandle(info.workflowId, info.runId).describe();
  const pending = description.raw.pendingActivities?.find((activity) => activity.activityType?.name === 'fillPages');
  const [payload] = pending?.heartbeatDetails?.payloads ?? [];
  const progress = payload === undefined ? null : defaultPayloadConverter.fromPayload<FillProgress>(payload);
  const pair = pairOfFill(info.workflowId);
  if (pair === null) return null;
  const status = info.status.name;
  return {
    ...pair,
    workflowId: info.workflowId,
    status:
      status === 'RUNNING'
        ? 'running'
        : status === 'COMPLETED'
          ? 'completed'
          : status === 'CANCELLED'
            ? 'cancelled'
            : 'failed',
    stored: progress?.stored ?? 0,
    candlesASecond: rateOf(progress, Date.now()),
    reached: progress?.reached ?? null,
    ...estimate(progress, Date.now()),
  };
}

function rateOf(progress: FillProgress | null, now: number): number | null {
  if (progress === null || progress.reached === null) return null;
  return progress.stored / Math.max(1, (now - progress.startedAt) / 1000);
}

/** Share done and time left, from the rate of this attempt. */
function estimate(progress: FillProgress | null, now: number): { progress: number | null; etaMs: number | null } {
  if (progress === null || progress.from === null || progress.reached === null) return { progress: null, etaMs: null };
  const share = Math.min(1, (progress.reached - progress.from) / Math.max(1, progress.to - progress.from));
  const elapsed = now - progress.startedAt;
  return { progress: share, etaMs: share > 0 ? (elapsed * (1 - share)) / share : null };
}
