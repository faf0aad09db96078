import { statSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryCandleStore } from '../../src/adapters/memory/memory-candle-store';
import { openCandleStore } from '../../src/adapters/sqlite/candle-store';
import { countRanges } from '../../src/domain/coverage';
import { storageLevel } from '../../src/domain/storage-budget';
import type { Candle } from '../../src/domain/types';
import type { CandleStore } from '../../src/ports/candle-store';
import { testOnCandles } from '../candles';
import { readCandleRows } from '../unit/domain/candle-file';
import { candleStoreContract } from './candle-store-contract';
import { BTC_1H, candles, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

candleStoreContract('in memory', async () => new MemoryCandleStore());
candleStoreContract('SQLite', async () => closed(await openCandleStore(join(temporaryFolder(), 'candles.db'))));

test('F33 what retention removed is room again: a full budget goes down though the file stays as long', async () => {
  const path = join(temporaryFolder(), 'candles.db');
  // Closing copies the log into the file.
  const reopened = async (work: (store: CandleStore) => Promise<unknown>): Promise<[number | null, number]> => {
    const store = await openCandleStore(path);
    await work(store);
    await store.close();
    const again = closed(await openCandleStore(path));
    return [await again.sizeBytes(), statSync(path).size];
  };
  const [full, fileOfFull] = await reopened((store) => store.write(BTC_1H, candles(0, 5000), 1000));
  const [after, fileAfter] = await reopened((store) => store.deleteBefore(BTC_1H, slot(4990)));
  expect([storageLevel(full, full), storageLevel(after, full)]).toEqual(['block', 'ok']);
  expect(fileAfter).toBe(fileOfFull);
});

testOnCandles(
  'I03 seven years of real hours: the 28 holes of 128 candles are found, by both stores alike',
  async (folder) => {
    const all = readCandleRows(folder, 'BTC_USDT-1h.csv.gz').map(
      ([openTime = 0, open = 0, high = 0, low = 0, close = 0, volume = 0]): Candle => ({
        openTime,
        open,
        high,
        low,
        close,
        volume,
      }),
    );
    const store = closed(await openCandleStore(join(temporaryFolder(), 'candles.db')));
    const twin = new MemoryCandleStore();
    for (let from = 0; from < all.length; from += 1000) {
      await store.write(BTC_1H, all.slice(from, from + 1000), 1000);
      await twin.write(BTC_1H, all.slice(from, from + 1000), 1000);
    }
    const holes = await store.holes(BTC_1H);
    expect([holes.length, countRanges(BTC_1H.timeframe, holes)]).toEqual([28, 128]);
    expect(await twin.holes(BTC_1H)).toEqual(holes);
    expect(await store.read(BTC_1H, { limit: Infinity })).toEqual(all);
  },
);
