import type { EpochMs } from '../domain/types';

/** Time as a dependency. Decisions use the run's `asOf`; this is for deadlines, waits and records of when something happened. */
export interface Clock {
  now(): EpochMs;
  /** Milliseconds on a clock that never goes back; only differences mean something. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
