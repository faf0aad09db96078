import type { Event } from '../domain/event';
import type { MonitorMemory } from '../domain/monitor-memory';
import type { SlaFigures } from '../domain/sla';
import type { EpochMs } from '../domain/types';

export interface MonitorRound {
  readonly asOf: EpochMs;
  readonly memory: MonitorMemory;
  readonly events: readonly Event[];
}

/** Messages are made for these receivers, at most so many a minute. */
export interface DeliveryPlan {
  readonly receivers: readonly string[];
  readonly perMinute: number;
}

export interface ProbeRound {
  readonly at: EpochMs;
  readonly probes: number;
  readonly good: number;
  /** What was wrong with the first bad one; null when none was. */
  readonly fault: string | null;
}

export interface SlaDay {
  /** `2024-01-31`, UTC. */
  readonly day: string;
  readonly figures: SlaFigures;
}

export interface MonitorStore {
  /** The last round that was committed, or null before the first. */
  last(): Promise<{ readonly asOf: EpochMs; readonly memory: MonitorMemory } | null>;
  /**
   * One transaction: the memory, the events and the messages that tell of all events which have none yet (I50).
   * False, and nothing changed, when a round of this time or a later one stands: a late attempt counts nothing twice. One
   * that `isAhead` does not stand; `now` is the caller's clock, absent when no clock was ever ahead.
   */
  commitRound(round: MonitorRound, plan: DeliveryPlan, now?: EpochMs): Promise<boolean>;
  /** The words of the round of `asOf` are published: what had changed in it is no longer remembered. */
  settleChanged(asOf: EpochMs): Promise<void>;
  /** One a time: repeating adds nothing. */
  recordProbes(round: ProbeRound): Promise<void>;
  probes(from: EpochMs, to: EpochMs): Promise<ProbeRound[]>;
  /** The newest one earlier than `before`. */
  lastProbes(before: EpochMs): Promise<ProbeRound | null>;
  recordDay(day: SlaDay): Promise<void>;
  /** Newest first. */
  days(limit: number): Promise<SlaDay[]>;
  /** Removes events, messages and probes older than this, but not what began these alerts, which fire. Days are kept. */
  forget(before: EpochMs, firing: readonly string[]): Promise<void>;
}
