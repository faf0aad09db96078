/**
 * The figures of a deployment for Prometheus: read from its state when asked, so that a restart forgets none of them.
 * Labels are bounded: timeframes of the configuration, words of fixed lists, receivers.
 */
import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { MEASURED_CYCLES, summariseRuntime } from '../../domain/runtime';
import { EVENT_TABLE, SEVERITIES } from '../../domain/event';
import { errorBudget } from '../../domain/sla';
import { PAIR_STATUSES } from '../../domain/status';
import { trainingEvery } from '../../domain/retrain';
import { closeOf, DAY, HOUR, openOf } from '../../domain/timeframe';
import type { TimeframeRules } from '../../domain/timeframe-rules';
import type { EpochMs, TimeframeId } from '../../domain/types';
import type { AlertOutbox } from '../../ports/alert-outbox';
import type { Clock } from '../../ports/clock';
import { firingNow, type FiringStores } from '../../ports/firing';
import type { FetchCounter } from '../../ports/fetch-counter';
import { COMMIT_KINDS } from '../../ports/late-commits';
import type { LateCommits } from '../../ports/late-commits';
import { forecastSince, lastTrainedAt } from '../../ports/model-registry';
import type { ModelRegistry } from '../../ports/model-registry';
import type { MonitorStore } from '../../ports/monitor-store';
import type { RunLog } from '../../ports/run-log';
import type { StorageGauge } from '../../ports/storage-gauge';

export interface DeploymentFacts extends FiringStores {
  readonly timeframes: readonly TimeframeId[];
  readonly cycleTargetMs: number;
  readonly slaObjective: number;
  readonly clock: Clock;
  readonly storage: StorageGauge;
  readonly runLog: RunLog;
  readonly monitor: MonitorStore;
  readonly outbox: AlertOutbox;
  readonly models: Pick<ModelRegistry, 'events' | 'history'>;
  rules(timeframe: TimeframeId): Pick<TimeframeRules, 'horizon'>;
  readonly lateCommits: LateCommits;
}

export interface DeploymentMetrics {
  readonly contentType: string;
  readonly fetchCounter: FetchCounter;
  text(): Promise<string>;
}

/** Runs looked through for the last working ones; most runs of a long timeframe are idle. */
const RUNS_READ = 4 * MEASURED_CYCLES;
const OUTCOMES = ['published', 'partial', 'failed', 'idle'] as const;
const TRAININGS_READ = 100;
const TRAINING_OUTCOMES = ['done', 'partial', 'failed'] as const;
const SLA_WINDOW_MS = 30 * DAY;

/** @param ofProcess also measure the process itself: once a process */
export function createDeploymentMetrics(facts: DeploymentFacts, ofProcess: boolean): DeploymentMetrics {
  const register = new Registry();
  if (ofProcess) collectDefaultMetrics({ register });
  const starts = new Counter({
    name: 'coin_predict_fetch_starts_total',
    help: 'Fetches by where they started and why.',
    labelNames: ['timeframe', 'reason'] as const,
    registers: [register],
  });
  const collectors = [cycleGauges, trainingGauges, monitorGauges, alertGauges, storageGauges, lateCommitCounter].map(
    (make) => make(register),
  );
  return {
    contentType: register.contentType,
    fetchCounter: { started: (timeframe, reason) => starts.inc({ timeframe, reason }) },
    text: async () => {
      const now = facts.clock.now();
      for (const collect of collectors) await collect(facts, now);
      return register.metrics();
    },
  };
}

type Collect = (facts: DeploymentFacts, now: EpochMs) => Promise<void>;

function gauge<L extends string>(register: Registry, name: string, help: string, labelNames: readonly L[]): Gauge<L> {
  return new Gauge({ name: `coin_predict_${name}`, help, labelNames: [...labelNames], registers: [register] });
}

/** The last 240 working cycles of each timeframe (SPEC 8); figures that can not be told yet are left out. */
function cycleGauges(register: Registry): Collect {
  const by = ['timeframe'] as const;
  const measured = gauge(register, 'cycles_measured', 'Working cycles that the figures rest on, 240 at most.', by);
  const average = gauge(register, 'cycle_seconds_average', 'Mean time of the first pass of working cycles.', by);
  const p95 = gauge(register, 'cycle_seconds_p95', 'Time that 95 % of working cycles do not exceed.', by);
  const success = gauge(register, 'cycle_success_ratio', 'Share of working cycles that published every pair.', by);
  const overrun = gauge(register, 'cycle_overrun_ratio', 'Share of working cycles longer than the budget.', by);
  const missed = gauge(
    register,
    'cycle_missed_boundaries',
    'Boundaries since the first of those cycles that are not done.',
    by,
  );
  const target = gauge(register, 'cycle_target_seconds', 'Time that a cycle may take.', []);
  const runs = gauge(register, 'cycle_runs', 'Latest runs by how they ended; idle ones had nothing to do.', [
    'timeframe',
    'outcome',
  ]);
  return async ({ timeframes, runLog, cycleTargetMs }, now) => {
    target.set(cycleTargetMs / 1000);
    for (const timeframe of timeframes) {
      const recent = await runLog.recent(timeframe, RUNS_READ);
      const ended = recent.flatMap(({ startedAt, end }) => (end === null ? [] : [{ startedAt, ...end }]));
      const summary = summariseRuntime(ended, cycleTargetMs);
      measured.set({ timeframe }, summary.cycles);
      setKnown(average, timeframe, summary.averageMs, 1000);
      setKnown(p95, timeframe, summary.p95Ms, 1000);
      setKnown(success, timeframe, summary.successRate);
      setKnown(overrun, timeframe, summary.overrunRate);
      const since = ended.at(Math.min(ended.length, MEASURED_CYCLES) - 1)?.startedAt ?? now;
      const boundaries = await runLog.boundaries(timeframe, since, now);
      missed.set({ timeframe }, boundaries.filter(({ outcome }) => outcome !== 'done').length);
      for (const outcome of OUTCOMES) {
        runs.set({ timeframe, outcome }, ended.filter((run) => run.outcome === outcome).length);
      }
    }
  };
}

/** Trainings of each timeframe that is forecast (SPEC 7); what never happened is left out. */
function trainingGauges(register: Registry): Collect {
  const by = ['timeframe'] as const;
  const success = gauge(
    register,
    'training_last_success_timestamp_seconds',
    'When the timeframe was last trained, all symbols or some.',
    by,
  );
  const since = gauge(
    register,
    'forecast_since_timestamp_seconds',
    'When the timeframe had its first champion: what was never trained is as old as that.',
    by,
  );
  const duration = gauge(register, 'training_duration_seconds', 'Time that the newest training took.', by);
  const period = gauge(
    register,
    'training_schedule_seconds',
    'Longest time between two scheduled trainings; an age over twice that is too much.',
    by,
  );
  const runs = gauge(register, 'training_runs', `The newest ${TRAININGS_READ} trainings by how they ended.`, [
    'timeframe',
    'outcome',
  ]);
  return async ({ timeframes, models, ...facts }) => {
    for (const timeframe of timeframes.filter((one) => facts.rules(one).horizon > 0)) {
      const trainings = await models.events(timeframe, { kind: 'training', limit: TRAININGS_READ });
      const milliseconds = trainings[0]?.facts.duration_ms;
      setKnown(success, timeframe, await lastTrainedAt(models, timeframe), 1000);
      setKnown(since, timeframe, await forecastSince(models, timeframe), 1000);
      setKnown(duration, timeframe, typeof milliseconds === 'number' ? milliseconds : null, 1000);
      period.set({ timeframe }, longestPeriod(trainingEvery(timeframe)) / 1000);
      for (const outcome of TRAINING_OUTCOMES) {
        runs.set({ timeframe, outcome }, trainings.filter(({ verdict }) => verdict === outcome).length);
      }
    }
  };
}

/** Months can have 31 days; January has. */
function longestPeriod(every: TimeframeId): number {
  return closeOf(every, openOf(every, 0)) - openOf(every, 0);
}

function setKnown(target: Gauge<'timeframe'>, timeframe: TimeframeId, value: number | null, divisor = 1): void {
  if (value === null) target.remove({ timeframe });
  else target.set({ timeframe }, value / divisor);
}

function monitorGauges(register: Registry): Collect {
  const pairs = gauge(register, 'monitor_pairs', 'Visible pairs as the monitor last judged them.', ['status']);
  const blocked = gauge(register, 'monitor_pairs_blocked', 'Pairs whose last export failed.', []);
  const fills = gauge(register, 'monitor_open_fills', 'Histories that are not complete yet.', []);
  const last = gauge(register, 'monitor_last_round_timestamp_seconds', 'When the monitor looked last.', []);
  return async ({ monitor }) => {
    const round = await monitor.last();
    const watches = Object.values(round?.memory.pairs ?? {});
    for (const status of PAIR_STATUSES)
      pairs.set({ status }, watches.filter((watch) => watch.status === status).length);
    blocked.set(watches.filter((watch) => watch.blocked !== null).length);
    fills.set(Object.keys(round?.memory.fills ?? {}).length);
    last.set((round?.asOf ?? 0) / 1000);
  };
}

function alertGauges(register: Registry): Collect {
  const firing = gauge(register, 'alerts_firing', 'Alerts that somebody was told of and that are not over.', [
    'severity',
  ]);
  const pending = gauge(register, 'alert_deliveries_pending', 'Messages that a receiver still waits for.', [
    'receiver',
  ]);
  const recent = gauge(register, 'events_last_hour', 'Events of the last hour by kind.', ['kind']);
  const availability = gauge(register, 'sla_availability_ratio', 'Good probes by probes, over 30 days.', []);
  const budget = gauge(register, 'sla_error_budget_remaining_ratio', 'What is left of the error budget.', []);
  return async ({ monitor, outbox, slaObjective, ...stores }, now) => {
    const last = await monitor.last();
    const alerts = await firingNow(stores, last?.memory ?? null);
    const severities = alerts.map(({ kind }) => EVENT_TABLE[kind].severity);
    for (const severity of SEVERITIES) firing.set({ severity }, severities.filter((one) => one === severity).length);
    pending.reset();
    for (const [receiver, count] of await outbox.pendingCounts()) pending.set({ receiver }, count);
    recent.reset();
    for (const { event } of await outbox.events(now - HOUR, 10_000)) recent.inc({ kind: event.kind });
    const rounds = await monitor.probes(now - SLA_WINDOW_MS, now + 1);
    const probes = rounds.reduce((sum, round) => sum + round.probes, 0);
    const good = rounds.reduce((sum, round) => sum + round.good, 0);
    const left = errorBudget({ probes, good }, slaObjective);
    if (left === null) return;
    availability.set(good / probes);
    budget.set(left.remaining);
  };
}

/** Kept in the state, so that whichever worker is asked tells all of them. */
function lateCommitCounter(register: Registry): Collect {
  const refused = new Counter({
    name: 'coin_predict_late_commits_refused_total',
    help: 'Commits of attempts that had been given up, or that another had made; each was refused.',
    labelNames: ['kind'] as const,
    registers: [register],
  });
  return async ({ lateCommits }) => {
    const counts = await lateCommits.counts();
    refused.reset();
    for (const kind of COMMIT_KINDS) refused.inc({ kind }, counts[kind]);
  };
}

function storageGauges(register: Registry): Collect {
  const used = gauge(register, 'storage_used_bytes', 'What the data takes where it lives.', []);
  const budget = gauge(register, 'storage_budget_bytes', 'What the data may take.', []);
  return async ({ storage }) => {
    const { usedBytes, budgetBytes } = await storage.measure();
    // What can not be read counts as full, here as everywhere.
    used.set(usedBytes ?? budgetBytes ?? 1);
    budget.set(budgetBytes ?? usedBytes ?? 1);
  };
}
