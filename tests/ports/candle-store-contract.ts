/** What every candle store must do. */
import { setTimeout as pause } from 'node:timers/promises';
import * as fc from 'fast-check';
import { DAY } from '../../src/domain/timeframe';
import type { CandleStore, PlannedChange } from '../../src/ports/candle-store';
import { candleStoreModel } from './candle-store-model';
import { BTC_1H, ETH_1D, RUNS, candle, candles, pairOf, slot } from './store-fixtures';

/** `make` gives an empty store. */
export function candleStoreContract(name: string, make: () => Promise<CandleStore>): void {
  describe(`candle store: ${name}`, () => {
    describe('writing', () => writing(make));
    describe('a slot that is written again', () => rewriting(make));
    describe('numbers, names and pages of every size', () => extremes(make));
    describe('writes at once', () => atOnce(make));
    describe('reading', () => reading(make));
    describe('holes', () => holes(make));
    describe('keeping', () => keeping(make));
    describe('properties', () => properties(make));
    candleStoreModel(make);
  });
}

function writing(make: () => Promise<CandleStore>): void {
  test('new candles are counted as inserted and read back exactly as given', async () => {
    const store = await make();
    const odd = {
      ...candle(3),
      open: 0.1 + 0.2,
      high: 0.7000000000000001,
      low: 0.1 * 3 * 0.5,
      close: 2 / 3,
      volume: 0,
    };
    const outcome = await store.write(BTC_1H, [candle(1), candle(2), odd], 1000);
    expect(outcome).toEqual({ inserted: 3, unchanged: 0, revisions: [], outdated: 0, refused: [] });
    expect(await store.read(BTC_1H, {})).toStrictEqual([candle(1), candle(2), odd]);
  });

  test('nothing to write is no error and makes no pair', async () => {
    const store = await make();
    expect(await store.write(BTC_1H, [], 1000)).toEqual({
      inserted: 0,
      unchanged: 0,
      revisions: [],
      outdated: 0,
      refused: [],
    });
    expect(await store.pairs()).toEqual([]);
  });

  test('I10 repeating a write changes nothing', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 9), 1000);
    const again = await store.write(BTC_1H, candles(0, 9), 1000);
    expect(again).toEqual({ inserted: 0, unchanged: 10, revisions: [], outdated: 0, refused: [] });
    expect(await store.read(BTC_1H, {})).toEqual(candles(0, 9));
  });

  test('I06 of two candles of one slot in one write the last is kept, in one row', async () => {
    const store = await make();
    const outcome = await store.write(BTC_1H, [candle(1, 100), candle(1, 200)], 1000);
    expect(outcome).toMatchObject({ inserted: 1, revisions: [{ before: candle(1, 100), after: candle(1, 200) }] });
    expect(await store.read(BTC_1H, {})).toEqual([candle(1, 200)]);
  });

  test.each([
    ['off the grid', { ...candle(1), openTime: slot(1) + 1 }, 'misaligned'],
    ['not a number', { ...candle(1), close: Number.NaN }, 'non_finite'],
    ['priced at nothing', { ...candle(1), low: 0 }, 'non_positive_price'],
    ['higher in the body than at its high', { ...candle(1), high: 100.5 }, 'high_below_body'],
  ])('I05 a candle that is %s is refused, and nothing of that write is stored', async (_, bad, fault) => {
    const store = await make();
    await expect(store.write(BTC_1H, [candle(0), bad], 1000)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(fault),
    });
    expect(await store.read(BTC_1H, {})).toEqual([]);
  });
}

/** Where stores differ that keep numbers, names and pages in other ways than SQLite does. */
function extremes(make: () => Promise<CandleStore>): void {
  test('the smallest and the largest numbers come back bit for bit', async () => {
    const store = await make();
    const tiny = { open: 1e-8, high: 2e-8, low: 1e-300, close: 1.5e-8, volume: 1e20 };
    const written = [
      { openTime: slot(0), ...tiny },
      { openTime: slot(1), open: 1e15, high: 1e15, low: 123_456_789.123_456_78, close: 1e15 - 0.125, volume: 1e-300 },
    ];
    await store.write(BTC_1H, written, Date.UTC(2200, 0, 1));
    expect(await store.read(BTC_1H, {})).toStrictEqual(written);
  });

  test('every shape of symbol is a pair of its own', async () => {
    const store = await make();
    const pairs = ['1000PEPE/USDT', 'BTC/USDT', 'BTC/USDT:USDT', 'BTC/USDT:USDT-240628'].map((symbol) =>
      pairOf(symbol, '1h'),
    );
    for (const [index, pair] of pairs.entries()) await store.write(pair, candles(index, index + 2), 1000);
    expect(await store.pairs()).toEqual(pairs);
    for (const [index, pair] of pairs.entries()) expect(await store.read(pair, {})).toEqual(candles(index, index + 2));
  });

  test('a page of 5,000 is one write, and a range of any length is read whole when no limit is set', async () => {
    const store = await make();
    for (const from of [0, 5000, 10_000])
      expect(await store.write(BTC_1H, candles(from, from + 4999), 1000)).toMatchObject({ inserted: 5000 });
    expect(await store.read(BTC_1H, { limit: Infinity })).toEqual(candles(0, 14_999));
    expect(await store.read(BTC_1H, {})).toHaveLength(10_000);
    expect(await store.extent(BTC_1H)).toEqual({ first: slot(0), last: slot(14_999), count: 15_000 });
    expect(await store.holes(BTC_1H, { from: slot(-2), to: slot(15_001) })).toEqual([
      { from: slot(-2), to: slot(-1) },
      { from: slot(15_000), to: slot(15_001) },
    ]);
  });

  test('I03 holes on, beside and across the borders of blocks are found', async () => {
    const store = await make();
    const missing = [
      [1, 1],
      [511, 512],
      [1000, 1600],
      [2047, 2047],
      [2999, 3000],
    ] as const;
    const stored = candles(0, 3001).filter((_, index) => !missing.some(([from, to]) => index >= from && index <= to));
    await store.write(BTC_1H, stored, 1000);
    expect(await store.holes(BTC_1H)).toEqual(missing.map(([from, to]) => ({ from: slot(from), to: slot(to) })));
  });

  test('slots that retention removed can be stored again', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 4, 200), 2000);
    await store.deleteBefore(BTC_1H, slot(3));
    expect(await store.write(BTC_1H, candles(0, 4, 100), 1000)).toMatchObject({ inserted: 3, outdated: 2 });
    expect(await store.read(BTC_1H, {})).toEqual([...candles(0, 2, 100), ...candles(3, 4, 200)]);
  });

  test('any bounds of a range are fine', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 4), 1000);
    const [from, to] = [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
    expect(await store.read(BTC_1H, { from, to })).toEqual(candles(0, 4));
    expect(await store.last(BTC_1H, 2, to)).toEqual(candles(3, 4));
    expect(await store.count(BTC_1H, { from: slot(3), to: slot(2) })).toBe(0);
    expect(await store.read(BTC_1H, { from: slot(3), to: slot(2) })).toEqual([]);
  });
}

function atOnce(make: () => Promise<CandleStore>): void {
  test('I07 of an older and a newer fetch that are written at once the newer stands', async () => {
    const store = await make();
    for (let turn = 0; turn < 20; turn++) {
      const older = () => store.write(BTC_1H, candles(turn, turn + 2, 100 + turn), 1000 + 2 * turn);
      const newer = () => store.write(BTC_1H, candles(turn, turn + 2, 200 + turn), 1001 + 2 * turn);
      await Promise.all(turn % 2 === 0 ? [older(), newer()] : [newer(), older()]);
      expect(await store.read(BTC_1H, { from: slot(turn) })).toEqual(candles(turn, turn + 2, 200 + turn));
    }
    expect(await store.extent(BTC_1H)).toMatchObject({ count: 22 });
  });

  test('I06 pages that are written at once are all there, each slot once', async () => {
    const store = await make();
    const outcomes = await Promise.all(
      [0, 50, 100, 150].map((from) => store.write(BTC_1H, candles(from, from + 99), 1000)),
    );
    expect(outcomes.every(({ revisions, refused }) => revisions.length + refused.length === 0)).toBe(true);
    expect(await store.read(BTC_1H, {})).toEqual(candles(0, 249));
  });
}

function rewriting(make: () => Promise<CandleStore>): void {
  test('I07 a newer fetch with other values replaces the candle and tells what was there', async () => {
    const store = await make();
    await store.write(BTC_1H, [candle(1, 100), candle(2, 100)], 1000);
    const outcome = await store.write(BTC_1H, [candle(1, 200), candle(2, 100), candle(3, 100)], 2000);
    expect(outcome).toEqual({
      inserted: 1,
      unchanged: 1,
      revisions: [{ before: candle(1, 100), after: candle(1, 200) }],
      outdated: 0,
      refused: [],
    });
    expect(await store.read(BTC_1H, { to: slot(1) })).toEqual([candle(1, 200)]);
  });

  test('I07 what a write will change is told before it does, and nothing is changed when it can not be kept', async () => {
    const store = await make();
    const told: unknown[] = [];
    const keep = async (change: unknown): Promise<void> => void told.push(change);
    for (const page of [[...candles(0, 2), ...candles(4, 5)], candles(5, 6)])
      await store.write(BTC_1H, page, 1000, keep);
    expect(told).toEqual([]);
    const revision = { before: candle(1), after: candle(1, 200) };
    const unkept = (): Promise<never> => Promise.reject(new Error('not kept'));
    await expect(store.write(BTC_1H, [candle(1, 200)], 2000, unkept)).rejects.toThrow('not kept');
    expect(await store.read(BTC_1H, { to: slot(2) })).toEqual(candles(0, 2));
    await store.write(BTC_1H, [candle(1, 200)], 2000, keep);
    await store.write(BTC_1H, [candle(3)], 2000, keep);
    await store.write(BTC_1H, [candle(1, 300)], 1500, keep);
    const ranges = [1, 3].map((k) => ({ from: slot(k), to: slot(k) }));
    expect(told).toEqual([
      { revisions: [revision], range: ranges[0] },
      { revisions: [], range: ranges[1] },
    ]);
  });

  test('I07 an older fetch never replaces a newer one', async () => {
    const store = await make();
    await store.write(BTC_1H, [candle(1, 200)], 2000);
    const outcome = await store.write(BTC_1H, [candle(1, 100)], 1999);
    expect(outcome).toEqual({ inserted: 0, unchanged: 0, revisions: [], outdated: 1, refused: [] });
    expect(await store.read(BTC_1H, {})).toEqual([candle(1, 200)]);
  });

  test('F30 a fetch by a clock that was ahead is no newer one: what the exchange says later replaces it', async () => {
    const store = await make();
    const now = Date.now();
    await store.write(BTC_1H, [candle(1, 100), candle(2, 100)], now + 3 * DAY);
    const told: PlannedChange[] = [];
    const outcome = await store.write(
      BTC_1H,
      [candle(1, 200), candle(2, 100)],
      now,
      async (change) => void told.push(change),
    );
    const revision = { before: candle(1, 100), after: candle(1, 200) };
    expect(outcome).toEqual({ inserted: 0, unchanged: 1, revisions: [revision], outdated: 0, refused: [] });
    expect(told).toMatchObject([{ revisions: [revision] }]);
    expect(await store.read(BTC_1H, {})).toEqual([candle(1, 200), candle(2, 100)]);
    // From here on the order holds again, also for the one whose values stayed.
    const before = await store.write(BTC_1H, [candle(1, 300), candle(2, 300)], now - 1);
    expect(before).toMatchObject({ revisions: [], outdated: 2 });
  });

  test('F30 a value revised by a clock that was ahead is replaced too', async () => {
    const store = await make();
    const now = Date.now();
    await store.write(BTC_1H, [candle(1, 100)], now);
    await store.write(BTC_1H, [candle(1, 200)], now + 3 * DAY);
    await store.write(BTC_1H, [candle(1, 300)], now + 1);
    expect(await store.read(BTC_1H, {})).toEqual([candle(1, 300)]);
  });

  test('I07 values that a newer fetch confirmed are not replaced by an answer from before it', async () => {
    const store = await make();
    await store.write(BTC_1H, [candle(1, 100)], 1000);
    await store.write(BTC_1H, [candle(1, 100)], 3000);
    expect(await store.write(BTC_1H, [candle(1, 200)], 2000)).toMatchObject({ outdated: 1 });
    expect(await store.read(BTC_1H, {})).toEqual([candle(1, 100)]);
  });

  test('an older fetch with the same values is unchanged and does not set the time of fetching back', async () => {
    const store = await make();
    await store.write(BTC_1H, [candle(1, 100)], 3000);
    expect(await store.write(BTC_1H, [candle(1, 100)], 1000)).toMatchObject({ unchanged: 1, outdated: 0 });
    expect(await store.write(BTC_1H, [candle(1, 200)], 2000)).toMatchObject({ outdated: 1 });
  });
}

function reading(make: () => Promise<CandleStore>): void {
  test('candles come in order of time whatever the order they were written in', async () => {
    const store = await make();
    await store.write(BTC_1H, [candle(5), candle(1)], 1000);
    await store.write(BTC_1H, [candle(3), candle(0)], 1000);
    expect((await store.read(BTC_1H, {})).map(({ openTime }) => openTime)).toEqual([0, 1, 3, 5].map((n) => slot(n)));
  });

  test('a range includes both its ends, and a limit cuts at the newest', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 9), 1000);
    expect(await store.read(BTC_1H, { from: slot(2), to: slot(4) })).toEqual(candles(2, 4));
    expect(await store.read(BTC_1H, { from: slot(2), limit: 2 })).toEqual(candles(2, 3));
    expect(await store.read(BTC_1H, { limit: 0 })).toEqual([]);
  });

  test('the newest candles up to a time are given oldest first', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 9), 1000);
    expect(await store.last(BTC_1H, 3)).toEqual(candles(7, 9));
    expect(await store.last(BTC_1H, 2, slot(4))).toEqual(candles(3, 4));
    expect(await store.last(BTC_1H, 99, slot(1))).toEqual(candles(0, 1));
    expect(await store.last(BTC_1H, 0)).toEqual([]);
  });

  test('pairs do not mix, not even 1m and 1M', async () => {
    const store = await make();
    const [minute, month] = [pairOf('BTC/USDT', '1m'), pairOf('BTC/USDT', '1M')];
    await store.write(minute, [candle(0, 100, minute.timeframe)], 1000);
    await store.write(month, [candle(0, 200, month.timeframe), candle(1, 200, month.timeframe)], 1000);
    await store.write(ETH_1D, [candle(0, 300, ETH_1D.timeframe)], 1000);
    expect(await store.read(minute, {})).toEqual([candle(0, 100)]);
    expect(await store.read(month, {})).toHaveLength(2);
    expect(await store.pairs()).toEqual([month, minute, ETH_1D]);
  });

  test('the extent tells first, last and number, and null without a candle', async () => {
    const store = await make();
    expect(await store.extent(BTC_1H)).toBeNull();
    await store.write(BTC_1H, [candle(2), candle(7), candle(9)], 1000);
    await store.write(BTC_1H, [candle(7, 200), candle(8)], 2000);
    expect(await store.extent(BTC_1H)).toEqual({ first: slot(2), last: slot(9), count: 4 });
  });

  test('a count is of the candles in the range, both ends included', async () => {
    const store = await make();
    expect(await store.count(BTC_1H, { from: slot(0), to: slot(9) })).toBe(0);
    await store.write(BTC_1H, [candle(0), candle(2), candle(4), candle(6)], 1000);
    expect(await store.count(BTC_1H, { from: slot(2), to: slot(4) })).toBe(2);
    expect(await store.count(BTC_1H, { from: slot(-5), to: slot(50) })).toBe(4);
    expect(await store.count(BTC_1H, { from: slot(7), to: slot(50) })).toBe(0);
  });
}

function holes(make: () => Promise<CandleStore>): void {
  test('I03 slots between the first and the last candle that have none are told as ranges', async () => {
    const store = await make();
    await store.write(BTC_1H, [...candles(0, 3), ...candles(6, 6), ...candles(8, 9)], 1000);
    expect(await store.holes(BTC_1H)).toEqual([
      { from: slot(4), to: slot(5) },
      { from: slot(7), to: slot(7) },
    ]);
  });

  test('I03 a range that reaches past what is stored is missing there too', async () => {
    const store = await make();
    await store.write(BTC_1H, [candle(2), candle(3)], 1000);
    expect(await store.holes(BTC_1H, { from: slot(0), to: slot(5) })).toEqual([
      { from: slot(0), to: slot(1) },
      { from: slot(4), to: slot(5) },
    ]);
    expect(await store.holes(BTC_1H, { from: slot(7), to: slot(8) })).toEqual([{ from: slot(7), to: slot(8) }]);
  });

  test('a pair without a candle has no holes of its own, but a given range is one', async () => {
    const store = await make();
    expect(await store.holes(BTC_1H)).toEqual([]);
    expect(await store.holes(BTC_1H, { from: slot(0), to: slot(3) })).toEqual([{ from: slot(0), to: slot(3) }]);
  });

  test('I03 months are calendar months: February missing between January and March is one slot', async () => {
    const store = await make();
    const month = pairOf('BTC/USDT', '1M');
    await store.write(month, [candle(0, 100, month.timeframe), candle(2, 100, month.timeframe)], 1000);
    expect(await store.holes(month)).toEqual([{ from: Date.UTC(2024, 1, 1), to: Date.UTC(2024, 1, 1) }]);
  });
}

function keeping(make: () => Promise<CandleStore>): void {
  test('I08 retention removes what opens before its time, tells how many, and touches no other pair', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 9), 1000);
    await store.write(ETH_1D, [candle(0, 100, ETH_1D.timeframe)], 1000);
    expect(await store.deleteBefore(BTC_1H, slot(4))).toBe(4);
    expect(await store.deleteBefore(BTC_1H, slot(4))).toBe(0);
    expect(await store.extent(BTC_1H)).toEqual({ first: slot(4), last: slot(9), count: 6 });
    expect(await store.count(ETH_1D, { from: slot(0), to: slot(0) })).toBe(1);
  });

  test('a pair all of whose candles are gone is no longer listed', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 1), 1000);
    await store.deleteBefore(BTC_1H, slot(100));
    expect(await store.pairs()).toEqual([]);
    expect(await store.extent(BTC_1H)).toBeNull();
  });

  test('the size grows with what is stored', async () => {
    const store = await make();
    const before = await store.sizeBytes();
    await store.write(BTC_1H, candles(0, 5000), 1000);
    // A server may look at its files only every ten seconds.
    for (let wait = 0; wait < 60 && (await store.sizeBytes()) === before; wait++) await pause(250);
    expect(await store.sizeBytes()).toBeGreaterThan(before ?? Infinity);
  }, 30_000);
}

/** A page as one fetch gives it: some slots, all at one time, whose values follow from slot and time. */
const pages = fc
  .uniqueArray(fc.nat({ max: 40 }), { minLength: 1, maxLength: 8 })
  .map((times) => times.map((fetchedAt) => ({ fetchedAt })))
  .chain((fetches) =>
    fc.tuple(
      ...fetches.map(({ fetchedAt }) =>
        fc
          .uniqueArray(fc.nat({ max: 12 }), { maxLength: 6 })
          .map((slots) => ({ fetchedAt, page: slots.map((index) => candle(index, 100 + (fetchedAt % 5))) })),
      ),
    ),
  );

function properties(make: () => Promise<CandleStore>): void {
  test('I06 the order in which pages are written does not matter', async () => {
    const shuffled = pages.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    await fc.assert(
      fc.asyncProperty(shuffled, async ([one, other]) => {
        const [first, second] = [await make(), await make()];
        for (const { page, fetchedAt } of one) await first.write(BTC_1H, page, fetchedAt);
        for (const { page, fetchedAt } of other) await second.write(BTC_1H, page, fetchedAt);
        expect(await second.read(BTC_1H, {})).toEqual(await first.read(BTC_1H, {}));
      }),
      RUNS,
    );
  });

  test('I10 writing every page twice is writing it once', async () => {
    await fc.assert(
      fc.asyncProperty(pages, async (list) => {
        const [once, twice] = [await make(), await make()];
        for (const { page, fetchedAt } of list) {
          await once.write(BTC_1H, page, fetchedAt);
          await twice.write(BTC_1H, page, fetchedAt);
          const again = await twice.write(BTC_1H, page, fetchedAt);
          expect(again).toMatchObject({ inserted: 0, revisions: [] });
        }
        expect(await twice.read(BTC_1H, {})).toEqual(await once.read(BTC_1H, {}));
      }),
      RUNS,
    );
  });

  test('every candle of a write is counted exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(pages, async (list) => {
        const store = await make();
        for (const { page, fetchedAt } of list) {
          const { inserted, unchanged, revisions, outdated } = await store.write(BTC_1H, page, fetchedAt);
          expect(inserted + unchanged + revisions.length + outdated).toBe(page.length);
        }
      }),
      RUNS,
    );
  });
}
