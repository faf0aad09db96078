/** The candle store in InfluxDB 2: the one of production. */
import { sameValues } from '../../domain/candle';
import { findHoles, intersectRanges, mergeRanges, subtractRanges } from '../../domain/coverage';
import { isOutdated } from '../../domain/run-order';
import { countSlots, openOf, shiftSlots } from '../../domain/timeframe';
import { pairKey } from '../../domain/types';
import type { Candle, EpochMs, Pair, SlotRange } from '../../domain/types';
import type { BeforeChange, CandleStore, Extent, ReadRange, Revision, WriteOutcome } from '../../ports/candle-store';
import { systemClock } from '../../ports/clock';
import type { Clock } from '../../ports/clock';
import type { DatedCandle, Judgement, WriteOrder } from '../../ports/write-order';
import { plannedChange } from '../sqlite/planned-change';
import { refuseUnstorable } from '../sqlite/storable';
import { CandleQueries } from './candle-queries';
import type { InfluxConnection } from './connection';
import { CANDLE_MEASUREMENT, candleLine, pairTags } from './line-protocol';
import { writeSettingAside } from './setting-aside';

export interface InfluxCandleStoreOptions {
  readonly connection: InfluxConnection;
  /** The bucket's own name for itself, by which its metrics are labelled. */
  readonly bucketId: string;
  /** Whose candles these are; several sources may share a bucket and never see each other. */
  readonly source: string;
  readonly order: WriteOrder;
  readonly clock?: Pick<Clock, 'now'>;
}

const DEFAULT_READ_LIMIT = 10_000;
const EARLIEST = Number.MIN_SAFE_INTEGER;
const LATEST = Number.MAX_SAFE_INTEGER;
/** Slots of which the open times are listed; of more, blocks of that many are counted first. */
const BLOCK_SLOTS = 512;
/** Of more newest candles, the last ones are asked for without a guess where they begin. */
const MOST_RECENT = 100_000;

/** What becomes of a page: what is sent, and what is told of it. */
interface Plan {
  readonly send: readonly DatedCandle[];
  readonly inserted: readonly EpochMs[];
  readonly unchanged: number;
  readonly revisions: readonly Revision[];
  readonly outdated: number;
}

interface Asked {
  readonly pair: Pair;
  readonly range: SlotRange;
  readonly candles: readonly Candle[];
  readonly fetchedAt: EpochMs;
  readonly before: BeforeChange;
}

export class InfluxCandleStore implements CandleStore {
  readonly #connection: InfluxConnection;
  readonly #queries: CandleQueries;
  readonly #bucketId: string;
  readonly #source: string;
  readonly #order: WriteOrder;
  readonly #clock: Pick<Clock, 'now'>;
  /** Open times of the newest candles seen so far: where to look first, never what is there. */
  readonly #newest = new Map<string, EpochMs>();

  constructor({ connection, bucketId, source, order, clock = systemClock }: InfluxCandleStoreOptions) {
    this.#connection = connection;
    this.#queries = new CandleQueries(connection, source);
    this.#bucketId = bucketId;
    this.#source = source;
    this.#order = order;
    this.#clock = clock;
  }

  async write(
    pair: Pair,
    candles: readonly Candle[],
    fetchedAt: EpochMs,
    before: BeforeChange = async () => {},
  ): Promise<WriteOutcome> {
    refuseUnstorable(pair, candles, fetchedAt);
    const tags = pairTags(this.#source, pair);
    const range = spanOf(candles);
    if (range === null) return { inserted: 0, unchanged: 0, revisions: [], outdated: 0, refused: [] };
    const write = await this.#order.begin(pair, range);
    const plan = await this.#planned(write, { pair, range, candles, fetchedAt, before });
    // From here on the write stays open when it fails: the server may have it, now or later (P12).
    const { written, refused, givenUp } = await writeSettingAside(plan.send, (rows) =>
      this.#connection.write(rows.map((row) => candleLine(tags, row))),
    );
    if (givenUp !== null) {
      const there = await this.#taken(pair, range, plan.send, written);
      const lost = plan.send.filter((row) => !there.includes(row));
      await this.#order.finish(write, there, lost);
      throw givenUp;
    }
    await this.#order.finish(
      write,
      written,
      refused.map(({ row }) => row),
    );
    this.#sawCandle(pair, range.to);
    const lost = new Set(refused.map(({ row }) => row.candle.openTime));
    return {
      inserted: plan.inserted.filter((openTime) => !lost.has(openTime)).length,
      unchanged: plan.unchanged,
      revisions: plan.revisions.filter(({ after }) => !lost.has(after.openTime)),
      outdated: plan.outdated,
      refused: refused.map(({ row, reason }) => ({
        reason: 'refused_by_store',
        openTime: row.candle.openTime,
        raw: `${JSON.stringify(Object.values(row.candle))} ${reason}`.slice(0, 500),
      })),
    };
  }

  async #planned(write: number, { pair, range, candles, fetchedAt, before }: Asked): Promise<Plan> {
    try {
      // One more than the slots may hold: it tells whether anything later is stored, in the same question.
      const most = countSlots(pair.timeframe, range) + 1;
      const rows = await this.#queries.rows(pair, { from: range.from }, most, 'oldest');
      const followed = (rows.at(-1)?.candle.openTime ?? range.to) > range.to;
      const inside = rows.filter(({ candle }) => candle.openTime <= range.to);
      const now = this.#clock.now();
      const stored = new Map(inside.map((row) => [row.candle.openTime, row]));
      if (rows.length > 0) {
        const known = await this.#order.decided(pair, range);
        const change = plannedChange(overlaid(stored, known), candles, fetchedAt, followed, now);
        if (change !== null) await before(change);
      }
      return await this.#order.decide(write, (known, contested) =>
        judge(stored, known, { candles, fetchedAt, contested, now }),
      );
    } catch (error) {
      await this.#order.cancel(write);
      throw error;
    }
  }

  /** What the server has of a page that was given up, of which it refused requests and took rows of them. */
  async #taken(
    pair: Pair,
    range: SlotRange,
    send: readonly DatedCandle[],
    written: readonly DatedCandle[],
  ): Promise<DatedCandle[]> {
    const rows = await this.#queries.rows(pair, range, Number.POSITIVE_INFINITY, 'oldest');
    const there = new Map(rows.map((row) => [row.candle.openTime, row]));
    const told = new Set(written);
    return send.filter((row) => {
      const stored = there.get(row.candle.openTime);
      return told.has(row) || (stored?.fetchedAt === row.fetchedAt && sameValues(stored.candle, row.candle));
    });
  }

  async read(pair: Pair, { from = EARLIEST, to = LATEST, limit = DEFAULT_READ_LIMIT }: ReadRange): Promise<Candle[]> {
    return this.#decided(pair, await this.#queries.rows(pair, { from, to }, limit, 'oldest'));
  }

  async last(pair: Pair, count: number, to: EpochMs = LATEST): Promise<Candle[]> {
    const rows =
      (await this.#recent(pair, count, to)) ?? (await this.#queries.rows(pair, { to }, count, 'newest')).reverse();
    const newest = rows.at(-1)?.candle.openTime;
    if (newest !== undefined) this.#sawCandle(pair, newest);
    return this.#decided(pair, rows);
  }

  /**
   * From where the newest rows must begin when none is missing: a range in time spares the server all files of the years
   * before. Null when it is not known, or did not hold enough.
   */
  async #recent(pair: Pair, count: number, to: EpochMs): Promise<DatedCandle[] | null> {
    const newest = Math.min(to, this.#newest.get(pairKey(pair)) ?? LATEST);
    if (newest === LATEST || !(count > 0 && count <= MOST_RECENT)) return null;
    const from = shiftSlots(pair.timeframe, openOf(pair.timeframe, newest), 1 - count);
    const rows = await this.#queries.rows(pair, { from, to }, Number.POSITIVE_INFINITY, 'oldest');
    return rows.length < count ? null : rows.slice(-count);
  }

  #sawCandle(pair: Pair, openTime: EpochMs): void {
    const key = pairKey(pair);
    this.#newest.set(key, Math.max(openTime, this.#newest.get(key) ?? openTime));
  }

  /** Where writers met, what was decided is right, whatever reached the server last. */
  async #decided(pair: Pair, rows: readonly DatedCandle[]): Promise<Candle[]> {
    const range = spanOf(rows.map(({ candle }) => candle));
    if (range === null) return [];
    const known = await this.#order.decided(pair, range);
    return rows.map((row) => newer(row, known.get(row.candle.openTime)).candle);
  }

  async extent(pair: Pair): Promise<Extent | null> {
    const extent = await this.#queries.extent(pair);
    if (extent !== null) this.#sawCandle(pair, extent.last);
    return extent;
  }

  async count(pair: Pair, range: SlotRange): Promise<number> {
    return this.#queries.count(pair, range);
  }

  async holes(pair: Pair, range?: SlotRange): Promise<SlotRange[]> {
    const { timeframe } = pair;
    const stored = await this.#queries.extent(pair);
    if (stored === null) return range === undefined ? [] : mergeRanges(timeframe, [range]);
    const extent = { from: stored.first, to: stored.last };
    if (range === undefined && countSlots(timeframe, extent) === stored.count) return [];
    const wanted = range ?? extent;
    const holes = subtractRanges(timeframe, [wanted], [extent]);
    for (const inside of intersectRanges(timeframe, [wanted], [extent])) {
      for (const part of await this.#lacking(pair, inside))
        holes.push(...findHoles(timeframe, await this.#queries.openTimes(pair, part), part));
    }
    return mergeRanges(timeframe, holes);
  }

  /** The parts of a range in which a candle is missing, as runs of blocks that hold fewer candles than slots. */
  async #lacking(pair: Pair, range: SlotRange): Promise<SlotRange[]> {
    const { timeframe } = pair;
    const slots = countSlots(timeframe, range);
    if (slots <= BLOCK_SLOTS || timeframe === '1M') return [range];
    const slotMs = shiftSlots(timeframe, range.from, 1) - range.from;
    const counts = await this.#queries.countsByTime(pair, range, BLOCK_SLOTS * slotMs);
    const lacking: SlotRange[] = [];
    for (let slot = 0; slot < slots; slot += BLOCK_SLOTS) {
      const size = Math.min(BLOCK_SLOTS, slots - slot);
      const from = range.from + slot * slotMs;
      if ((counts.get(from) ?? 0) < size) lacking.push({ from, to: from + (size - 1) * slotMs });
    }
    return mergeRanges(timeframe, lacking);
  }

  async deleteBefore(pair: Pair, before: EpochMs): Promise<number> {
    pairTags(this.#source, pair);
    const deleted = await this.#queries.count(pair, { to: before - 1 });
    const { org, bucket } = this.#connection.options;
    if (deleted > 0) {
      const { symbol, timeframe } = pair;
      const predicate = `_measurement="${CANDLE_MEASUREMENT}" AND source="${this.#source}" AND symbol="${symbol}" AND timeframe="${timeframe}"`;
      // Both ends are included.
      const [start, stop] = [new Date(0).toISOString(), new Date(before - 1).toISOString()];
      await this.#connection.call('POST', '/api/v2/delete', { org, bucket }, { start, stop, predicate });
    }
    await this.#order.forgetBefore(pair, before);
    return deleted;
  }

  async pairs(): Promise<Pair[]> {
    const pairs = await this.#queries.pairs();
    return pairs.toSorted((a, b) => compare(a.symbol, b.symbol) || compare(a.timeframe, b.timeframe));
  }

  /** The server names a shard with its first row, and looks at their sizes every ten seconds. */
  async sizeBytes(): Promise<number | null> {
    try {
      const lines = (await this.#connection.metrics()).split('\n');
      const sizes = lines.filter(
        (line) => line.startsWith('storage_shard_disk_size{') && line.includes(`bucket="${this.#bucketId}"`),
      );
      if (sizes.length === 0) return (await this.pairs()).length === 0 ? 0 : null;
      const bytes = sizes.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
      return Number.isFinite(bytes) ? bytes : null;
    } catch {
      return null;
    }
  }

  async close(): Promise<void> {
    this.#connection.close();
    await this.#order.close();
  }
}

/**
 * What is stored is what the server has, and what was decided over it; of two candles of one slot in one page the last is
 * kept. What was decided and did not reach the server, because that write failed, is sent again (P11).
 */
function judge(
  server: ReadonlyMap<EpochMs, DatedCandle>,
  known: ReadonlyMap<EpochMs, DatedCandle>,
  page: Pick<Asked, 'candles' | 'fetchedAt'> & { readonly contested: boolean; readonly now: EpochMs },
): Judgement<Plan> {
  const { candles, fetchedAt, contested, now } = page;
  const slots = new Map(overlaid(server, known));
  const send = new Map<EpochMs, DatedCandle>();
  const revised = new Set<EpochMs>();
  const inserted: EpochMs[] = [];
  const revisions: Revision[] = [];
  let [unchanged, outdated] = [0, 0];
  for (const candle of candles) {
    const before = slots.get(candle.openTime);
    const same = before !== undefined && sameValues(before.candle, candle);
    const late = before !== undefined && isOutdated(fetchedAt, before.fetchedAt, now);
    if (before === undefined) inserted.push(candle.openTime);
    else if (same) unchanged += 1;
    else if (late) outdated += 1;
    else {
      revisions.push({ before: before.candle, after: candle });
      revised.add(candle.openTime);
    }
    const there = server.get(candle.openTime);
    const unsent = same && there !== undefined && !sameValues(there.candle, candle);
    // Decided by a write that failed, and now by this one: a refusal forgets what was decided at its own time only.
    if (unsent) revised.add(candle.openTime);
    // The time of fetching moves on even when the values do not, or an older answer could still replace them.
    if (before === undefined || (!late && !(same && fetchedAt === before.fetchedAt))) {
      const row = { candle, fetchedAt };
      slots.set(candle.openTime, row);
      send.set(candle.openTime, row);
    } else if (unsent) send.set(candle.openTime, before);
  }
  const rows = [...send.values()];
  return {
    result: { send: rows, inserted, unchanged, revisions, outdated },
    decided: contested ? rows : rows.filter(({ candle }) => revised.has(candle.openTime)),
  };
}

function overlaid(
  stored: ReadonlyMap<EpochMs, DatedCandle>,
  known: ReadonlyMap<EpochMs, DatedCandle>,
): ReadonlyMap<EpochMs, DatedCandle> {
  return new Map([...stored].map(([openTime, row]) => [openTime, newer(row, known.get(openTime))]));
}

function newer(row: DatedCandle, decided: DatedCandle | undefined): DatedCandle {
  return decided !== undefined && decided.fetchedAt >= row.fetchedAt ? decided : row;
}

/** From the first to the last open time; null without a candle. */
function spanOf(candles: readonly Candle[]): SlotRange | null {
  if (candles.length === 0) return null;
  let [from, to] = [Infinity, -Infinity];
  for (const { openTime } of candles) [from, to] = [Math.min(from, openTime), Math.max(to, openTime)];
  return { from, to };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
