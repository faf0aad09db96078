/** One suite for every candle store: here on a real InfluxDB. */
import { join } from 'node:path';
import { openInfluxCandles } from '../../src/adapters/influx/bucket';
import { InfluxConnection } from '../../src/adapters/influx/connection';
import { openWriteOrder } from '../../src/adapters/sqlite/write-order';
import { systemClock } from '../../src/ports/clock';
import { INFLUXD_START_MS, describeOnInflux, startInfluxd } from '../influxd';
import type { TestInflux } from '../influxd';
import { candleStoreContract } from './candle-store-contract';
import { BTC_1H, candles, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

describeOnInflux('on InfluxDB', () => {
  let influx: TestInflux;
  let made = 0;
  beforeAll(async () => {
    influx = await startInfluxd();
  }, INFLUXD_START_MS);
  afterAll(async () => influx.stop());

  // A source of its own is an empty store.
  candleStoreContract('InfluxDB', async () => {
    const order = await openWriteOrder(join(temporaryFolder(), 'write-order.db'), systemClock);
    return closed(await openInfluxCandles(influx.options('candles'), `source${made++}`, order));
  });

  test('the newest candles are right where holes lie among them, another writer was newer, or all were removed', async () => {
    const folder = temporaryFolder();
    const open = async () => {
      const order = await openWriteOrder(join(folder, 'write-order.db'), systemClock);
      return closed(await openInfluxCandles(influx.options('candles'), `source${made}`, order));
    };
    const [store, other] = [await open(), await open()];
    made += 1;
    const holed = [...candles(0, 50), ...candles(90, 99)];
    await store.write(BTC_1H, holed, 1000);
    expect(await store.last(BTC_1H, 10)).toEqual(candles(90, 99));
    expect(await store.last(BTC_1H, 20)).toEqual(holed.slice(-20));
    expect(await store.last(BTC_1H, 5, slot(92))).toEqual([...candles(49, 50), ...candles(90, 92)]);
    await other.write(BTC_1H, candles(100, 130), 1000);
    expect(await store.last(BTC_1H, 20)).toEqual(candles(111, 130));
    await other.deleteBefore(BTC_1H, slot(131));
    expect(await store.last(BTC_1H, 5)).toEqual([]);
    await other.write(BTC_1H, candles(3, 4), 2000);
    expect(await store.last(BTC_1H, 5)).toEqual(candles(3, 4));
  });

  test('a size is unknown when the metrics do not know a bucket that has candles; one that is really empty takes nothing', async () => {
    const order = await openWriteOrder(join(temporaryFolder(), 'write-order.db'), systemClock);
    const store = closed(await openInfluxCandles(influx.options('unmeasured'), 'binance', order));
    expect(await store.sizeBytes()).toBe(0);
    await store.write(BTC_1H, candles(0, 99), 1000);
    // The shard is named from its first row on, whatever its size is said to be.
    expect(await store.sizeBytes()).not.toBeNull();
    for (const text of ['', '<html>', 'storage_shard_disk_size{bucket="another"} 5\n']) {
      const said = jest.spyOn(InfluxConnection.prototype, 'metrics').mockResolvedValue(text);
      expect(await store.sizeBytes()).toBeNull();
      said.mockRestore();
    }
  });
});
