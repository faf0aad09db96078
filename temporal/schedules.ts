/** The schedules as data: what runs when, for Temporal Schedules and for the virtual-time driver alike. */
import type { ScheduleOptions } from '@temporalio/client';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { Config } from '../src/config/config';
import {
  cycleScheduleId,
  cycleWorkflowId,
  MODEL_REPORT,
  RECONCILE_DAILY,
  RECONCILE_WEEKLY,
  RETENTION,
  SYMBOLS_DAILY,
  MONITOR,
  SLA_DAILY,
  TASK_QUEUE,
  tickWorkflowId,
  trainingId,
} from '../src/domain/names';
import { trainingEvery } from '../src/domain/retrain';
import { closeOf, DAY, HOUR, MINUTE, nextBoundary, openOf, parseTimeframe } from '../src/domain/timeframe';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { KIND, TIMEFRAME } from '../workflows/search-attributes';

const SECOND = 1_000;

/** Brings about one run of a workflow, some time after each boundary. */
export interface Schedule {
  readonly id: string;
  /** Due after each boundary of this timeframe: `1h` is hourly, `1w` on Mondays, `1M` on the first. */
  readonly every: TimeframeId;
  /** Milliseconds after each boundary. */
  readonly offsetMs: number;
  readonly run: ScheduledRun;
}

/** The workflow that does the work, under the fixed ID that is its lock, whoever starts it. */
export interface ScheduledRun {
  readonly type: string;
  readonly workflowId: string;
  /** Its one argument. The virtual-time driver adds `asOf`. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Search attributes. */
  readonly kind: string;
  readonly timeframe: TimeframeId | null;
  /** What the Web UI shows of the run. */
  readonly summary: string;
  /** What the Web UI shows of the schedule. */
  readonly note: string;
}

export type CycleSchedule = Schedule & { readonly run: { readonly timeframe: TimeframeId } };

/** What decides the schedules of a deployment. */
export type ScheduleSettings = Pick<Config, 'timeframes' | 'scheduleOffsetMs' | 'rules'>;

/** Every schedule of a deployment: the cycles, then the housekeeping. */
export function deploymentSchedules(settings: ScheduleSettings): Schedule[] {
  return [
    ...cycleSchedules(settings.timeframes, settings.scheduleOffsetMs),
    RETENTION_SCHEDULE,
    ...settings.timeframes.filter((timeframe) => settings.rules(timeframe).horizon > 0).map(trainingSchedule),
    MODEL_REPORT_SCHEDULE,
    SYMBOLS_SCHEDULE,
    reconcileSchedule(RECONCILE_DAILY, '1d', 20 * MINUTE, 1),
    reconcileSchedule(RECONCILE_WEEKLY, '1w', 2 * HOUR, 90),
    MONITOR_SCHEDULE,
    SLA_DAILY_SCHEDULE,
  ];
}

export function cycleSchedules(timeframes: readonly TimeframeId[], offsetMs: number): CycleSchedule[] {
  return timeframes.map((timeframe) => ({
    id: cycleScheduleId(timeframe),
    every: timeframe,
    offsetMs,
    run: {
      type: 'cycle',
      workflowId: cycleWorkflowId(timeframe),
      input: { timeframe },
      kind: 'cycle',
      timeframe,
      summary: `${timeframe}: fetch, write, repair, gate, forecast, export, manifest`,
      note: `cycle of ${timeframe}; pause it to freeze ${timeframe}`,
    },
  }));
}

const RETENTION_SCHEDULE: Schedule = {
  id: RETENTION,
  every: parseTimeframe('1h'),
  offsetMs: 10 * MINUTE,
  run: {
    type: 'retention',
    workflowId: RETENTION,
    input: {},
    kind: 'retention',
    timeframe: null,
    summary: 'removes candles of timeframes that are kept for a limited time',
    note: 'hourly; paused, 1m candles are kept until it goes on',
  },
};

/** The candles of the day are there by then. */
const TRAINING_OFFSET_MS = 35 * MINUTE;

function trainingSchedule(timeframe: TimeframeId): Schedule {
  return {
    id: trainingId(timeframe),
    every: trainingEvery(timeframe),
    offsetMs: TRAINING_OFFSET_MS,
    run: {
      type: 'train',
      workflowId: trainingId(timeframe),
      input: { timeframe },
      kind: 'train',
      timeframe,
      summary: `${timeframe}: snapshots, search over recipes, fits, registration as shadow`,
      note: `training of ${timeframe}; paused, no new model of it is made`,
    },
  };
}

/** After the trainings have begun and the night's targets are scored. */
const MODEL_REPORT_SCHEDULE: Schedule = {
  id: MODEL_REPORT,
  every: parseTimeframe('1d'),
  offsetMs: HOUR + 20 * MINUTE,
  run: {
    type: 'reportModels',
    workflowId: MODEL_REPORT,
    input: {},
    kind: 'report',
    timeframe: null,
    summary: 'champion, shadow and naive of every timeframe, and what follows',
    note: 'daily; paused, no model is promoted, replaced or found to drift automatically',
  },
};

const SYMBOLS_SCHEDULE: Schedule = {
  id: SYMBOLS_DAILY,
  every: parseTimeframe('1d'),
  offsetMs: 40 * MINUTE,
  run: {
    type: 'reviewSymbols',
    workflowId: SYMBOLS_DAILY,
    input: {},
    kind: 'symbols',
    timeframe: null,
    summary: 'looks at the symbols: discovers, checks new ones and those in quarantine',
    note: 'daily; paused, no symbol joins, leaves or gets out of quarantine',
  },
};

/** At a quiet time: no cycle but the shortest is due for a while. */
function reconcileSchedule(id: string, every: string, offsetMs: number, days: number): Schedule {
  return {
    id,
    every: parseTimeframe(every),
    offsetMs,
    run: {
      type: 'reconcile',
      workflowId: id,
      input: { days },
      kind: 'reconcile',
      timeframe: null,
      summary: `compares ${days === 1 ? 'the last 24 hours' : `the last ${days} days`} with the exchange and stores what it says`,
      note: `${every === '1d' ? 'daily' : 'weekly'}; paused, candles that the exchange changed later stay as they were`,
    },
  };
}
/** Half a minute after the boundary, when a cycle that is quick has published. */
export const MONITOR_SCHEDULE: Schedule = {
  id: MONITOR,
  every: parseTimeframe('1m'),
  offsetMs: 30 * SECOND,
  run: {
    type: 'monitor',
    workflowId: MONITOR,
    input: {},
    kind: 'monitor',
    timeframe: null,
    summary: 'judges all pairs, tells what changed, probes, sends the heartbeat',
    note: 'every minute; paused, nobody is told of trouble and the heartbeat stops',
  },
};
const SLA_DAILY_SCHEDULE: Schedule = {
  id: SLA_DAILY,
  every: parseTimeframe('1d'),
  offsetMs: 5 * MINUTE,
  run: {
    type: 'slaDaily',
    workflowId: SLA_DAILY,
    input: {},
    kind: 'sla',
    timeframe: null,
    summary: 'keeps the figures of the day before',
    note: 'daily; paused, days without figures stay without',
  },
};

/** The next time this schedule is due after `t`. */
export function nextDue(schedule: Schedule, t: EpochMs): EpochMs {
  const boundary = nextBoundary(schedule.every, t - schedule.offsetMs);
  return boundary + schedule.offsetMs;
}

/**
 * Weeks and months are calendar entries (an interval counts from a Thursday and knows no months);
 * all shorter frames divide the day and sit on the epoch's grid.
 */
function specOf({ every, offsetMs }: Schedule): ScheduleOptions['spec'] {
  const atOffset = {
    hour: Math.floor(offsetMs / HOUR),
    minute: Math.floor((offsetMs % HOUR) / MINUTE),
    second: Math.floor((offsetMs % MINUTE) / SECOND),
  };
  if (every === '1M') return { calendars: [{ ...atOffset, dayOfMonth: 1, comment: 'first of the month, UTC' }] };
  if (every === '1w') return { calendars: [{ ...atOffset, dayOfWeek: 'MONDAY', comment: 'Mondays, UTC' }] };
  if (every === '1d') return { calendars: [{ ...atOffset, comment: 'each day, UTC' }] };
  return { intervals: [{ every: shortestPeriod(every), offset: offsetMs }] };
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

/** A schedule's workflow ID ends with a time, so it starts a tick, which starts the run under its fixed ID. */
function tickOf(run: ScheduledRun): { readonly type: string; readonly input: object; readonly summary: string } {
  if (run.type === 'cycle')
    return {
      type: 'cycleTick',
      input: run.input,
      summary: `${run.timeframe} boundary: starts the cycle, or asks the running one to go round again`,
    };
  const { type, workflowId, input, kind, summary } = run;
  return { type: 'tick', input: { type, workflowId, input, kind, summary }, summary: `starts ${workflowId}` };
}

export function scheduleOptions(schedule: Schedule): ScheduleOptions {
  const { id, every, run } = schedule;
  const tick = tickOf(run);
  return {
    scheduleId: id,
    spec: specOf(schedule),
    action: {
      type: 'startWorkflow',
      workflowType: tick.type,
      workflowId: tickWorkflowId(id),
      taskQueue: TASK_QUEUE,
      args: [tick.input],
      staticSummary: tick.summary,
      // A net, not a time limit: a wedged tick must not block every later slot for ever.
      workflowExecutionTimeout: 2 * shortestPeriod(every) - MINUTE / 2,
      typedSearchAttributes: runAttributes('tick', run.timeframe),
    },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchupWindow(every), pauseOnFailure: false },
    state: { note: run.note },
    memo: { owner: 'coin-predict' },
  };
}

/** Search attributes of a run. */
export function runAttributes(kind: string, timeframe: TimeframeId | null) {
  return [{ key: KIND, value: kind }, ...(timeframe === null ? [] : [{ key: TIMEFRAME, value: timeframe as string }])];
}
