/** The candle store in one SQLite file: the embedded default. */
import { statSync } from 'node:fs';
import { sameValues } from '../../domain/candle';
import { mergeRanges } from '../../domain/coverage';
import { isOutdated } from '../../domain/run-order';
import { countSlots } from '../../domain/timeframe';
import type { Candle, EpochMs, Pair, SlotRange, TimeframeId } from '../../domain/types';
import type {
  BeforeChange,
  CandleStore,
  Extent,
  PlannedChange,
  ReadRange,
  Revision,
  WriteOutcome,
} from '../../ports/candle-store';
import { systemClock } from '../../ports/clock';
import type { Clock } from '../../ports/clock';
import { holesByBlocks } from './candle-holes';
import { CANDLE_MIGRATIONS } from './candle-schema';
import { CandleStatements } from './candle-statements';
import { closeDatabase, guarded, immediately, openDatabase } from './database';
import type { SqliteDatabase } from './database';
import { migrate } from './migration';
import { plannedChange } from './planned-change';
import { refuseUnstorable } from './storable';

const DEFAULT_READ_LIMIT = 10_000;
const EARLIEST = Number.MIN_SAFE_INTEGER;
const LATEST = Number.MAX_SAFE_INTEGER;

/**
 * Opens the candle database at `path`, creating it and its folder when there is none.
 * @throws PipelineError `store_unavailable`, `store_corrupt`, `disk_full`, or `invalid_input` when a newer program wrote it.
 */
export async function openCandleStore(path: string, clock: Pick<Clock, 'now'> = systemClock): Promise<CandleStore> {
  const database = await openDatabase(path);
  try {
    await migrate(path, database, CANDLE_MIGRATIONS);
    return await guarded(path, () => new SqliteCandleStore(path, database, clock));
  } catch (error) {
    closeDatabase(database);
    throw error;
  }
}

/** Open times of the first and the last stored candle. */
interface Ends {
  readonly first: EpochMs;
  readonly last: EpochMs;
}

interface KnownHoles extends Ends {
  readonly count: number;
  readonly holes: readonly SlotRange[];
}

class SqliteCandleStore implements CandleStore {
  readonly #path: string;
  readonly #database: SqliteDatabase;
  readonly #statements: CandleStatements;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #knownHoles = new Map<number, KnownHoles>();

  constructor(path: string, database: SqliteDatabase, clock: Pick<Clock, 'now'>) {
    this.#path = path;
    this.#clock = clock;
    this.#database = database;
    this.#statements = new CandleStatements(database);
  }

  async write(
    pair: Pair,
    candles: readonly Candle[],
    fetchedAt: EpochMs,
    before: BeforeChange = async () => {},
  ): Promise<WriteOutcome> {
    refuseUnstorable(pair, candles, fetchedAt);
    if (candles.length === 0) return { inserted: 0, unchanged: 0, revisions: [], outdated: 0, refused: [] };
    const change = await guarded(this.#path, () => this.#planned(pair, candles, fetchedAt));
    if (change !== null) await before(change);
    return guarded(this.#path, () => immediately(this.#database, () => this.#writeAll(pair, candles, fetchedAt)));
  }

  #planned(pair: Pair, candles: readonly Candle[], fetchedAt: EpochMs): PlannedChange | null {
    const statements = this.#statements;
    const series = statements.series(pair)?.id;
    const newest = series === undefined ? null : (statements.ends(series)?.last ?? null);
    const opens = candles.map(({ openTime }) => openTime).toSorted((a, b) => a - b);
    const [first = 0, last = 0] = [opens[0], opens.at(-1)];
    if (series === undefined || newest === null || newest < first) return null;
    const stored = new Map(statements.dated(series, first, last).map((row) => [row.candle.openTime, row]));
    return plannedChange(stored, candles, fetchedAt, newest > last, this.#clock.now());
  }

  #writeAll(pair: Pair, candles: readonly Candle[], fetchedAt: EpochMs): WriteOutcome {
    const statements = this.#statements;
    statements.addSeries(pair);
    const series = statements.series(pair)?.id ?? 0;
    const now = this.#clock.now();
    const revisions: Revision[] = [];
    let [inserted, unchanged, outdated] = [0, 0, 0];
    for (const candle of candles) {
      if (statements.insert(series, candle, fetchedAt)) {
        inserted += 1;
        continue;
      }
      const stored = statements.stored(series, candle.openTime);
      if (stored === null) throw new Error('a candle vanished inside a transaction');
      const same = sameValues(stored.candle, candle);
      const late = isOutdated(fetchedAt, stored.fetchedAt, now);
      // The time of fetching moves on even when the values do not, or an older answer could still replace them.
      if (!late && !(same && fetchedAt === stored.fetchedAt)) statements.replace(series, candle, fetchedAt);
      if (same) unchanged += 1;
      else if (late) outdated += 1;
      else revisions.push({ before: stored.candle, after: candle });
    }
    statements.addToCount(series, inserted);
    return { inserted, unchanged, revisions, outdated, refused: [] };
  }

  async read(pair: Pair, range: ReadRange): Promise<Candle[]> {
    return this.#ofSeries(pair, [], (series) => {
      const limit = wholeNumber(range.limit ?? DEFAULT_READ_LIMIT);
      return this.#statements.read(series, range.from ?? EARLIEST, range.to ?? LATEST, limit);
    });
  }

  async last(pair: Pair, count: number, to: EpochMs = LATEST): Promise<Candle[]> {
    return this.#ofSeries(pair, [], (series) => this.#statements.last(series, to, wholeNumber(count)).reverse());
  }

  async extent(pair: Pair): Promise<Extent | null> {
    return this.#ofSeries<Extent | null>(pair, null, (series, count) => {
      const ends = this.#statements.ends(series);
      return ends === null ? null : { ...ends, count };
    });
  }

  async count(pair: Pair, range: SlotRange): Promise<number> {
    return this.#ofSeries(pair, 0, (series, count) => {
      const ends = this.#statements.ends(series);
      if (ends === null || (range.from <= ends.first && range.to >= ends.last)) return count;
      return this.#statements.count(series, range.from, range.to);
    });
  }

  async holes(pair: Pair, range?: SlotRange): Promise<SlotRange[]> {
    const { timeframe } = pair;
    const nothingStored = range === undefined ? [] : mergeRanges(timeframe, [range]);
    return this.#ofSeries(pair, nothingStored, (series, count) => {
      const ends = this.#statements.ends(series);
      if (ends === null) return nothingStored;
      const extent = { from: ends.first, to: ends.last };
      if (range !== undefined) return this.#search(timeframe, series, ends, range);
      if (countSlots(timeframe, extent) === count) return [];
      const known = this.#stillKnown(series, ends, count);
      const holes =
        known === null
          ? this.#search(timeframe, series, ends, extent)
          : mergeRanges(timeframe, [
              ...known.holes,
              ...this.#search(timeframe, series, ends, { from: known.last, to: ends.last }),
            ]);
      this.#knownHoles.set(series, { ...ends, count, holes });
      return [...holes];
    });
  }

  #search(timeframe: TimeframeId, series: number, ends: Ends, range: SlotRange): SlotRange[] {
    return holesByBlocks(timeframe, range, {
      ...ends,
      count: ({ from, to }) => this.#statements.count(series, from, to),
      openTimes: ({ from, to }) => this.#statements.openTimes(series, from, to),
    });
  }

  /**
   * What the last search found, when nothing can have changed before its end: candles are only ever added, or deleted
   * from the front, so the same start and as many candles up to there mean the same holes.
   */
  #stillKnown(series: number, ends: Ends, count: number): KnownHoles | null {
    const known = this.#knownHoles.get(series);
    if (known === undefined || known.first !== ends.first) return null;
    const added = ends.last > known.last ? this.#statements.count(series, known.last + 1, ends.last) : 0;
    return known.count + added === count ? known : null;
  }

  async deleteBefore(pair: Pair, before: EpochMs): Promise<number> {
    return guarded(this.#path, () =>
      immediately(this.#database, () => {
        const series = this.#statements.series(pair)?.id;
        if (series === undefined) return 0;
        const deleted = this.#statements.deleteBefore(series, before);
        this.#statements.addToCount(series, -deleted);
        return deleted;
      }),
    );
  }

  async pairs(): Promise<Pair[]> {
    const text = 'SELECT symbol, timeframe FROM series WHERE candle_count > 0 ORDER BY symbol, timeframe';
    return guarded(this.#path, () => this.#database.prepare(text).all() as Pair[]);
  }

  /** The file never gets shorter: pages that deleted candles left are written again before it grows, so they are room. */
  async sizeBytes(): Promise<number | null> {
    try {
      const sideFiles = ['-wal', '-shm'].map((end) => statSync(this.#path + end, { throwIfNoEntry: false })?.size ?? 0);
      const onDisk = sideFiles.reduce((sum, size) => sum + size, statSync(this.#path).size);
      return onDisk - (await guarded(this.#path, () => this.#statements.freeBytes()));
    } catch {
      return null;
    }
  }

  async close(): Promise<void> {
    closeDatabase(this.#database);
  }

  /** One consistent look at a pair's rows; `absent` when the pair has never been written. */
  async #ofSeries<T>(pair: Pair, absent: T, look: (series: number, count: number) => T): Promise<T> {
    return guarded(this.#path, () => {
      this.#database.exec('BEGIN');
      try {
        const series = this.#statements.series(pair);
        return series === null ? absent : look(series.id, series.count);
      } finally {
        this.#database.exec('ROLLBACK');
      }
    });
  }
}

/** As SQLite's LIMIT wants it. */
function wholeNumber(count: number): number {
  return Math.min(LATEST, Math.max(0, Math.floor(count)));
}
