/** InfluxDB on a bad day: refused rows, lost answers, full disks, revoked tokens. The server is a real one. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as fc from 'fast-check';
import { openInfluxCandles } from '../../src/adapters/influx/bucket';
import { InfluxCandleStore } from '../../src/adapters/influx/candle-store';
import { InfluxConnection } from '../../src/adapters/influx/connection';
import type { InfluxOptions } from '../../src/adapters/influx/influx-options';
import { openWriteOrder } from '../../src/adapters/sqlite/write-order';
import { PipelineError } from '../../src/domain/errors';
import type { Candle, MarketSymbol, Pair, TimeframeId } from '../../src/domain/types';
import { systemClock } from '../../src/ports/clock';
import { INFLUXD_START_MS, describeOnInflux, startInfluxd } from '../influxd';
import type { TestInflux } from '../influxd';
import { startFaultProxy } from '../proof/process/fault-proxy';
import { endChildren, startChild } from './children/child-process';
import { testMounted } from '../possible';
import { smallDisk } from './small-disk';
import { slotsSaid } from './slots-said';
import { BTC_1H, RUNS, candle, candles, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
afterEach(endChildren);
afterEach(() => jest.restoreAllMocks());

const SOURCE = 'binance';
/** The answer to any query of an empty bucket: only its last statement gives a row. */
const NOTHING_STORED =
  'name,tags,name,duration,shardGroupDuration,replicaN,default\n,,autogen,0s,168h0m0s,replicaN,true\n';

/** The candles of one source in one bucket, made when it is not there. */
async function openStore(options: InfluxOptions, folder = temporaryFolder()): Promise<InfluxCandleStore> {
  const order = await openWriteOrder(join(folder, 'write-order.db'), systemClock);
  return closed(await openInfluxCandles(options, SOURCE, order));
}

/** A price that is text, in the file of the server that holds this time. */
async function plant(options: InfluxOptions, time: number): Promise<void> {
  const connection = new InfluxConnection(options);
  await connection.write([`candle,source=other close="text" ${time + 1000}`]);
  connection.close();
}

async function failureOf(work: Promise<unknown>): Promise<PipelineError> {
  return work.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => error as PipelineError,
  );
}

describeOnInflux('InfluxDB', () => {
  let influx: TestInflux;
  beforeAll(async () => {
    influx = await startInfluxd();
  }, INFLUXD_START_MS);
  afterAll(async () => influx.stop());

  describe('rows that the store refuses', () => {
    test('F51 P14 422: one row among 500 conflicts with another type; 499 are stored, one is set aside', async () => {
      const options = influx.options('conflict');
      const store = await openStore(options);
      // In another file of the server than the other rows, and there a price is text.
      const poisoned = candle(-40_000);
      await plant(options, poisoned.openTime);
      const page = [...candles(0, 249), poisoned, ...candles(250, 498)];
      const requests = jest.spyOn(InfluxConnection.prototype, 'write');
      const outcome = await store.write(BTC_1H, page, 1000);
      expect(outcome).toMatchObject({ inserted: 499, revisions: [] });
      const raw = expect.stringMatching(/^\[\d+,100,.* refuses: .*type/) as string;
      expect(outcome.refused).toEqual([{ reason: 'refused_by_store', openTime: poisoned.openTime, raw }]);
      expect(requests.mock.calls.length).toBeLessThanOrEqual(12);
      expect(await store.read(BTC_1H, {})).toEqual(candles(0, 498));
    });

    test('F52 P14 400: a time that no store can hold costs its own row only', async () => {
      const store = await openStore(influx.options('poison'));
      const beyond = { ...candle(0), openTime: slot(0) + 3_600_000 * 3_000_000 };
      const page = [...candles(0, 249), beyond, ...candles(250, 498)];
      const requests = jest.spyOn(InfluxConnection.prototype, 'write');
      const outcome = await store.write(BTC_1H, page, 1000);
      expect(outcome).toMatchObject({ inserted: 499, refused: [{ openTime: beyond.openTime }] });
      expect(requests.mock.calls.length).toBeLessThanOrEqual(12);
      expect(await store.read(BTC_1H, {})).toEqual(candles(0, 498));
    }, 60_000);

    test('I07 a revision that the store refuses is not shown: its slot keeps the candle that is stored', async () => {
      const store = await openStore(influx.options('refused-revision'));
      await store.write(BTC_1H, candles(0, 9), 1000);
      const direct = new InfluxConnection(influx.options('refused-revision'));
      const send = direct.write.bind(direct);
      jest.spyOn(InfluxConnection.prototype, 'write').mockImplementation(async (lines) => {
        if (lines.some((line) => line.endsWith(` ${slot(3)}`)))
          throw new PipelineError('store_refused', 'type conflict');
        await send(lines);
      });
      const outcome = await store.write(BTC_1H, [candle(3, 500), candle(4, 500)], 2000);
      expect(outcome).toMatchObject({ revisions: [{ after: candle(4, 500) }], refused: [{ openTime: slot(3) }] });
      expect(await store.read(BTC_1H, {})).toEqual(candles(0, 9).with(4, candle(4, 500)));
    });

    test('a page that is refused as a whole is a failure of the store, not of its rows', async () => {
      const options = influx.options('all-conflict');
      const store = await openStore(options);
      await plant(options, slot(0));
      expect(await failureOf(store.write(BTC_1H, candles(0, 99), 1000))).toMatchObject({
        code: 'store_refused',
        retry: 'permanent',
      });
    });
  });

  describe('names', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('A', '1', '/', ',', '=', ' ', '\n', '\\', '"', "'", '$', '{', '|', '>', ';', ':', '-'),
      }),
      fc.constantFrom('BTC/USDT\\', 'BTC/USDT\n', '', 'BTC/USDT" OR 1=1', 'BTC/USDT,x=1', '${x}', "a' OR ''='"),
    );

    test('S07 P13 no name makes a series, reads another or changes a query: it is refused or comes back exactly', async () => {
      const store = await openStore(influx.options('names'));
      await store.write(BTC_1H, candles(0, 2), 1000);
      const known = new Set(['BTC/USDT 1h']);
      await fc.assert(
        fc.asyncProperty(hostile, fc.constantFrom('1h', '1d'), fc.boolean(), async (name, timeframe, asTimeframe) => {
          const pair: Pair = asTimeframe
            ? { symbol: BTC_1H.symbol, timeframe: name as TimeframeId }
            : { symbol: name as MarketSymbol, timeframe: timeframe as TimeframeId };
          const written = await store.write(pair, [candle(0)], 1000).then(
            () => true,
            () => false,
          );
          if (written) known.add(`${pair.symbol} ${pair.timeframe}`);
          else expect(await store.read(pair, {}).catch(() => [])).toEqual([]);
          await store.deleteBefore(pair, slot(0)).catch(() => 0);
        }),
        { numRuns: 4 * RUNS.numRuns },
      );
      const pairs = (await store.pairs()).map(({ symbol, timeframe }) => `${symbol} ${timeframe}`);
      expect(new Set(pairs)).toEqual(known);
      expect(await store.read(BTC_1H, {})).toEqual(candles(0, 2));
    }, 60_000);
  });

  describe('a link that fails', () => {
    test('F49 I10 a write that was done and whose answer is lost is repeated and leaves identical data', async () => {
      const proxy = await startFaultProxy(influx.port);
      const store = await openStore(influx.options('link', proxy.port));
      await proxy.apply('do_then_fail');
      expect(await failureOf(store.write(BTC_1H, candles(0, 99, 200), 1000))).toMatchObject({
        code: 'store_unavailable',
      });
      await proxy.apply('none');
      const direct = await openStore(influx.options('link'));
      await direct.write(BTC_1H, candles(50, 99, 100), 500);
      const again = await store.write(BTC_1H, candles(0, 99, 200), 1000);
      expect(again.refused).toEqual([]);
      expect(await store.read(BTC_1H, {})).toEqual(candles(0, 99, 200));
      expect(proxy.fired.get('do_then_fail')).toBeGreaterThan(0);
      await proxy.close();
    });

    test('P11 I11 a revision whose write failed is sent when it is repeated, though it was decided already', async () => {
      const proxy = await startFaultProxy(influx.port);
      try {
        const store = await openStore(influx.options('revised', proxy.port));
        await store.write(BTC_1H, candles(0, 9), 1000);
        const revised = [candle(3, 500)];
        // Everything is read and decided when the link breaks.
        const cut = () => proxy.apply('refuse');
        expect(await failureOf(store.write(BTC_1H, revised, 2000, cut))).toMatchObject({ code: 'store_unavailable' });
        await proxy.apply('none');
        await store.write(BTC_1H, revised, 2000).catch(() => store.write(BTC_1H, revised, 2000));
        // Another deployment's store knows nothing of what this one decided: it reads what the server has.
        const server = await openStore(influx.options('revised'));
        expect((await server.read(BTC_1H, {}))[3]).toEqual(revised[0]);
      } finally {
        await proxy.close();
      }
    });

    test.each(['refuse', 'reset', 'half_close', 'hold', 'slow'] as const)(
      'F50 F56 %s ends within its limit as store_unavailable, and the next write goes through',
      async (toxic) => {
        const proxy = await startFaultProxy(influx.port);
        const limited = { ...influx.options(`link-${toxic}`, proxy.port), timeoutMs: 1500 };
        const store = await openStore(limited);
        await proxy.apply(toxic);
        const started = performance.now();
        const page = Array.from({ length: 400 }, (_, index) => candle(index, 100 + index * 1.000_01));
        const ended = await store.write(BTC_1H, page, 1000).then(
          () => null,
          (error: unknown) => error,
        );
        // Slow or half closed, a link may also let it through.
        if (ended !== null) expect(ended).toMatchObject({ code: 'store_unavailable', retry: 'transient' });
        expect(performance.now() - started).toBeLessThan(3 * 1500 + 3000);
        await proxy.apply('none');
        // A connection that was spoilt while it rested fails once more.
        const again = () => store.write(BTC_1H, page, 1001);
        const outcome = await again().catch(again).catch(again);
        expect(outcome).toMatchObject({ revisions: [], outdated: 0, refused: [] });
        expect(await store.read(BTC_1H, {})).toEqual(page);
        await proxy.close();
      },
      30_000,
    );

    test('F50 bytes that come one by one are an answer like any other', async () => {
      const proxy = await startFaultProxy(influx.port);
      const store = await openStore(influx.options('slices', proxy.port));
      await proxy.apply('slice');
      expect(await store.write(BTC_1H, candles(0, 20), 1000)).toMatchObject({ inserted: 21 });
      expect(await store.read(BTC_1H, {})).toEqual(candles(0, 20));
      await proxy.close();
    }, 30_000);
  });

  describe('answers other than 204', () => {
    let server: Server;
    let answer: { status: number; headers?: Record<string, string>; body?: string };
    let store: InfluxCandleStore;
    beforeAll(async () => {
      // Reads go to the real server; writes get the answer of the test.
      server = createServer((request, response) => {
        request.resume();
        if (request.url?.startsWith('/api/v2/write') === true) {
          response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers }).end(answer.body);
        } else response.writeHead(200, { 'content-type': 'application/csv' }).end(NOTHING_STORED);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    beforeEach(async () => {
      const options = influx.options('answers', (server.address() as AddressInfo).port);
      const order = await openWriteOrder(join(temporaryFolder(), 'write-order.db'), systemClock);
      const connection = new InfluxConnection(options);
      store = closed(new InfluxCandleStore({ connection, bucketId: '', source: SOURCE, order }));
    });
    afterAll(() => new Promise((resolve) => server.close(resolve)));

    test.each([200, 201, 202])('P11 %i is not 204 and acknowledges nothing', async (status) => {
      answer = { status };
      expect(await failureOf(store.write(BTC_1H, [candle(0)], 1000))).toMatchObject({ code: 'store_unavailable' });
    });

    test.each([
      ['7', 7_000, 7_700],
      [() => new Date(Date.now() + 30_000).toUTCString(), 28_000, 34_000],
      ['-5', 60_000, 66_000],
      ['99999999', 3_600_000, 3_600_000],
    ])(
      'F53 429 and 503 with Retry-After %s: no try earlier than told, an hour at most',
      async (header, least, most) => {
        for (const status of [429, 503]) {
          const text = typeof header === 'string' ? header : header();
          answer = {
            status,
            headers: { 'retry-after': text, date: new Date().toUTCString() },
            body: '{"message":"busy"}',
          };
          const { code, retryAfterMs } = await failureOf(store.write(BTC_1H, [candle(0)], 1000));
          expect(code).toBe('store_unavailable');
          expect(retryAfterMs).toBeGreaterThanOrEqual(least);
          expect(retryAfterMs).toBeLessThanOrEqual(most);
        }
      },
    );

    test('a full disk is told from other faults', async () => {
      answer = { status: 500, body: '{"message":"write wal: no space left on device"}' };
      expect(await failureOf(store.write(BTC_1H, [candle(0)], 1000))).toMatchObject({ code: 'disk_full' });
      answer = { status: 500, body: '{"message":"engine: closed"}' };
      expect(await failureOf(store.write(BTC_1H, [candle(0)], 1000))).toMatchObject({ code: 'store_unavailable' });
    });

    test.each([401, 403])('F54 %i is not tried again, and the token is nowhere in the failure', async (status) => {
      answer = { status, body: JSON.stringify({ message: `no rights with Token ${influx.token}` }) };
      const failure = await failureOf(store.write(BTC_1H, [candle(0)], 1000));
      expect(failure).toMatchObject({ code: 'store_unauthorized', retry: 'permanent' });
      expect(`${failure.stack}${JSON.stringify(failure)}${String(failure.cause)}`).not.toContain(influx.token);
    });
  });

  test('F54 a token that is revoked while we run', async () => {
    const admin = new InfluxConnection(influx.options('first'));
    const { orgs } = (await admin.call('GET', '/api/v2/orgs')) as { orgs: { id: string }[] };
    const permissions = ['read', 'write'].map((action) => ({ action, resource: { type: 'buckets' } }));
    const body = { orgID: orgs[0]?.id, permissions: [...permissions, { action: 'read', resource: { type: 'orgs' } }] };
    const made = (await admin.call('POST', '/api/v2/authorizations', {}, body)) as { id: string; token: string };
    const store = await openStore({ ...influx.options('revoked'), token: made.token });
    await store.write(BTC_1H, [candle(0)], 1000);
    await fetch(`${influx.url}/api/v2/authorizations/${made.id}`, {
      method: 'DELETE',
      headers: { authorization: `Token ${influx.token}` },
    });
    const failure = await failureOf(store.write(BTC_1H, [candle(1)], 1000));
    expect(failure).toMatchObject({ code: 'store_unauthorized', retry: 'permanent' });
    expect(`${failure.stack}`).not.toContain(made.token);
    admin.close();
  });

  test('P10 I07 a writer that is held on its way and arrives last does not overwrite what a newer fetch stored', async () => {
    const folder = temporaryFolder();
    const late = await openStore(influx.options('late'), folder);
    const healthy = await openStore(influx.options('late'), folder);
    let send: () => void = () => {};
    const held = new Promise<void>((resolve) => (send = resolve));
    const direct = new InfluxConnection(influx.options('late'));
    const spy = jest.spyOn(InfluxConnection.prototype, 'write').mockImplementationOnce(async (lines) => {
      await held;
      return direct.write(lines);
    });
    const older: Promise<unknown> = late.write(BTC_1H, candles(0, 9, 100), 1000);
    for (let wait = 0; wait < 100 && spy.mock.calls.length === 0; wait++) await pause(20);
    await healthy.write(BTC_1H, candles(0, 9, 200), 2000);
    send();
    await older;
    expect(await late.read(BTC_1H, {})).toEqual(candles(0, 9, 200));
    expect(await healthy.last(BTC_1H, 3)).toEqual(candles(7, 9, 200));
    expect(await healthy.write(BTC_1H, candles(0, 9, 300), 1500)).toMatchObject({ outdated: 10, revisions: [] });
    direct.close();
  });
});

describeOnInflux('an InfluxDB that dies', () => {
  test(
    'F12 I11 P12 killed under four writers it holds all that was acknowledged and nothing that was not attempted',
    async () => {
      const influx = await startInfluxd();
      try {
        const options = influx.options('killed');
        const folder = temporaryFolder();
        const store = await openStore(options, folder);
        const order = join(folder, 'write-order.db');
        const writers = [0, 1, 2, 3].map((which) =>
          startChild('influx-candle-writer.ts', JSON.stringify(options), order, which * 100_000),
        );
        for (const writer of writers) await writer.line((line) => line.startsWith('ack'));
        for (let round = 0; round < 3; round++) {
          await pause(300 + 200 * round);
          await influx.kill();
          await influx.restart();
        }
        await pause(500);
        for (const writer of writers) writer.kill('SIGKILL');
        const [acked, attempted] = [new Set<number>(), new Set<number>()];
        for (const writer of writers) {
          await writer.ended;
          for (const openTime of slotsSaid(writer, 'ack')) acked.add(openTime);
          for (const openTime of slotsSaid(writer, 'attempt')) attempted.add(openTime);
          expect(writer.lines.some((line) => line === 'failed store_unavailable')).toBe(true);
          expect(
            writer.lines.filter((line) => line.startsWith('failed') && line !== 'failed store_unavailable'),
          ).toEqual([]);
        }
        const stored = new Set((await store.read(BTC_1H, { limit: Infinity })).map(({ openTime }) => openTime));
        expect([...acked].filter((openTime) => !stored.has(openTime))).toEqual([]);
        expect([...stored].filter((openTime) => !attempted.has(openTime))).toEqual([]);
        expect((await store.extent(BTC_1H))?.count).toBe(stored.size);
        expect(acked.size).toBeGreaterThan(400);
      } finally {
        await influx.stop();
      }
    },
    INFLUXD_START_MS,
  );

  testMounted(
    'F33 I11 on a full disk a write is not acknowledged, and all goes on when there is space',
    async () => {
      const disk = smallDisk(temporaryFolder(), 8);
      const influx = await startInfluxd({ folder: disk.folder });
      try {
        const folder = temporaryFolder();
        const hasty = await openStore({ ...influx.options('full'), timeoutMs: 5000 }, folder);
        let acked = 0;
        const fill = async (): Promise<void> => {
          for (;;) {
            // Values that do not compress, or the disk would hold years.
            await hasty.write(BTC_1H, noise(acked, 2000), 1000);
            acked += 2000;
          }
        };
        expect(['disk_full', 'store_unavailable']).toContain((await failureOf(fill())).code);
        disk.grow(200);
        await influx.kill();
        await influx.restart();
        const store = await openStore(influx.options('full'), folder);
        const stored = await readAll(store);
        expect(digest(stored.slice(0, acked))).toBe(digest(noise(0, acked)));
        // Of the write that failed there may be any weeks: each is a shard of its own.
        const rest = new Set(noise(acked, 2000).map((one) => digest([one])));
        expect(stored.slice(acked).filter((one) => !rest.has(digest([one])))).toEqual([]);
        const again = await store.write(BTC_1H, noise(acked, 2000), 1001);
        expect([again.revisions, again.outdated, again.refused]).toEqual([[], 0, []]);
        expect(digest(await readAll(store))).toBe(digest(noise(0, acked + 2000)));
      } finally {
        await influx.stop();
        disk.remove();
      }
    },
    INFLUXD_START_MS,
  );
});

async function readAll(store: InfluxCandleStore): Promise<Candle[]> {
  const all: Candle[] = [];
  for (;;) {
    const page = await store.read(BTC_1H, { from: (all.at(-1)?.openTime ?? 0) + 1, limit: 10_000 });
    all.push(...page);
    if (page.length < 10_000) return all;
  }
}

/** Of a hundred thousand candles, which are not compared one by one in a second. */
function digest(all: readonly Candle[]): string {
  const hash = createHash('sha256');
  for (const { openTime, open, high, low, close, volume } of all)
    hash.update(`${openTime},${open},${high},${low},${close},${volume};`);
  return `${all.length} ${hash.digest('hex')}`;
}

/** Candles whose digits follow from their slots and look like chance. */
function noise(from: number, count: number): Candle[] {
  return Array.from({ length: count }, (_, index) => {
    const digits = (k: number): number => Math.abs(Math.sin((from + index) * 12.9898 + k) * 43_758.5453) % 1;
    const [open, close] = [100 + digits(1), 100 + digits(2)];
    const { openTime } = candle(from + index);
    return { openTime, open, high: 102 + digits(3), low: 98 + digits(4), close, volume: digits(5) * 1000 };
  });
}
