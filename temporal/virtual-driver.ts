/**
 * The second driver of the same pipeline: starts the workflows of the schedules in order of due time, each with its
 * time as argument, as fast as they end. Nothing waits: the cycle's own waits are off when it is told its time.
 */
import type { Client } from '@temporalio/client';
import { WorkflowFailedError } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowNotFoundError } from '@temporalio/common';
import { TASK_QUEUE } from '../src/domain/names';
import type { EpochMs } from '../src/domain/types';
import type { CycleResult } from '../workflows/cycle';
import { nextDue, runAttributes } from './schedules';
import type { CycleSchedule, Schedule } from './schedules';

export interface VirtualSlot<S extends Schedule = CycleSchedule> {
  readonly due: EpochMs;
  readonly schedule: S;
}

/** Every scheduled workflow answers with the time it was told, most with how it ended. */
type ResultOf<S extends Schedule> = S extends CycleSchedule
  ? CycleResult
  : { readonly asOf: EpochMs; readonly outcome?: string };

export interface VirtualRun<S extends Schedule = CycleSchedule> extends VirtualSlot<S> {
  readonly result: ResultOf<S>;
}

export interface VirtualDrive<S extends Schedule = CycleSchedule> {
  readonly client: Client;
  readonly schedules: readonly S[];
  /** Slots due in (from, to] are run. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Every timeframe is run at `from` first, as a worker that starts then runs what is behind. */
  readonly startsBehind?: boolean;
  /** Awaited before each run: moves a market's clock, for example. */
  readonly onDue?: (due: EpochMs) => Promise<void>;
  /** Slots that an interrupted drive has run already are left out. */
  readonly isDone?: (slot: VirtualSlot<S>) => boolean;
  /**
   * For runs other than cycles: one that an interrupted drive has ended is known to Temporal alone and is asked for
   * there, and one that fails is an outcome, as in a deployment, which goes on.
   */
  readonly goesOn?: boolean;
}

/** The cycle of every timeframe at `from`, in the order given, and then every due slot in (from, to]. */
export function* slotsFromStart<S extends Schedule>(
  schedules: readonly S[],
  from: EpochMs,
  to: EpochMs,
): Generator<VirtualSlot<S>> {
  for (const schedule of schedules) if (isCycle(schedule)) yield { due: from, schedule };
  yield* dueSlots(schedules, from, to);
}

/** Paused: nothing of it is due. */
type Pausable = Schedule & { readonly paused?: boolean };

export function isCycle({ run }: Schedule): boolean {
  return run.type === 'cycle';
}

/** Every due slot of the schedules in (from, to], in order; schedules due together run in the order given. */
export function* dueSlots<S extends Pausable>(
  schedules: readonly S[],
  from: EpochMs,
  to: EpochMs,
): Generator<VirtualSlot<S>> {
  const next = schedules
    .filter(({ paused }) => paused !== true)
    .map((schedule) => ({ schedule, due: nextDue(schedule, from) }));
  for (;;) {
    const first = next.reduce<(typeof next)[number] | null>(
      (best, slot) => (best === null || slot.due < best.due ? slot : best),
      null,
    );
    if (first === null || first.due > to) return;
    yield { due: first.due, schedule: first.schedule };
    first.due = nextDue(first.schedule, first.due);
  }
}

export async function* driveVirtually<S extends Schedule>(drive: VirtualDrive<S>): AsyncGenerator<VirtualRun<S>> {
  const slots = drive.startsBehind === true ? slotsFromStart : dueSlots;
  for (const slot of slots(drive.schedules, drive.from, drive.to)) {
    if (drive.isDone?.(slot) === true) continue;
    await drive.onDue?.(slot.due);
    const run = drive.goesOn === true && !isCycle(slot.schedule) ? goOnWith : runSlot;
    yield { ...slot, result: await run(drive.client, slot) };
  }
}

async function goOnWith<S extends Schedule>(client: Client, slot: VirtualSlot<S>): Promise<ResultOf<S>> {
  const { due, schedule } = slot;
  const before = await newestResult(client, schedule.run.workflowId);
  if (before?.asOf === due) return before as ResultOf<S>;
  return runSlot(client, slot).catch((error: unknown) => {
    if (error instanceof WorkflowFailedError) return { asOf: due, outcome: 'failed' } as ResultOf<S>;
    throw error;
  });
}

/** The run of one slot; one that an interrupted drive left running is waited for instead of started. */
async function runSlot<S extends Schedule>(
  client: Client,
  { due, schedule: { run } }: VirtualSlot<S>,
): Promise<ResultOf<S>> {
  for (;;) {
    const result: ResultOf<S> = await client.workflow.execute(run.type, {
      workflowId: run.workflowId,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      taskQueue: TASK_QUEUE,
      args: [{ ...run.input, asOf: due, trigger: triggerOf(run) }],
      staticSummary: `${run.workflowId} as of ${new Date(due).toISOString()}`,
      typedSearchAttributes: runAttributes(run.kind, run.timeframe),
    });
    if (result.asOf === due) return result;
  }
}

/** A training is told what brought it about; a cycle, who runs it. */
function triggerOf({ type }: Schedule['run']): string {
  return type === 'cycle' ? 'virtual time' : 'schedule';
}

/** Of the newest run under this ID, awaited while it runs; null when there is none, or it failed. */
export async function newestResult(client: Client, workflowId: string): Promise<{ readonly asOf?: EpochMs } | null> {
  try {
    return (await client.workflow.getHandle(workflowId).result()) as { readonly asOf?: EpochMs };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowFailedError) return null;
    throw error;
  }
}
