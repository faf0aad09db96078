/** One suite for every candle store: here on a real InfluxDB. */
import { join } from 'node:path';
import { openInfluxCandles } from '../../src/adapters/influx/bucket';
import { openWriteOrder } from '../../src/adapters/sqlite/write-order';
import { systemClock } from '../../src/ports/clock';
import { INFLUXD_START_MS, describeOnInflux, startInfluxd } from '../influxd';
import type { TestInflux } from '../influxd';
import { candleStoreContract } from './candle-store-contract';
import { closedAfterEach, temporaryFolders } from './store-fixtures';

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
});
