import type { PairWatch } from '../domain/alert-transitions';
import type { Event } from '../domain/event';
import type { SlaFigures } from '../domain/sla';
import type { DiskWatch, FillWatch, ManifestWatch } from '../domain/system-watch';
import type { EpochMs } from '../domain/types';

/** What the monitor remembers between two rounds. Keys: `BTC/USDT 1h`. Plain JSON. */
export interface MonitorMemory {
  readonly pairs: Readonly<Record<string, PairWatch>>;
  readonly fills: Readonly<Record<string, FillWatch>>;
  readonly disk: DiskWatch | null;
  readonly manifest: ManifestWatch;
  /** Pairs whose status word changed in the last round, so that the published word is out of date. */
  readonly changed: readonly string[];
}

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
   * False, and nothing changed, when a round of this time or a later one stands: a late attempt counts nothing twice.
   */
  commitRound(round: MonitorRound, plan: DeliveryPlan): Promise<boolean>;
  /** One a time: repeating adds nothing. */
  recordProbes(round: ProbeRound): Promise<void>;
  probes(from: EpochMs, to: EpochMs): Promise<ProbeRound[]>;
  recordDay(day: SlaDay): Promise<void>;
  /** Newest first. */
  days(limit: number): Promise<SlaDay[]>;
  /** Removes events, messages and probes older than this. Days are kept. */
  forget(before: EpochMs): Promise<void>;
}
