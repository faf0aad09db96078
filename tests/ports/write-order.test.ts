/** The order of writes, with what a candle store without compare-and-set makes of it. */
import { join } from 'node:path';
import { openWriteOrder } from '../../src/adapters/sqlite/write-order';
import type { DatedCandle, WriteOrder } from '../../src/ports/write-order';
import { BTC_1H, candle, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const HOUR = 3_600_000;

let now = 0;
const clock = { now: () => now, monotonic: () => now };
const RANGE = { from: slot(0), to: slot(3) };

async function order(): Promise<WriteOrder> {
  now = 1_700_000_000_000;
  return closed(await openWriteOrder(join(temporaryFolder(), 'write-order.db'), clock));
}

const dated = (index: number, price: number, fetchedAt: number): DatedCandle => ({
  candle: candle(index, price),
  fetchedAt,
});

/** What a writer does who decides on everything when others are at it, and on nothing otherwise. */
async function decide(writes: WriteOrder, write: number, rows: readonly DatedCandle[]): Promise<boolean> {
  return writes.decide(write, (_, contested) => ({ result: contested, decided: contested ? rows : [] }));
}

test('I07 a write that meets no other leaves nothing behind', async () => {
  const writes = await order();
  const write = await writes.begin(BTC_1H, RANGE);
  expect(await decide(writes, write, [dated(0, 100, 1)])).toBe(false);
  await writes.finish(write, [dated(0, 100, 1)]);
  expect((await writes.decided(BTC_1H, RANGE)).size).toBe(0);
});

test.each([
  ['the older began first', 1, 2],
  ['the newer began first', 2, 1],
])('I07 of two writes that overlap in time the newer fetch stands: %s', async (_, first, second) => {
  const writes = await order();
  const one = await writes.begin(BTC_1H, RANGE);
  await decide(writes, one, [dated(0, first * 100, first)]);
  const other = await writes.begin(BTC_1H, { from: slot(0), to: slot(0) });
  expect(await decide(writes, other, [dated(0, second * 100, second)])).toBe(true);
  await writes.finish(other, [dated(0, second * 100, second)]);
  await writes.finish(one, [dated(0, first * 100, first)]);
  expect((await writes.decided(BTC_1H, RANGE)).get(slot(0))).toEqual(dated(0, 200, 2));
});

test('P10 I07 a writer that wakes up after another came and went is overruled, and knows no better', async () => {
  const writes = await order();
  const frozen = await writes.begin(BTC_1H, RANGE);
  await decide(writes, frozen, [dated(0, 100, 1)]);
  const healthy = await writes.begin(BTC_1H, RANGE);
  await decide(writes, healthy, [dated(0, 200, 2)]);
  await writes.finish(healthy, [dated(0, 200, 2)]);
  const next = await writes.begin(BTC_1H, { from: slot(9), to: slot(9) });
  await writes.finish(next, []);
  await writes.finish(frozen, [dated(0, 100, 1)]);
  expect((await writes.decided(BTC_1H, RANGE)).get(slot(0))).toEqual(dated(0, 200, 2));
});

test('writes of other slots and other pairs do not meet', async () => {
  const writes = await order();
  await writes.begin(BTC_1H, { from: slot(4), to: slot(9) });
  await writes.begin({ ...BTC_1H, symbol: 'ETH/USDT' as typeof BTC_1H.symbol }, RANGE);
  expect(await decide(writes, await writes.begin(BTC_1H, RANGE), [])).toBe(false);
});

test('P12 a write that failed on its way may still arrive: for an hour those that follow it are decided on', async () => {
  const writes = await order();
  await writes.begin(BTC_1H, RANGE);
  now += HOUR - 1;
  expect(await decide(writes, await writes.begin(BTC_1H, RANGE), [])).toBe(true);
  const cancelled = await writes.begin(BTC_1H, { from: slot(50), to: slot(60) });
  await writes.cancel(cancelled);
  expect(await decide(writes, await writes.begin(BTC_1H, { from: slot(50), to: slot(60) }), [])).toBe(false);
});

test('a writer that slept for longer than that is refused', async () => {
  const writes = await order();
  const slept = await writes.begin(BTC_1H, RANGE);
  now += HOUR + 1;
  await writes.begin(BTC_1H, RANGE);
  await expect(decide(writes, slept, [])).rejects.toMatchObject({ code: 'fenced' });
  await expect(writes.finish(slept, [])).rejects.toMatchObject({ code: 'fenced' });
});

test('retention forgets decisions with the candles they are about', async () => {
  const writes = await order();
  const write = await writes.begin(BTC_1H, RANGE);
  await writes.decide(write, () => ({ result: null, decided: [dated(0, 100, 1), dated(3, 100, 1)] }));
  await writes.forgetBefore(BTC_1H, slot(3));
  expect([...(await writes.decided(BTC_1H, RANGE)).keys()]).toEqual([slot(3)]);
});
