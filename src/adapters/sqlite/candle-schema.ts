/** Tables of `candles.db`. */
import type { Migration } from './migration';

export const CANDLE_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'candles',
    statements: [
      // candle_count is kept in the transaction that changes the rows, so that an extent needs no scan.
      `CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        symbol TEXT NOT NULL,
        timeframe TEXT NOT NULL,
        candle_count INTEGER NOT NULL DEFAULT 0,
        UNIQUE (symbol, timeframe)
      ) STRICT`,
      `CREATE TABLE candle (
        series INTEGER NOT NULL REFERENCES series (id),
        open_time INTEGER NOT NULL,
        open REAL NOT NULL,
        high REAL NOT NULL,
        low REAL NOT NULL,
        close REAL NOT NULL,
        volume REAL NOT NULL,
        fetched_at INTEGER NOT NULL,
        PRIMARY KEY (series, open_time)
      ) STRICT, WITHOUT ROWID`,
    ],
  },
];
