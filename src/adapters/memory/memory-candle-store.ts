/** The candle store in memory: for tests, and the plain statement of what the others must do. */
import { sameValues } from '../../domain/candle';
import { isOutdated } from '../../domain/run-order';
import { shiftSlots } from '../../domain/timeframe';
import { pairKey } from '../../domain/types';
import type { Candle, EpochMs, Pair, SlotRange } from '../../domain/types';
import type { BeforeChange, CandleStore, Extent, ReadRange, Revision, WriteOutcome } from '../../ports/candle-store';
import { systemClock } from '../../ports/clock';
import type { Clock } from '../../ports/clock';
import { plannedChange } from '../sqlite/planned-change';
import { refuseUnstorable } from '../sqlite/storable';

interface Series {
  readonly pair: Pair;
  readonly slots: Map<EpochMs, { readonly candle: Candle; readonly fetchedAt: EpochMs }>;
}

export class MemoryCandleStore implements CandleStore {
  readonly #series = new Map<string, Series>();

  constructor(private readonly clock: Pick<Clock, 'now'> = systemClock) {}

  async write(
    pair: Pair,
    candles: readonly Candle[],
    fetchedAt: EpochMs,
    before: BeforeChange = async () => {},
  ): Promise<WriteOutcome> {
    refuseUnstorable(pair, candles, fetchedAt);
    const now = this.clock.now();
    const { slots } = this.#seriesOf(pair);
    const newest = Math.max(...candles.map(({ openTime }) => openTime));
    const followed = [...slots.keys()].some((openTime) => openTime > newest);
    const change = plannedChange(slots, candles, fetchedAt, followed, now);
    if (change !== null) await before(change);
    const revisions: Revision[] = [];
    let [inserted, unchanged, outdated] = [0, 0, 0];
    for (const candle of candles) {
      const stored = slots.get(candle.openTime);
      if (stored === undefined) inserted += 1;
      else if (sameValues(stored.candle, candle)) unchanged += 1;
      else if (isOutdated(fetchedAt, stored.fetchedAt, now)) outdated += 1;
      else revisions.push({ before: stored.candle, after: candle });
      if (stored === undefined || !isOutdated(fetchedAt, stored.fetchedAt, now))
        slots.set(candle.openTime, { candle: { ...candle }, fetchedAt });
    }
    return { inserted, unchanged, revisions, outdated, refused: [] };
  }

  async read(pair: Pair, range: ReadRange): Promise<Candle[]> {
    const { from = -Infinity, to = Infinity, limit = 10_000 } = range;
    return this.#sorted(pair)
      .filter(({ openTime }) => openTime >= from && openTime <= to)
      .slice(0, Math.max(0, limit));
  }

  async last(pair: Pair, count: number, to: EpochMs = Infinity): Promise<Candle[]> {
    const upTo = this.#sorted(pair).filter(({ openTime }) => openTime <= to);
    return upTo.slice(Math.max(0, upTo.length - count));
  }

  async extent(pair: Pair): Promise<Extent | null> {
    const candles = this.#sorted(pair);
    const [first, last] = [candles[0], candles.at(-1)];
    if (first === undefined || last === undefined) return null;
    return { first: first.openTime, last: last.openTime, count: candles.length };
  }

  async count(pair: Pair, range: SlotRange): Promise<number> {
    return this.#sorted(pair).filter(({ openTime }) => openTime >= range.from && openTime <= range.to).length;
  }

  async holes(pair: Pair, range?: SlotRange): Promise<SlotRange[]> {
    const { slots } = this.#seriesOf(pair);
    const extent = await this.extent(pair);
    const wanted = range ?? (extent === null ? null : { from: extent.first, to: extent.last });
    const holes: SlotRange[] = [];
    if (wanted === null) return holes;
    let start: EpochMs | null = null;
    let previous = wanted.from;
    for (let slot = wanted.from; slot <= wanted.to; slot = shiftSlots(pair.timeframe, slot, 1)) {
      if (slots.has(slot)) {
        if (start !== null) holes.push({ from: start, to: previous });
        start = null;
      } else start ??= slot;
      previous = slot;
    }
    if (start !== null) holes.push({ from: start, to: previous });
    return holes;
  }

  async deleteBefore(pair: Pair, before: EpochMs): Promise<number> {
    const { slots } = this.#seriesOf(pair);
    const old = [...slots.keys()].filter((openTime) => openTime < before);
    for (const openTime of old) slots.delete(openTime);
    return old.length;
  }

  async pairs(): Promise<Pair[]> {
    return [...this.#series.values()]
      .filter(({ slots }) => slots.size > 0)
      .map(({ pair }) => pair)
      .toSorted((a, b) => (pairKey(a) < pairKey(b) ? -1 : 1));
  }

  async sizeBytes(): Promise<number | null> {
    const bytesPerCandle = 64;
    return [...this.#series.values()].reduce((sum, { slots }) => sum + slots.size * bytesPerCandle, 0);
  }

  async close(): Promise<void> {}

  #seriesOf(pair: Pair): Series {
    const known = this.#series.get(pairKey(pair));
    if (known !== undefined) return known;
    const series: Series = { pair: { symbol: pair.symbol, timeframe: pair.timeframe }, slots: new Map() };
    this.#series.set(pairKey(pair), series);
    return series;
  }

  #sorted(pair: Pair): Candle[] {
    return [...this.#seriesOf(pair).slots.values()]
      .map(({ candle }) => candle)
      .toSorted((a, b) => a.openTime - b.openTime);
  }
}
