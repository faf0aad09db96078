import * as fc from 'fast-check';
import { PipelineError } from '../../../src/domain/errors';
import { fill } from '../../../src/ingest/fill';
import {
  BTC,
  after,
  before,
  candle,
  candles,
  exchangeThat,
  ingestPorts,
  jumping,
  rowOf,
  slot,
} from './ingest-under-test';
import type { EpochMs } from '../../../src/domain/types';
import type { FillProgress } from '../../../src/ingest/fill';

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 50) };
type Ports = Parameters<typeof fill>[0];

const fillTo = (ports: Ports, newest: number, from: EpochMs = slot(0)) =>
  fill(ports, { pair: BTC, from, asOf: after(newest), limit: 100 });
const stored = (ports: Ports) => ports.candles.read(BTC, { limit: 100_000 });

test('an empty store is filled from the start to the last closed candle', async () => {
  const ports = ingestPorts(after(1234), candles(0, 1300));
  const progress = await fillTo(ports, 1234);
  expect(await stored(ports)).toEqual(candles(0, 1234));
  expect(progress).toEqual({ stored: 1235, reached: slot(1234), from: slot(0), to: slot(1234), requests: 13 });
});

test('each page is stored before the next is asked for', async () => {
  const ports = ingestPorts(after(499), candles(0, 499));
  const counts: number[] = [];
  const exchange = before(ports.exchange, async () => {
    counts.push((await ports.candles.extent(BTC))?.count ?? 0);
  });
  await fillTo({ ...ports, exchange }, 499);
  expect(counts).toEqual([0, 100, 200, 300, 400]);
});

test('progress is told when a page is durable', async () => {
  const ports = ingestPorts(after(249), candles(0, 249));
  const told: FillProgress[] = [];
  await fill(ports, { pair: BTC, from: slot(0), asOf: after(249), limit: 100, onPage: (page) => void told.push(page) });
  expect(told.map(({ stored: count, reached, requests }) => [count, reached, requests])).toEqual([
    [100, slot(99), 1],
    [200, slot(199), 2],
    [250, slot(249), 3],
  ]);
});

test('a fill that was stopped goes on where it stopped', async () => {
  const ports = ingestPorts(after(999), candles(0, 999));
  await fillTo(ports, 399);
  const asked = ports.exchange.requests.length;
  await fillTo(ports, 999);
  expect(await stored(ports)).toEqual(candles(0, 999));
  // The last 3 are read again.
  expect(ports.exchange.requests[asked]?.since).toBe(slot(397));
  expect(ports.exchange.requests).toHaveLength(asked + 7);
});

test('I07 the candles that are read again are revised when they changed', async () => {
  const ports = ingestPorts(after(99), candles(0, 98));
  await fillTo(ports, 98);
  ports.clock.at += 1000;
  const changed = { ...candle(97), volume: 77 };
  ports.exchange.setCandles(BTC, candles(0, 99).with(97, changed));
  await fillTo(ports, 99);
  expect((await stored(ports))[97]).toEqual(changed);
  expect(await ports.pairState.revisions(BTC)).toMatchObject([{ before: candle(97), after: changed }]);
});

test('a backward gap is filled, and nothing that is there is fetched again', async () => {
  const ports = ingestPorts(after(999), candles(0, 999));
  await ports.candles.write(BTC, candles(600, 999), after(999));
  await fillTo(ports, 999);
  expect(await stored(ports)).toEqual(candles(0, 999));
  expect(ports.exchange.requests.map(({ since }) => since)).toEqual([0, 100, 200, 300, 400, 500].map((n) => slot(n)));
});

test('the long hole of a backward fill that was stopped is filled too', async () => {
  const ports = ingestPorts(after(999), candles(0, 999));
  await ports.candles.write(BTC, [...candles(0, 199), ...candles(600, 999)], after(999));
  await fillTo(ports, 999);
  expect(await stored(ports)).toEqual(candles(0, 999));
  expect(ports.exchange.requests).toHaveLength(4);
});

test('short holes are left to the repair', async () => {
  const ports = ingestPorts(after(499), candles(0, 499));
  await ports.candles.write(BTC, [...candles(0, 199), ...candles(250, 499)], after(499));
  await fillTo(ports, 499);
  expect(ports.exchange.requests).toEqual([]);
});

test('long gaps that the ledger knows are not asked for', async () => {
  const ports = ingestPorts(after(999), [...candles(0, 199), ...candles(600, 999)]);
  await fillTo(ports, 999);
  const asks = { asks: 2, firstAskedAt: after(999), lastAskedAt: after(999) };
  await ports.gapLedger.record(BTC, [{ from: slot(200), to: slot(599), state: 'confirmed_empty', ...asks }]);
  const asked = ports.exchange.requests.length;
  await fillTo(ports, 999);
  expect(ports.exchange.requests).toHaveLength(asked);
});

test('the ledger forgets slots that were filled', async () => {
  const ports = ingestPorts(after(99), candles(0, 99));
  const asks = { asks: 1, firstAskedAt: after(99), lastAskedAt: after(99) };
  await ports.gapLedger.record(BTC, [{ from: slot(40), to: slot(41), state: 'suspect', ...asks }]);
  await fillTo(ports, 99);
  expect(await ports.gapLedger.list(BTC)).toEqual([]);
});

test('F66 a hole of the exchange stays a hole: no candle is invented', async () => {
  const truth = [...candles(0, 149), ...candles(170, 299)];
  const ports = ingestPorts(after(299), truth);
  await fillTo(ports, 299);
  expect(await stored(ports)).toEqual(truth);
});

test('bad rows are in quarantine and the rest is stored', async () => {
  const ports = ingestPorts(after(99), candles(0, 99));
  const rows = candles(0, 99).map((c) => [
    c.openTime,
    c.open,
    c.high,
    c.low,
    c.close,
    c.openTime === slot(50) ? -1 : c.volume,
  ]);
  ports.exchange.next({ rows });
  await fillTo(ports, 99);
  expect(await stored(ports)).toHaveLength(99);
  expect(await ports.pairState.quarantined(BTC)).toMatchObject([{ reason: 'negative_volume', openTime: slot(50) }]);
});

test('P2 an empty store and an exchange without a candle is a failure, not a filled history', async () => {
  const ports = ingestPorts(after(99), []);
  await expect(fillTo(ports, 99)).rejects.toMatchObject({ code: 'empty_response', retry: 'transient' });
});

test('nothing is asked for when nothing is missing', async () => {
  const ports = ingestPorts(after(99), candles(0, 99));
  await fillTo(ports, 99);
  await fillTo(ports, 99);
  expect(ports.exchange.requests).toHaveLength(1);
});

test('I06 I11 a fill that fails at any request and is started again ends with every candle, and asks for none twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 6 }), async (failures) => {
      const ports = ingestPorts(after(999), candles(0, 999));
      for (const served of failures) {
        const error = new PipelineError('exchange_unreachable', 'as told');
        let left = served;
        const exchange = before(ports.exchange, async () => {
          if (left-- === 0) throw error;
        });
        await fillTo({ ...ports, exchange }, 999).catch((reason: unknown) => expect(reason).toBe(error));
      }
      await fillTo(ports, 999);
      expect(await stored(ports)).toEqual(candles(0, 999));
      expect(ports.exchange.requests.length).toBeLessThanOrEqual(10 + failures.length);
    }),
    RUNS,
  );
});

test.each<[string, readonly (readonly number[])[]]>([
  ['is bad', [[slot(9), 1, 2, 3, 4, 5]]],
  ['is told twice differently', [rowOf(candle(9)), rowOf({ ...candle(9), close: candle(9).close + 1 })]],
])('I09 a newest closed candle that %s fails no fill: the others are stored, it is in quarantine', async (_, rows) => {
  const ports = ingestPorts(after(9), []);
  const exchange = exchangeThat((request) =>
    jumping(candles(0, 10))(request).flatMap((row) => (row[0] === slot(9) ? rows : [row])),
  );
  expect(await fillTo({ ...ports, exchange }, 9)).toMatchObject({ stored: 9, reached: slot(8) });
  const refused = await ports.pairState.quarantined(BTC);
  expect(new Set(refused.map(({ openTime }) => openTime))).toEqual(new Set([slot(9)]));
});
