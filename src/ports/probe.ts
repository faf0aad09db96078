import type { EpochMs } from '../domain/types';

/** What asking as a reader does gave. */
export interface ProbeResult {
  readonly probes: number;
  readonly good: number;
  /** What was wrong with the first bad one; null when none was. */
  readonly fault: string | null;
}

/** Asks the public server for what a reader asks for. */
export interface Probe {
  /**
   * Null where no public server is known. Never throws: a server that does not answer is bad. One that does not say what it
   * serves is so in all of `expected`, the probes of the round before: else a minute of failure would count for less than a
   * good one.
   */
  run(asOf: EpochMs, expected: number): Promise<ProbeResult | null>;
}
