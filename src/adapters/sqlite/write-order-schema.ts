/** Tables of `write-order.db`. */
import type { Migration } from './migration';

export const WRITE_ORDER_MIGRATIONS: readonly Migration[] = [
  {
    version: 1,
    name: 'write order',
    statements: [
      `CREATE TABLE candle_write (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        symbol TEXT NOT NULL,
        timeframe TEXT NOT NULL,
        from_open INTEGER NOT NULL,
        to_open INTEGER NOT NULL,
        begun_at INTEGER NOT NULL,
        done INTEGER NOT NULL DEFAULT 0
      ) STRICT`,
      'CREATE INDEX candle_write_by_pair ON candle_write (symbol, timeframe, to_open)',
      'CREATE INDEX candle_write_open ON candle_write (id) WHERE done = 0',
      `CREATE TABLE candle_decision (
        symbol TEXT NOT NULL,
        timeframe TEXT NOT NULL,
        open_time INTEGER NOT NULL,
        open REAL NOT NULL,
        high REAL NOT NULL,
        low REAL NOT NULL,
        close REAL NOT NULL,
        volume REAL NOT NULL,
        fetched_at INTEGER NOT NULL,
        PRIMARY KEY (symbol, timeframe, open_time)
      ) STRICT, WITHOUT ROWID`,
    ],
  },
];
