import { join } from 'node:path';
import { MemoryCandleStore } from '../../src/adapters/memory/memory-candle-store';
import { openCandleStore } from '../../src/adapters/sqlite/candle-store';
import { countRanges } from '../../src/domain/coverage';
import type { Candle } from '../../src/domain/types';
import { testOnCandles } from '../candles';
import { readCandleRows } from '../unit/domain/candle-file';
import { candleStoreContract } from './candle-store-contract';
import { BTC_1H, closedAfterEach, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

candleStoreContract('in memory', async () => new MemoryCandleStore());
candleStoreContract('SQLite', async () => closed(await openCandleStore(join(temporaryFolder(), 'candles.db'))));

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
