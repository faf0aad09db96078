/** The schedules as data: what runs when, for Temporal Schedules and for the virtual-time driver alike. */
import type { ScheduleOptions } from '@temporalio/client';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import { cycleScheduleId, cycleTickWorkflowId, TASK_QUEUE } from '../src/domain/names';
import { closeOf, DAY, HOUR, MINUTE, nextBoundary, openOf } from '../src/domain/timeframe';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { KIND, TIMEFRAME } from '../workflows/search-attributes';

export interface CycleSchedule {
  readonly id: string;
  readonly timeframe: TimeframeId;
  /** Milliseconds after each boundary. */
  readonly offsetMs: number;
}

export function cycleSchedules(timeframes: readonly TimeframeId[], offsetMs: number): CycleSchedule[] {
  return timeframes.map((timeframe) => ({ id: cycleScheduleId(timeframe), timeframe, offsetMs }));
}

/** The next time this schedule is due after `t`. */
export function nextDue(schedule: CycleSchedule, t: EpochMs): EpochMs {
  const boundary = nextBoundary(schedule.timeframe, t - schedule.offsetMs);
  return boundary + schedule.offsetMs;
}

const SECOND = 1_000;

/**
 * Weeks and months are calendar entries (an interval counts from a Thursday and knows no months);
 * all shorter frames divide the day and sit on the epoch's grid.
 */
function specOf({ timeframe, offsetMs }: CycleSchedule): ScheduleOptions['spec'] {
  const atOffset = {
    hour: Math.floor(offsetMs / HOUR),
    minute: Math.floor((offsetMs % HOUR) / MINUTE),
    second: Math.floor((offsetMs % MINUTE) / SECOND),
  };
  if (timeframe === '1M') return { calendars: [{ ...atOffset, dayOfMonth: 1, comment: 'first of the month, UTC' }] };
  if (timeframe === '1w') return { calendars: [{ ...atOffset, dayOfWeek: 'MONDAY', comment: 'Mondays, UTC' }] };
  if (timeframe === '1d') return { calendars: [{ ...atOffset, comment: 'each day, UTC' }] };
  return { intervals: [{ every: shortestPeriod(timeframe), offset: offsetMs }] };
}

/** The shortest time between two boundaries: months can have 28 days. */
function shortestPeriod(timeframe: TimeframeId): number {
  if (timeframe === '1M') return 28 * DAY;
  const open = openOf(timeframe, 0);
  return closeOf(timeframe, open) - open;
}

/** Just under a period: after an outage at most the latest missed boundary runs, and brings everything up to date. */
function catchupWindow(timeframe: TimeframeId): number {
  const period = shortestPeriod(timeframe);
  return period > 10 * MINUTE ? period - MINUTE : Math.max(10 * SECOND, period - 5 * SECOND);
}

export function scheduleOptions(schedule: CycleSchedule): ScheduleOptions {
  const { timeframe } = schedule;
  return {
    scheduleId: schedule.id,
    spec: specOf(schedule),
    action: {
      type: 'startWorkflow',
      workflowType: 'cycleTick',
      workflowId: cycleTickWorkflowId(timeframe),
      taskQueue: TASK_QUEUE,
      args: [{ timeframe }],
      staticSummary: `${timeframe} boundary: starts the cycle, or asks the running one to go round again`,
      // A net, not a time limit: a wedged tick must not block every later slot for ever.
      workflowExecutionTimeout: 2 * shortestPeriod(timeframe) - MINUTE / 2,
      typedSearchAttributes: [
        { key: KIND, value: 'tick' },
        { key: TIMEFRAME, value: timeframe as string },
      ],
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchupWindow(timeframe), pauseOnFailure: false },
    state: { note: `cycle of ${timeframe}; pause it to freeze ${timeframe}` },
    memo: { owner: 'coin-predict' },
  };
}
