/** The order of writes in a file of its own: every page of a fill goes through it, and nothing else waits for its lock. */
import { PipelineError } from '../../domain/errors';
import { HOUR } from '../../domain/timeframe';
import { aheadOf } from '../../domain/run-order';
import type { EpochMs, Pair, SlotRange } from '../../domain/types';
import type { Clock } from '../../ports/clock';
import type { DatedCandle, Judgement, WriteOrder } from '../../ports/write-order';
import { closeDatabase, guarded, immediately, openDatabase } from './database';
import type { SqliteDatabase, SqliteStatement } from './database';
import { migrate } from './migration';
import { WRITE_ORDER_MIGRATIONS } from './write-order-schema';

/** No request lives so long: a write that is open longer arrived, or never will. */
const LONGEST_WRITE_MS = HOUR;

/**
 * Opens the file at `path`, creating it and its folder when there is none.
 * @throws PipelineError `store_unavailable`, `store_corrupt`, `disk_full`, or `invalid_input` when a newer program wrote it.
 */
export async function openWriteOrder(path: string, clock: Clock): Promise<WriteOrder> {
  const database = await openDatabase(path);
  try {
    await migrate(path, database, WRITE_ORDER_MIGRATIONS);
    // A power cut ends all writers of this file with it, so an announcement need not outlast one; decisions are made to.
    database.pragma('synchronous = NORMAL');
    return new SqliteWriteOrder(path, database, clock);
  } catch (error) {
    closeDatabase(database);
    throw error;
  }
}

interface OpenWrite extends Pair, SlotRange {}

type DecisionRow = readonly [number, number, number, number, number, number, number];

class SqliteWriteOrder implements WriteOrder {
  readonly #path: string;
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  readonly #add: SqliteStatement;
  readonly #get: SqliteStatement;
  readonly #others: SqliteStatement;
  readonly #done: SqliteStatement;
  readonly #drop: SqliteStatement;
  readonly #expire: SqliteStatement;
  readonly #dropDone: SqliteStatement;
  readonly #decided: SqliteStatement;
  readonly #keep: SqliteStatement;
  readonly #forget: SqliteStatement;
  readonly #undo: SqliteStatement;

  constructor(path: string, database: SqliteDatabase, clock: Clock) {
    this.#path = path;
    this.#database = database;
    this.#clock = clock;
    const prepare = (text: string): SqliteStatement => database.prepare(text);
    this.#add = prepare(
      'INSERT INTO candle_write (symbol, timeframe, from_open, to_open, begun_at) VALUES (?, ?, ?, ?, ?) RETURNING id',
    ).raw();
    this.#get = prepare(
      'SELECT symbol, timeframe, from_open AS "from", to_open AS "to" FROM candle_write WHERE id = ?',
    );
    this.#others = prepare(
      `SELECT count(*) FROM candle_write WHERE symbol = ? AND timeframe = ? AND to_open >= ? AND from_open <= ?
       AND id <> ? AND (done = 0 OR id > ?)`,
    ).raw();
    this.#done = prepare('UPDATE candle_write SET done = 1 WHERE id = ?');
    this.#drop = prepare('DELETE FROM candle_write WHERE id = ?');
    this.#expire = prepare('DELETE FROM candle_write WHERE done = 0 AND begun_at < ?');
    // What is done matters only to writes that were open meanwhile.
    this.#dropDone = prepare(
      'DELETE FROM candle_write WHERE done = 1 AND id < (SELECT coalesce(min(id), 9e18) FROM candle_write WHERE done = 0)',
    );
    this.#decided = prepare(
      `SELECT open_time, open, high, low, close, volume, fetched_at FROM candle_decision
       WHERE symbol = ? AND timeframe = ? AND open_time >= ? AND open_time <= ?`,
    ).raw();
    this.#keep = prepare(
      `INSERT INTO candle_decision (symbol, timeframe, open_time, open, high, low, close, volume, fetched_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
         volume = excluded.volume, fetched_at = excluded.fetched_at
       WHERE excluded.fetched_at >= candle_decision.fetched_at OR candle_decision.fetched_at > ?`,
    );
    this.#undo = prepare(
      'DELETE FROM candle_decision WHERE symbol = ? AND timeframe = ? AND open_time = ? AND fetched_at = ?',
    );
    this.#forget = prepare('DELETE FROM candle_decision WHERE symbol = ? AND timeframe = ? AND open_time < ?');
  }

  async begin({ symbol, timeframe }: Pair, range: SlotRange): Promise<number> {
    return this.#transaction(() => {
      this.#expire.run([this.#clock.now() - LONGEST_WRITE_MS]);
      const rows = this.#add.all([symbol, timeframe, range.from, range.to, this.#clock.now()]) as [number][];
      return rows[0]?.[0] ?? 0;
    });
  }

  async decide<T>(
    write: number,
    judge: (known: ReadonlyMap<EpochMs, DatedCandle>, contested: boolean) => Judgement<T>,
  ): Promise<T> {
    const { result, decided } = await this.#transaction(() => {
      const open = this.#openWrite(write);
      const judgement = judge(this.#decisions(open, open), this.#isContested(write, open));
      this.#keepAll(open, judgement.decided);
      return judgement;
    });
    if (decided.length > 0) await this.#toDisk();
    return result;
  }

  async finish(write: number, written: readonly DatedCandle[], refused: readonly DatedCandle[] = []): Promise<void> {
    const contested = await this.#transaction(() => {
      const open = this.#openWrite(write);
      const met = this.#isContested(write, open);
      for (const { candle, fetchedAt } of refused)
        this.#undo.run([open.symbol, open.timeframe, candle.openTime, fetchedAt]);
      if (met) this.#keepAll(open, written);
      this.#done.run([write]);
      this.#dropDone.run([]);
      return met;
    });
    if (contested) await this.#toDisk();
  }

  async cancel(write: number): Promise<void> {
    await guarded(this.#path, () => this.#drop.run([write]));
  }

  async decided(pair: Pair, range: SlotRange): Promise<ReadonlyMap<EpochMs, DatedCandle>> {
    return guarded(this.#path, () => this.#decisions(pair, range));
  }

  async forgetBefore({ symbol, timeframe }: Pair, before: EpochMs): Promise<void> {
    await guarded(this.#path, () => this.#forget.run([symbol, timeframe, before]));
  }

  async close(): Promise<void> {
    closeDatabase(this.#database);
  }

  #transaction<T>(work: () => T): Promise<T> {
    return guarded(this.#path, () => immediately(this.#database, work));
  }

  /** What was decided outlasts a power cut from here on. */
  async #toDisk(): Promise<void> {
    await guarded(this.#path, () => this.#database.pragma('wal_checkpoint(PASSIVE)'));
  }

  /** @throws PipelineError `fenced` when it was open for so long that it was given up. */
  #openWrite(write: number): OpenWrite {
    const [row] = this.#get.all([write]) as OpenWrite[];
    if (row === undefined)
      throw new PipelineError('fenced', `write ${write} of candles took over an hour and was given up`, {
        stage: 'ingest',
      });
    return row;
  }

  #isContested(write: number, { symbol, timeframe, from, to }: OpenWrite): boolean {
    const [row] = this.#others.all([symbol, timeframe, from, to, write, write]) as [number][];
    return (row?.[0] ?? 0) > 0;
  }

  #decisions({ symbol, timeframe }: Pair, { from, to }: SlotRange): Map<EpochMs, DatedCandle> {
    const rows = this.#decided.all([symbol, timeframe, from, to]) as DecisionRow[];
    return new Map(
      rows.map(([openTime, open, high, low, close, volume, fetchedAt]) => [
        openTime,
        { candle: { openTime, open, high, low, close, volume }, fetchedAt },
      ]),
    );
  }

  #keepAll({ symbol, timeframe }: Pair, decided: readonly DatedCandle[]): void {
    const now = this.#clock.now();
    for (const { candle, fetchedAt } of decided) {
      const { openTime, open, high, low, close, volume } = candle;
      const ahead = aheadOf(fetchedAt, now);
      this.#keep.run([symbol, timeframe, openTime, open, high, low, close, volume, fetchedAt, ahead]);
    }
  }
}
