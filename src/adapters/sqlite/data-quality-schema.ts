/** Tables of what is known of the data besides the candles: changes, mismatches with the exchange, room. */
import type { Difference } from '../../domain/reconciliation';
import type { StorageLevel } from '../../domain/storage-budget';
import type { EpochMs, MarketSymbol, TimeframeId } from '../../domain/types';
import type { Migration } from './migration';

export interface ChangedCandlesTable {
  symbol: MarketSymbol;
  timeframe: TimeframeId;
  from_open: EpochMs;
  to_open: EpochMs;
  version: number;
  /** 0: all that rests on them was made anew. The row stays, so that versions never start again. */
  pending: number;
}

export interface MismatchTable {
  symbol: MarketSymbol;
  timeframe: TimeframeId;
  open_time: EpochMs;
  kind: Difference['kind'];
  times: number;
  first_at: EpochMs;
  last_at: EpochMs;
}

export interface StorageSampleTable {
  /** Hours since the epoch. */
  hour: number;
  at: EpochMs;
  level: StorageLevel;
  used_bytes: number | null;
  budget_bytes: number | null;
}

export interface StorageLevelTable {
  at: EpochMs;
  level: StorageLevel;
  used_bytes: number | null;
  budget_bytes: number | null;
}

/** The symbols that discovery follows. */
export interface ChosenSymbolTable {
  symbol: MarketSymbol;
  since: EpochMs;
  misses: number;
  rank: number;
}

export interface DataQualitySchema {
  changed_candles: ChangedCandlesTable;
  mismatch: MismatchTable;
  storage_sample: StorageSampleTable;
  storage_level: StorageLevelTable;
  chosen_symbol: ChosenSymbolTable;
}

export const DATA_QUALITY_MIGRATION: Migration = {
  version: 5,
  name: 'data quality',
  statements: [
    `CREATE TABLE changed_candles (
      symbol TEXT NOT NULL, timeframe TEXT NOT NULL, from_open INTEGER NOT NULL, to_open INTEGER NOT NULL,
      version INTEGER NOT NULL, pending INTEGER NOT NULL, PRIMARY KEY (symbol, timeframe)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE mismatch (
      symbol TEXT NOT NULL, timeframe TEXT NOT NULL, open_time INTEGER NOT NULL, kind TEXT NOT NULL,
      times INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
      PRIMARY KEY (symbol, timeframe, open_time)
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE storage_sample (
      hour INTEGER PRIMARY KEY, at INTEGER NOT NULL, level TEXT NOT NULL, used_bytes INTEGER, budget_bytes INTEGER
    ) STRICT`,
    `CREATE TABLE storage_level (
      at INTEGER PRIMARY KEY, level TEXT NOT NULL, used_bytes INTEGER, budget_bytes INTEGER
    ) STRICT`,
    `CREATE TABLE chosen_symbol (
      symbol TEXT PRIMARY KEY, since INTEGER NOT NULL, misses INTEGER NOT NULL, rank INTEGER NOT NULL
    ) STRICT`,
  ],
};
