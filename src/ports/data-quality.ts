import type { Difference, MismatchSeverity } from '../domain/reconciliation';
import type { StorageLevel } from '../domain/storage-budget';
import type { EpochMs, Pair, SlotRange } from '../domain/types';

/** A slot in which the exchange had another candle than the store. */
export interface Mismatch {
  readonly openTime: EpochMs;
  readonly kind: Difference['kind'];
  readonly severity: MismatchSeverity;
  /** Comparisons running that found it so; 0 once one has found both sides equal again. */
  readonly times: number;
  readonly firstAt: EpochMs;
  readonly lastAt: EpochMs;
}

/** Stored candles that changed after documents or scores may have been made from them. */
export interface ChangedCandles extends SlotRange {
  /** Grows with each change; {@link DataQualityStore.settleChanges} takes the one that was read. */
  readonly version: number;
}

/** How full the storage was at a moment; `usedBytes` is null when it could not be read. */
export interface StorageSample {
  readonly at: EpochMs;
  readonly level: StorageLevel;
  readonly usedBytes: number | null;
  readonly budgetBytes: number | null;
}

/** What is known of the data besides the candles themselves: changes, mismatches, room. */
export interface DataQualityStore {
  /** Candles of these slots have other values than before, or were filled in between stored ones. */
  markChanged(pair: Pair, range: SlotRange): Promise<void>;
  /** The range that holds all changes not yet settled, or null. */
  changed(pair: Pair): Promise<ChangedCandles | null>;
  /** All that rests on the changed candles was made anew; a change that came after `version` was read stays. */
  settleChanges(pair: Pair, version: number): Promise<void>;
  /**
   * The slots of `range` were compared with the exchange at `at`, and `differences` were found. What was a mismatch before
   * and is none now has ended. Telling the same comparison again changes nothing.
   */
  recordComparison(
    pair: Pair,
    range: SlotRange,
    differences: readonly Pick<Mismatch, 'openTime' | 'kind'>[],
    at: EpochMs,
  ): Promise<void>;
  /** Ascending by open time. */
  mismatches(pair: Pair): Promise<Mismatch[]>;
  /** Keeps one sample an hour, the newest of it, for a year; true when its level is another than the one before it. */
  recordStorage(sample: StorageSample): Promise<boolean>;
  /** Samples taken at or after `from`, ascending. */
  storageSamples(from: EpochMs): Promise<StorageSample[]>;
  /** The samples at which the level changed, newest first. */
  storageLevelChanges(limit: number): Promise<StorageSample[]>;
}
