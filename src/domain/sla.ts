/** How well the promise to readers was kept (SPEC 8). Counts go in; a rate of nothing is null, never 0 or 1. */
import type { EpochMs } from './types';
import type { EventKind } from './event';
import { MINUTE } from './timeframe';

/** What the probes of a span of time gave. */
export interface ProbeCounts {
  readonly probes: number;
  readonly good: number;
}

/** An event as far as the figures need it. */
export interface SlaEvent {
  readonly kind: EventKind;
  readonly at: EpochMs;
  /** When the state it ends had begun. */
  readonly since: EpochMs;
  /** Status before it. */
  readonly from: string | null;
  /** What became of its message at the receivers; `logged` when there are none, which counts as told. */
  readonly delivery: 'delivered' | 'pending' | 'undeliverable' | 'logged' | 'muted';
}

export interface SlaFigures {
  readonly probes: number;
  readonly goodProbes: number;
  /** good / probes. */
  readonly availability: number | null;
  readonly unhealthyTransitions: number;
  readonly undeliveredTransitions: number;
  /** undelivered / unhealthy. */
  readonly alertMissRate: number | null;
  readonly recoveries: number;
  /** Mean minutes from the entry of `hard_stale` to its recovery. */
  readonly mttrStaleMinutes: number | null;
}

const UNHEALTHY: readonly EventKind[] = ['hard_stale', 'corrupt', 'missing', 'insufficient_data'];
/** The events that the figures are made of: reminders, of which a bad day has tens of thousands, are not among them. */
export const SLA_KINDS: readonly EventKind[] = [...UNHEALTHY, 'recovery'];

/** The figures of one span. A muted transition was held back on purpose and is not missed. */
export function slaFigures({ probes, good }: ProbeCounts, events: readonly SlaEvent[]): SlaFigures {
  const unhealthy = events.filter(({ kind }) => UNHEALTHY.includes(kind));
  const undelivered = unhealthy.filter(({ delivery }) => delivery === 'pending' || delivery === 'undeliverable');
  const repaired = events.filter(({ kind, from }) => kind === 'recovery' && from === 'hard_stale');
  const minutes = repaired.map(({ at, since }) => (at - since) / MINUTE);
  return {
    probes,
    goodProbes: good,
    availability: ratio(good, probes),
    unhealthyTransitions: unhealthy.length,
    undeliveredTransitions: undelivered.length,
    alertMissRate: ratio(undelivered.length, unhealthy.length),
    recoveries: repaired.length,
    mttrStaleMinutes: ratio(
      minutes.reduce((sum, value) => sum + value, 0),
      minutes.length,
    ),
  };
}

export interface ErrorBudget {
  readonly allowedBad: number;
  readonly bad: number;
  /** Share of the budget that is left; below 0 when it is overspent. */
  readonly remaining: number;
}

/** What the objective (0..1, share of good probes) allows, and what is left of it; null before the first probe. */
export function errorBudget({ probes, good }: ProbeCounts, objective: number): ErrorBudget | null {
  if (probes === 0) return null;
  const bad = probes - good;
  const allowedBad = (1 - objective) * probes;
  const remaining = allowedBad > 0 ? 1 - bad / allowedBad : bad === 0 ? 1 : -bad;
  return { allowedBad, bad, remaining };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
