/** The statements of the candle store, prepared once: they are the hot path. Every row comes back as an array of numbers. */
import type { Candle, EpochMs, Pair } from '../../domain/types';
import type { SqliteDatabase, SqliteStatement } from './database';

const CANDLE_COLUMNS = 'open_time, open, high, low, close, volume, fetched_at';

export interface StoredCandle {
  readonly candle: Candle;
  readonly fetchedAt: EpochMs;
}

export interface SeriesRow {
  readonly id: number;
  readonly count: number;
}

export class CandleStatements {
  readonly #seriesOf: SqliteStatement;
  readonly #addSeries: SqliteStatement;
  readonly #addToCount: SqliteStatement;
  readonly #insert: SqliteStatement;
  readonly #select: SqliteStatement;
  readonly #update: SqliteStatement;
  readonly #read: SqliteStatement;
  readonly #last: SqliteStatement;
  readonly #ends: SqliteStatement;
  readonly #count: SqliteStatement;
  readonly #openTimes: SqliteStatement;
  readonly #deleteBefore: SqliteStatement;
  readonly #freeBytes: SqliteStatement;

  constructor(database: SqliteDatabase) {
    const rows = (text: string): SqliteStatement => database.prepare(text).raw();
    const range = 'series = ? AND open_time >= ? AND open_time <= ?';
    this.#seriesOf = rows('SELECT id, candle_count FROM series WHERE symbol = ? AND timeframe = ?');
    this.#addSeries = database.prepare('INSERT INTO series (symbol, timeframe) VALUES (?, ?) ON CONFLICT DO NOTHING');
    this.#addToCount = database.prepare('UPDATE series SET candle_count = candle_count + ? WHERE id = ?');
    this.#insert = database.prepare(
      `INSERT INTO candle (${CANDLE_COLUMNS}, series) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    );
    this.#select = rows(`SELECT ${CANDLE_COLUMNS} FROM candle WHERE series = ? AND open_time = ?`);
    this.#update = database.prepare(
      `UPDATE candle SET open = ?, high = ?, low = ?, close = ?, volume = ?, fetched_at = ?
       WHERE series = ? AND open_time = ?`,
    );
    this.#read = rows(`SELECT ${CANDLE_COLUMNS} FROM candle WHERE ${range} ORDER BY open_time LIMIT ?`);
    this.#last = rows(
      `SELECT ${CANDLE_COLUMNS} FROM candle WHERE series = ? AND open_time <= ? ORDER BY open_time DESC LIMIT ?`,
    );
    this.#ends = rows(
      `SELECT (SELECT min(open_time) FROM candle WHERE series = ?1), (SELECT max(open_time) FROM candle WHERE series = ?1)`,
    );
    this.#count = rows(`SELECT count(*) FROM candle WHERE ${range}`);
    this.#openTimes = rows(`SELECT open_time FROM candle WHERE ${range} ORDER BY open_time`);
    this.#deleteBefore = database.prepare('DELETE FROM candle WHERE series = ? AND open_time < ?');
    this.#freeBytes = rows('SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size');
  }

  series(pair: Pair): SeriesRow | null {
    const [row] = this.#seriesOf.all([pair.symbol, pair.timeframe]) as [number, number][];
    return row === undefined ? null : { id: row[0], count: row[1] };
  }

  addSeries(pair: Pair): void {
    this.#addSeries.run([pair.symbol, pair.timeframe]);
  }

  addToCount(series: number, difference: number): void {
    this.#addToCount.run([difference, series]);
  }

  /** False when the slot holds a candle already. */
  insert(series: number, candle: Candle, fetchedAt: EpochMs): boolean {
    const { openTime, open, high, low, close, volume } = candle;
    return this.#insert.run([openTime, open, high, low, close, volume, fetchedAt, series]).changes === 1;
  }

  stored(series: number, openTime: EpochMs): StoredCandle | null {
    const [row] = this.#select.all([series, openTime]) as CandleRow[];
    return row === undefined ? null : { candle: toCandle(row), fetchedAt: row[6] };
  }

  replace(series: number, candle: Candle, fetchedAt: EpochMs): void {
    const { openTime, open, high, low, close, volume } = candle;
    this.#update.run([open, high, low, close, volume, fetchedAt, series, openTime]);
  }

  read(series: number, from: EpochMs, to: EpochMs, limit: number): Candle[] {
    return (this.#read.all([series, from, to, limit]) as CandleRow[]).map(toCandle);
  }

  /** All of the range, each with the time it was fetched. */
  dated(series: number, from: EpochMs, to: EpochMs): StoredCandle[] {
    const rows = this.#read.all([series, from, to, -1]) as CandleRow[];
    return rows.map((row) => ({ candle: toCandle(row), fetchedAt: row[6] }));
  }

  /** Newest first. */
  last(series: number, to: EpochMs, limit: number): Candle[] {
    return (this.#last.all([series, to, limit]) as CandleRow[]).map(toCandle);
  }

  ends(series: number): { readonly first: EpochMs; readonly last: EpochMs } | null {
    const [row] = this.#ends.all([series]) as [number | null, number | null][];
    const [first, last] = row ?? [null, null];
    return first === null || last === null ? null : { first, last };
  }

  count(series: number, from: EpochMs, to: EpochMs): number {
    const [row] = this.#count.all([series, from, to]) as [number][];
    return row?.[0] ?? 0;
  }

  openTimes(series: number, from: EpochMs, to: EpochMs): EpochMs[] {
    return (this.#openTimes.all([series, from, to]) as [number][]).map(([openTime]) => openTime);
  }

  deleteBefore(series: number, before: EpochMs): number {
    return this.#deleteBefore.run([series, before]).changes;
  }

  /** Of pages that hold nothing any more. */
  freeBytes(): number {
    const [row] = this.#freeBytes.all() as [number][];
    return row?.[0] ?? 0;
  }
}

/** Open time, open, high, low, close, volume, time of fetching. */
type CandleRow = readonly [number, number, number, number, number, number, number];

function toCandle(row: CandleRow): Candle {
  return { openTime: row[0], open: row[1], high: row[2], low: row[3], close: row[4], volume: row[5] };
}
