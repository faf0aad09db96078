import type { Event } from '../domain/event';
import type { EpochMs } from '../domain/types';

/** Where every part of the program leaves what an operator must be told. The monitor makes messages of it. */
export interface EventLog {
  /** Keeps the events whose key is not known yet; durable when it returns (I50). Repeating adds nothing. */
  record(events: readonly Event[]): Promise<void>;
  /** Failures of a commit, since `from`, that no event has ended yet; oldest first. The monitor ends what it tells itself. */
  failedCommits(from: EpochMs): Promise<Event[]>;
}
