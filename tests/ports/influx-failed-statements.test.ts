/** InfluxDB answers a statement that fails with status 200 and no word of it: what is read must prove that it is whole. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openInfluxCandles } from '../../src/adapters/influx/bucket';
import { InfluxCandleStore } from '../../src/adapters/influx/candle-store';
import { InfluxConnection } from '../../src/adapters/influx/connection';
import type { InfluxOptions } from '../../src/adapters/influx/influx-options';
import { openWriteOrder } from '../../src/adapters/sqlite/write-order';
import type { PipelineError } from '../../src/domain/errors';
import { systemClock } from '../../src/ports/clock';
import { INFLUXD_START_MS, describeOnInflux, startInfluxd } from '../influxd';
import type { TestInflux } from '../influxd';
import { BTC_1H, candles, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const SOURCE = 'binance';

async function failureOf(work: Promise<unknown>): Promise<PipelineError> {
  return work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as PipelineError,
  );
}

describeOnInflux('queries of which a statement fails', () => {
  let influx: TestInflux;
  beforeAll(async () => {
    influx = await startInfluxd();
  }, INFLUXD_START_MS);
  afterAll(async () => influx.stop());

  const openStore = async (options: InfluxOptions): Promise<InfluxCandleStore> => {
    const order = await openWriteOrder(join(temporaryFolder(), 'write-order.db'), systemClock);
    return closed(await openInfluxCandles(options, SOURCE, order));
  };

  const everyAsk: (store: InfluxCandleStore) => readonly (() => Promise<unknown>)[] = (store) => [
    () => store.extent(BTC_1H),
    () => store.read(BTC_1H, {}),
    () => store.last(BTC_1H, 5),
    () => store.count(BTC_1H, { from: slot(0), to: slot(9) }),
    () => store.holes(BTC_1H),
    () => store.pairs(),
    () => store.deleteBefore(BTC_1H, slot(5)),
    () => store.write(BTC_1H, candles(0, 9, 300), 500),
  ];

  test('I07 P12 a bucket that is gone is a store that is unavailable, not an empty one', async () => {
    const store = await openStore(influx.options('gone'));
    await store.write(BTC_1H, candles(0, 9), 1000);
    const admin = new InfluxConnection(influx.options('first'));
    const { buckets } = (await admin.call('GET', '/api/v2/buckets', { name: 'gone' })) as {
      buckets: { id: string }[];
    };
    await fetch(`${influx.url}/api/v2/buckets/${buckets[0]?.id}`, {
      method: 'DELETE',
      headers: { authorization: `Token ${influx.token}` },
    });
    admin.close();
    for (const ask of everyAsk(store)) expect(await failureOf(ask())).toMatchObject({ code: 'store_unavailable' });
  });

  test('I07 an answer with 200 that ends anywhere before its end is none, and nothing is written on it', async () => {
    const options = influx.options('cut');
    await (await openStore(options)).write(BTC_1H, candles(0, 9, 200), 1000);
    let keep = 0;
    const proxy = createServer((request, response) => {
      void (async () => {
        const pieces: Buffer[] = [];
        for await (const piece of request) pieces.push(piece as Buffer);
        const { method = 'GET', url = '', headers } = request;
        const answer = await fetch(`${influx.url}${url}`, {
          method,
          headers: {
            authorization: headers.authorization ?? '',
            accept: headers.accept ?? '',
            'content-type': headers['content-type'] ?? '',
          },
          ...(method === 'GET' ? {} : { body: Buffer.concat(pieces) }),
        });
        const text = await answer.text();
        // As when the statement fails: what it had so far, whole lines, and no word of it.
        const told = url.startsWith('/query')
          ? text.slice(0, text.lastIndexOf('\n', keep * (text.length - 2)) + 1)
          : text;
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(told);
      })();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const connection = new InfluxConnection(influx.options('cut', (proxy.address() as AddressInfo).port));
      const order = await openWriteOrder(join(temporaryFolder(), 'write-order.db'), systemClock);
      const store = closed(new InfluxCandleStore({ connection, bucketId: '', source: SOURCE, order }));
      for (keep of [0, 0.3, 0.6, 1])
        for (const ask of everyAsk(store)) expect(await failureOf(ask())).toMatchObject({ code: 'store_unavailable' });
    } finally {
      proxy.close();
    }
    expect(await (await openStore(options)).read(BTC_1H, {})).toEqual(candles(0, 9, 200));
  });
});
