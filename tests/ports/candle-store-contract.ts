/** What every candle store must do. */
import * as fc from 'fast-check';
import type { CandleStore } from '../../src/ports/candle-store';
import { candleStoreModel } from './candle-store-model';
import { BTC_1H, ETH_1D, RUNS, candle, candles, pairOf, slot } from './store-fixtures';

/** `make` gives an empty store. */
export function candleStoreContract(name: string, make: () => Promise<CandleStore>): void {
  describe(`candle store: ${name}`, () => {
    describe('writing', () => writing(make));
    describe('a slot that is written again', () => rewriting(make));
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
    expect(outcome).toEqual({ inserted: 3, unchanged: 0, revisions: [], outdated: 0 });
    expect(await store.read(BTC_1H, {})).toStrictEqual([candle(1), candle(2), odd]);
  });

  test('nothing to write is no error and makes no pair', async () => {
    const store = await make();
    expect(await store.write(BTC_1H, [], 1000)).toEqual({ inserted: 0, unchanged: 0, revisions: [], outdated: 0 });
    expect(await store.pairs()).toEqual([]);
  });

  test('I10 repeating a write changes nothing', async () => {
    const store = await make();
    await store.write(BTC_1H, candles(0, 9), 1000);
    const again = await store.write(BTC_1H, candles(0, 9), 1000);
    expect(again).toEqual({ inserted: 0, unchanged: 10, revisions: [], outdated: 0 });
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
    });
    expect(await store.read(BTC_1H, { to: slot(1) })).toEqual([candle(1, 200)]);
  });

  test('I07 an older fetch never replaces a newer one', async () => {
    const store = await make();
    await store.write(BTC_1H, [candle(1, 200)], 2000);
    const outcome = await store.write(BTC_1H, [candle(1, 100)], 1999);
    expect(outcome).toEqual({ inserted: 0, unchanged: 0, revisions: [], outdated: 1 });
    expect(await store.read(BTC_1H, {})).toEqual([candle(1, 200)]);
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
    expect(await store.sizeBytes()).toBeGreaterThan(before ?? Infinity);
  });
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
