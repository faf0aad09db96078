/**
 * The second driver of the same pipeline: starts the workflows of the schedules in order of due time, each with its
 * time as argument, as fast as they end. Nothing waits: the cycle's own waits are off when it is told its time.
 */
import type { Client } from '@temporalio/client';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { TASK_QUEUE } from '../src/domain/names';
import type { EpochMs } from '../src/domain/types';
import type { CycleResult } from '../workflows/cycle';
import { nextDue, runAttributes } from './schedules';
import type { CycleSchedule, Schedule } from './schedules';

export interface VirtualSlot<S extends Schedule = CycleSchedule> {
  readonly due: EpochMs;
  readonly schedule: S;
}

/** Every scheduled workflow answers with the time it was told. */
type ResultOf<S extends Schedule> = S extends CycleSchedule ? CycleResult : { readonly asOf: EpochMs };

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
}

/** Every timeframe at `from`, in the order given, and then every due slot in (from, to]. */
export function* slotsFromStart<S extends Schedule>(
  schedules: readonly S[],
  from: EpochMs,
  to: EpochMs,
): Generator<VirtualSlot<S>> {
  for (const schedule of schedules) yield { due: from, schedule };
  yield* dueSlots(schedules, from, to);
}

/** Every due slot of the schedules in (from, to], in order; schedules due together run in the order given. */
export function* dueSlots<S extends Schedule>(
  schedules: readonly S[],
  from: EpochMs,
  to: EpochMs,
): Generator<VirtualSlot<S>> {
  const next = schedules.map((schedule) => ({ schedule, due: nextDue(schedule, from) }));
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
    yield { ...slot, result: await runSlot(drive.client, slot) };
  }
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
      args: [{ ...run.input, asOf: due, trigger: 'virtual time' }],
      staticSummary: `${run.workflowId} as of ${new Date(due).toISOString()}`,
      typedSearchAttributes: runAttributes(run.kind, run.timeframe),
    });
    if (result.asOf === due) return result;
  }
}
