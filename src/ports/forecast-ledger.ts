import type { QuantileForecast } from '../domain/quantiles';
import type { StepScore } from '../domain/scores';
import type { EpochMs, Pair } from '../domain/types';

export type ForecastRole = 'champion' | 'shadow' | 'naive';

export interface ForecastRecord {
  readonly pair: Pair;
  readonly role: ForecastRole;
  /** The run's fixed `asOf`. */
  readonly issuedAt: EpochMs;
  /** Close of the last candle it rests on. */
  readonly dataThrough: EpochMs;
  readonly modelVersion: string;
  readonly family: string;
  /** Close of the last candle it rests on, in the quote currency. */
  readonly lastClose: number;
  readonly quantiles: QuantileForecast;
}

/** How one step of one forecast did; at most one a forecast and step. */
export interface ForecastScore extends StepScore {
  readonly pair: Pair;
  readonly role: ForecastRole;
  readonly modelVersion: string;
  readonly dataThrough: EpochMs;
}

/** Every forecast ever issued, and how it did. */
export interface ForecastLedger {
  /** One row a forecast, keyed by pair, role, data_through, model version and issued_at: repeating adds nothing. */
  append(records: readonly ForecastRecord[]): Promise<void>;
  latest(pair: Pair, role: ForecastRole): Promise<ForecastRecord | null>;
  /** First-issued forecasts with data through in [from, to], ascending. */
  list(pair: Pair, role: ForecastRole, from: EpochMs, to: EpochMs): Promise<ForecastRecord[]>;
  /**
   * First-issued forecasts that still have an unscored step whose target closes at or before `asOf`. A step whose target is
   * said to be empty has nothing to wait for as long as that is said.
   */
  unscored(pair: Pair, asOf: EpochMs, isEmpty?: (close: EpochMs) => boolean): Promise<ForecastRecord[]>;
  recordScores(scores: readonly ForecastScore[]): Promise<void>;
  scores(pair: Pair, role: ForecastRole, from: EpochMs, to: EpochMs): Promise<ForecastScore[]>;
}
