/** What is wrong with server, token, organisation or bucket is said once, at the start, with the variable that mends it. */
import { join } from 'node:path';
import { openInfluxCandles } from '../../src/adapters/influx/bucket';
import { mirrorForecasts } from '../../src/adapters/influx/forecast-mirror';
import { InfluxConnection } from '../../src/adapters/influx/connection';
import type { InfluxOptions } from '../../src/adapters/influx/influx-options';
import { MemoryForecastLedger } from '../../src/adapters/memory/memory-forecast-ledger';
import { openWriteOrder } from '../../src/adapters/sqlite/write-order';
import type { ConfigError } from '../../src/config/config-error';
import { QUANTILE_LEVELS } from '../../src/domain/quantiles';
import type { QuantileRow } from '../../src/domain/quantiles';
import { systemClock } from '../../src/ports/clock';
import type { ForecastRecord } from '../../src/ports/forecast-ledger';
import { freePort } from '../free-port';
import { INFLUXD_START_MS, describeOnInflux, startInfluxd } from '../influxd';
import type { TestInflux } from '../influxd';
import { BTC_1H, HOUR, candles, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

async function open(options: InfluxOptions) {
  const order = closed(await openWriteOrder(join(temporaryFolder(), 'write-order.db'), systemClock));
  return closed(await openInfluxCandles(options, 'binance', order));
}

async function complaint(options: InfluxOptions): Promise<{ variable: string; sentence: string }> {
  const error = await open(options).then(
    () => null,
    (thrown: unknown) => thrown as ConfigError,
  );
  expect(error?.name).toBe('ConfigError');
  expect(error?.problems).toHaveLength(1);
  expect(`${error?.stack}`).not.toContain(options.token);
  return error?.problems[0] ?? { variable: '', sentence: '' };
}

describeOnInflux('opening InfluxDB', () => {
  let influx: TestInflux;
  let admin: InfluxConnection;
  let orgID = '';
  beforeAll(async () => {
    influx = await startInfluxd();
    admin = new InfluxConnection(influx.options('first'));
    orgID = ((await admin.call('GET', '/api/v2/orgs')) as { orgs: { id: string }[] }).orgs[0]?.id ?? '';
  }, INFLUXD_START_MS);
  afterAll(async () => {
    admin.close();
    await influx.stop();
  });

  async function tokenFor(permissions: readonly object[]): Promise<string> {
    return ((await admin.call('POST', '/api/v2/authorizations', {}, { orgID, permissions })) as { token: string })
      .token;
  }

  test('workers that start at the same moment make one bucket, and all of them use it', async () => {
    const options = influx.options('at once');
    jest.spyOn(Date, 'now').mockReturnValue(Date.now());
    const stores = await Promise.all(Array.from({ length: 5 }, () => open(options)));
    jest.restoreAllMocks();
    await stores[0]?.write(BTC_1H, candles(0, 9), 1000);
    for (const store of stores) expect((await store.extent(BTC_1H))?.count).toBe(10);
  });

  test('a bucket that is not there is made, keeps everything for ever, and is found again', async () => {
    await (await open(influx.options('fresh'))).write(BTC_1H, candles(0, 9), 1000);
    const { buckets } = (await admin.call('GET', '/api/v2/buckets', { name: 'fresh' })) as {
      buckets: { retentionRules: { everySeconds: number }[] }[];
    };
    expect(buckets[0]?.retentionRules.map(({ everySeconds }) => everySeconds)).toEqual([0]);
    expect(await (await open(influx.options('fresh'))).read(BTC_1H, {})).toEqual(candles(0, 9));
  });

  test('an organisation that is not there', async () => {
    expect(await complaint({ ...influx.options('fresh'), org: 'nobody' })).toMatchObject({
      variable: 'INFLUXDB_ORG',
      sentence: expect.stringMatching(/no organisation "nobody"/),
    });
  });

  test('a token of another organisation, which would write here and read there', async () => {
    await open(influx.options('twice'));
    const other = (await admin.call('POST', '/api/v2/orgs', {}, { name: 'other' })) as { id: string };
    const retentionRules = [{ type: 'expire', everySeconds: 0 }];
    await admin.call('POST', '/api/v2/buckets', {}, { orgID: other.id, name: 'twice', retentionRules });
    expect(await complaint({ ...influx.options('twice'), org: 'other' })).toMatchObject({
      variable: 'INFLUXDB_TOKEN',
      sentence: expect.stringMatching(/reads from another place: use a token that belongs to "other"/),
    });
  });

  test('the least token there is can use a bucket that somebody made', async () => {
    await open(influx.options('shared'));
    const found = (await admin.call('GET', '/api/v2/buckets', { name: 'shared' })) as { buckets: { id: string }[] };
    const resource = { type: 'buckets', id: found.buckets[0]?.id, orgID };
    const token = await tokenFor(['read', 'write'].map((action) => ({ action, resource })));
    const store = await open({ ...influx.options('shared'), token });
    await store.write(BTC_1H, candles(0, 9), 1000);
    expect(await store.deleteBefore(BTC_1H, slot(5))).toBe(5);
    expect(await store.read(BTC_1H, {})).toEqual(candles(5, 9));
    expect(await store.pairs()).toEqual([BTC_1H]);
    expect(await complaint({ ...influx.options('not-mine'), token })).toMatchObject({
      variable: 'INFLUXDB_BUCKET',
      sentence: expect.stringMatching(/no bucket "not-mine".*may not make one/),
    });
  });

  test('a token that may only read', async () => {
    await open(influx.options('read-only'));
    const token = await tokenFor([{ action: 'read', resource: { type: 'buckets' } }]);
    expect(await complaint({ ...influx.options('read-only'), token })).toMatchObject({ variable: 'INFLUXDB_TOKEN' });
  });

  test('F54 a wrong token', async () => {
    const told = await complaint({ ...influx.options('fresh'), token: 'not-the-token' });
    expect(told).toMatchObject({ variable: 'INFLUXDB_TOKEN', sentence: expect.stringMatching(/does not accept/) });
  });

  test('I08 a bucket that deletes old data is refused before anything is written', async () => {
    const retentionRules = [{ type: 'expire', everySeconds: 30 * 86_400 }];
    await admin.call('POST', '/api/v2/buckets', {}, { orgID, name: 'forgetful', retentionRules });
    expect(await complaint(influx.options('forgetful'))).toMatchObject({
      variable: 'INFLUXDB_BUCKET',
      sentence: expect.stringMatching(/deletes what is older than 30\.0 days.*never/),
    });
  });

  test('F56 a server that is not there is store_unavailable, which is tried again', async () => {
    const nowhere = influx.options('fresh', await freePort());
    await expect(open(nowhere)).rejects.toMatchObject({ code: 'store_unavailable', retry: 'transient' });
  });

  test('several sources share a bucket and do not see each other', async () => {
    const order = () => openWriteOrder(join(temporaryFolder(), 'write-order.db'), systemClock);
    const real = closed(await openInfluxCandles(influx.options('sources'), 'binance', await order()));
    const simulated = closed(await openInfluxCandles(influx.options('sources'), 'simulated', await order()));
    await real.write(BTC_1H, candles(0, 9, 100), 1000);
    await simulated.write(BTC_1H, candles(5, 9, 200), 1000);
    await simulated.deleteBefore(BTC_1H, slot(7));
    expect(await real.read(BTC_1H, {})).toEqual(candles(0, 9, 100));
    expect(await simulated.read(BTC_1H, {})).toEqual(candles(7, 9, 200));
  });

  describe('forecasts', () => {
    const row = (price: number): QuantileRow => [
      price - 3,
      price - 2,
      price - 1,
      price,
      price + 1,
      price + 2,
      price + 3,
    ];
    const record = (issued: number, role: ForecastRecord['role'] = 'champion'): ForecastRecord => ({
      pair: BTC_1H,
      role,
      issuedAt: slot(issued) + 5000,
      dataThrough: slot(issued),
      modelVersion: `v"${issued}\\`,
      family: 'range-volatility',
      lastClose: 100,
      quantiles: Array.from({ length: 24 }, (_, step) => row(100 + step)),
    });

    test("the champion's are mirrored: issue time, step as a tag, version as a field; repeats change nothing", async () => {
      await open(influx.options('mirror'));
      const ledger = new MemoryForecastLedger();
      const mirror = closed(mirrorForecasts(ledger, { influx: influx.options('mirror'), source: 'binance' }));
      for (let repeat = 0; repeat < 2; repeat++) await mirror.ledger.append([record(0), record(1), record(1, 'naive')]);
      await mirror.settled();
      expect(mirror.counts).toEqual({ mirrored: 4, failed: 0 });
      const reader = new InfluxConnection(influx.options('mirror'));
      const [head, ...lines] = (await reader.query('SELECT * FROM forecast WHERE step = $step', { step: '3' }))
        .trim()
        .split('\n');
      reader.close();
      expect(head).toContain(QUANTILE_LEVELS.map((level) => `q${level}`).join(','));
      expect(lines.map((line) => line.split(',')[2])).toEqual([0, 1].map((n) => String(slot(n) + 5000)));
      expect(lines[1]).toContain(`,${slot(1) + 3 * HOUR}`);
      expect(await mirror.ledger.latest(BTC_1H, 'champion')).toEqual(record(1));
      expect(await mirror.ledger.latest(BTC_1H, 'naive')).toEqual(record(1, 'naive'));
    });

    test('a mirror that fails is counted, keeps nobody waiting and loses nothing of the ledger', async () => {
      const ledger = new MemoryForecastLedger();
      const failures: number[] = [];
      const mirror = closed(
        mirrorForecasts(ledger, {
          influx: influx.options('mirror', await freePort()),
          source: 'binance',
          onFailure: (_, failed) => failures.push(failed),
        }),
      );
      const many = Array.from({ length: 600 }, (_, index) => record(index));
      const started = performance.now();
      await mirror.ledger.append(many);
      expect(performance.now() - started).toBeLessThan(1000);
      await mirror.settled();
      expect(mirror.counts).toEqual({ mirrored: 0, failed: 600 });
      expect(failures.at(-1)).toBe(600);
      expect(await ledger.latest(BTC_1H, 'champion')).toEqual(record(599));
    });
  });
});

describeOnInflux('an InfluxDB that nobody has set up', () => {
  test(
    'is told from one that refuses the token',
    async () => {
      const influx = await startInfluxd({ setUp: false });
      try {
        expect(await complaint(influx.options('any'))).toMatchObject({
          variable: 'INFLUXDB_URL',
          sentence: expect.stringMatching(/has not been set up.*influx setup/),
        });
      } finally {
        await influx.stop();
      }
    },
    INFLUXD_START_MS,
  );
});
