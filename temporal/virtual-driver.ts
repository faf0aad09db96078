/**
 * The second driver of the same pipeline: starts the workflows of the schedules in order of due time, each with its
 * time as argument, as fast as they end. Nothing waits: the cycle's own waits are off when it is told its time.
 */
import type { Client } from '@temporalio/client';
import { cycleWorkflowId, TASK_QUEUE } from '../src/domain/names';
import type { EpochMs } from '../src/domain/types';
import type { CycleResult } from '../workflows/cycle';
import { KIND, TIMEFRAME } from '../workflows/search-attributes';
import { nextDue } from './schedules';
import type { CycleSchedule } from './schedules';

export interface VirtualRun {
  readonly due: EpochMs;
  readonly schedule: CycleSchedule;
  readonly result: CycleResult;
}

export interface VirtualDrive {
  readonly client: Client;
  readonly schedules: readonly CycleSchedule[];
  /** Slots due in (from, to] are run. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Awaited before each run: moves a market's clock, for example. */
  readonly onDue?: (due: EpochMs) => Promise<void>;
}

/** Every due slot of the schedules in (from, to], in order; schedules due together run in the order given. */
export function* dueSlots(
  schedules: readonly CycleSchedule[],
  from: EpochMs,
  to: EpochMs,
): Generator<{ readonly due: EpochMs; readonly schedule: CycleSchedule }> {
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

export async function* driveVirtually(drive: VirtualDrive): AsyncGenerator<VirtualRun> {
  for (const { due, schedule } of dueSlots(drive.schedules, drive.from, drive.to)) {
    await drive.onDue?.(due);
    const { timeframe } = schedule;
    const result: CycleResult = await drive.client.workflow.execute('cycle', {
      workflowId: cycleWorkflowId(timeframe),
      taskQueue: TASK_QUEUE,
      args: [{ timeframe, asOf: due, trigger: 'virtual time' }],
      staticSummary: `${timeframe} as of ${new Date(due).toISOString()}`,
      typedSearchAttributes: [
        { key: KIND, value: 'cycle' },
        { key: TIMEFRAME, value: timeframe as string },
      ],
    });
    yield { due, schedule, result };
  }
}
