/** Any sequence of calls gives what a plain map of slots would: the store is compared with it after every call. */
import * as fc from 'fast-check';
import { shiftSlots } from '../../src/domain/timeframe';
import type { Candle, EpochMs, Pair } from '../../src/domain/types';
import type { CandleStore } from '../../src/ports/candle-store';
import { BTC_1H, RUNS, candle, pairOf, slot } from './store-fixtures';

const PAIRS: readonly Pair[] = [BTC_1H, pairOf('BTC/USDT', '1M')];
const SLOTS = 16;

interface Truth {
  readonly candle: Candle;
  readonly fetchedAt: EpochMs;
}

/** What is stored of each pair; beside it everything ever written, for I08 and I11. */
type Model = readonly Map<EpochMs, Truth>[];
type Command = fc.AsyncCommand<Model, CandleStore>;

class Write implements Command {
  constructor(
    readonly which: number,
    readonly slots: readonly { readonly index: number; readonly price: number }[],
    readonly fetchedAt: EpochMs,
  ) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, store: CandleStore): Promise<void> {
    const { pair, truth } = side(model, this.which);
    const written = this.slots.map(({ index, price }) => candle(index, price, pair.timeframe));
    const expected = { inserted: 0, unchanged: 0, revised: 0, outdated: 0 };
    for (const one of written) {
      const known = truth.get(one.openTime);
      const same = known?.candle.open === one.open;
      if (known === undefined) expected.inserted += 1;
      else if (same) expected.unchanged += 1;
      else if (known.fetchedAt > this.fetchedAt) expected.outdated += 1;
      else expected.revised += 1;
      const newest = Math.max(this.fetchedAt, known?.fetchedAt ?? 0);
      if (known === undefined || known.fetchedAt <= this.fetchedAt)
        truth.set(one.openTime, { candle: one, fetchedAt: newest });
    }
    const { revisions, refused, ...counts } = await store.write(pair, written, this.fetchedAt);
    expect({ ...counts, revised: revisions.length }).toEqual(expected);
    expect(refused).toEqual([]);
    await compare(model, store);
  }
  toString(): string {
    return `write(${this.which}, ${JSON.stringify(this.slots)}, ${this.fetchedAt})`;
  }
}

class DeleteBefore implements Command {
  constructor(
    readonly which: number,
    readonly index: number,
  ) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, store: CandleStore): Promise<void> {
    const { pair, truth } = side(model, this.which);
    const before = slot(this.index, pair.timeframe);
    const old = [...truth.keys()].filter((openTime) => openTime < before);
    for (const openTime of old) truth.delete(openTime);
    expect(await store.deleteBefore(pair, before)).toBe(old.length);
    await compare(model, store);
  }
  toString(): string {
    return `deleteBefore(${this.which}, ${this.index})`;
  }
}

class Look implements Command {
  constructor(
    readonly which: number,
    readonly from: number,
    readonly length: number,
    readonly count: number,
  ) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, store: CandleStore): Promise<void> {
    const { pair, truth } = side(model, this.which);
    const { timeframe } = pair;
    const [from, to] = [slot(this.from, timeframe), slot(this.from + this.length, timeframe)];
    const inside = sorted(truth).filter(({ openTime }) => openTime >= from && openTime <= to);
    const upTo = sorted(truth).filter(({ openTime }) => openTime <= to);
    expect(await store.read(pair, { from, to, limit: this.count })).toEqual(inside.slice(0, this.count));
    expect(await store.last(pair, this.count, to)).toEqual(upTo.slice(Math.max(0, upTo.length - this.count)));
    expect(await store.count(pair, { from, to })).toBe(inside.length);
    const missing: EpochMs[] = [];
    for (const range of await store.holes(pair, { from, to }))
      for (let t = range.from; t <= range.to; t = shiftSlots(timeframe, t, 1)) missing.push(t);
    const all = Array.from({ length: this.length + 1 }, (_, index) => slot(this.from + index, timeframe));
    expect(missing).toEqual(all.filter((t) => !truth.has(t)));
  }
  toString(): string {
    return `look(${this.which}, ${this.from}, ${this.length}, ${this.count})`;
  }
}

function side(model: Model, which: number): { readonly pair: Pair; readonly truth: Map<EpochMs, Truth> } {
  const [pair, truth] = [PAIRS[which], model[which]];
  if (pair === undefined || truth === undefined) throw new RangeError(`no pair number ${which}`);
  return { pair, truth };
}

function sorted(truth: ReadonlyMap<EpochMs, Truth>): Candle[] {
  return [...truth.values()].map(({ candle: one }) => one).toSorted((a, b) => a.openTime - b.openTime);
}

async function compare(model: Model, store: CandleStore): Promise<void> {
  for (const which of PAIRS.keys()) {
    const { pair, truth } = side(model, which);
    const stored = sorted(truth);
    expect(await store.read(pair, {})).toEqual(stored);
    const [first, last] = [stored[0], stored.at(-1)];
    const extent = first && last ? { first: first.openTime, last: last.openTime, count: stored.length } : null;
    expect(await store.extent(pair)).toEqual(extent);
  }
}

const which = fc.nat({ max: PAIRS.length - 1 });
const index = fc.nat({ max: SLOTS });
const slots = fc.array(fc.record({ index, price: fc.constantFrom(100, 200, 300) }), { maxLength: 6 });
const commands = fc.commands(
  [
    fc.tuple(which, slots, fc.nat({ max: 6 })).map((all) => new Write(...all)),
    fc.tuple(which, index).map((all) => new DeleteBefore(...all)),
    fc.tuple(which, index, fc.nat({ max: SLOTS }), fc.nat({ max: 5 })).map((all) => new Look(...all)),
  ],
  { maxCommands: 30 },
);

export function candleStoreModel(make: () => Promise<CandleStore>): void {
  test('I06 I07 I08 I11 after any calls it holds what a map of slots would hold, no more and no less', async () => {
    await fc.assert(
      fc.asyncProperty(commands, async (list) => {
        await fc.asyncModelRun(async () => ({ model: PAIRS.map(() => new Map()), real: await make() }), list);
      }),
      RUNS,
    );
  });
}
