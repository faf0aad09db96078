import { reconcile } from '../../../src/ingest/reconcile';
import { BTC, HOUR, after, before, candle, candles, ingestPorts, slot } from './ingest-under-test';
import type { Candle } from '../../../src/domain/types';

const DAYS = 90;
const revised = (index: number, volume = 9): Candle => ({ ...candle(index), volume });

/** A store that holds candles 0..99 but those left out, and an exchange that has all, some of them revised. */
async function world(leftOut: readonly number[], changed: readonly Candle[]) {
  const truth = candles(0, 99).map((own) => changed.find(({ openTime }) => openTime === own.openTime) ?? own);
  const ports = ingestPorts(after(99), truth);
  const stored = candles(0, 99).filter((_, index) => !leftOut.includes(index));
  await ports.candles.write(BTC, stored, slot(0));
  return ports;
}

test('I12 after a comparison the store has what the exchange says, and the old values are in the audit', async () => {
  const ports = await world([40], [revised(50)]);
  const summary = await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) });
  expect(summary).toEqual({ compared: 100, missing: 1, different: 1, critical: 1, notAtExchange: 0 });
  expect((await ports.candles.read(BTC, {})).map(({ volume }) => volume)).toEqual(
    candles(0, 99).map(({ volume }, index) => (index === 50 ? 9 : volume)),
  );
  expect(await ports.pairState.revisions(BTC)).toMatchObject([{ before: candle(50), after: revised(50) }]);
  expect(await ports.dataQuality.mismatches(BTC)).toMatchObject([
    { openTime: slot(40), kind: 'missing', severity: 'critical' },
    { openTime: slot(50), kind: 'different', severity: 'warning' },
  ]);
});

test('what documents and scores may rest on is marked as changed', async () => {
  const ports = await world([40], [revised(50)]);
  await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) });
  expect(await ports.dataQuality.changed(BTC)).toMatchObject({ from: slot(40), to: slot(50) });
});

test('I10 repeating a comparison changes nothing and tells the same', async () => {
  const ports = await world([40], [revised(50)]);
  const first = await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) });
  ports.clock.at += 1000;
  expect(await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) })).toEqual(first);
  expect(await ports.pairState.revisions(BTC)).toHaveLength(1);
});

test('I10 a crash between the record and the write loses nothing: the next attempt tells and stores the same', async () => {
  const ports = await world([], [revised(50)]);
  const write = ports.candles.write.bind(ports.candles);
  ports.candles.write = async () => {
    throw new Error('killed');
  };
  await expect(reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) })).rejects.toThrow('killed');
  ports.candles.write = write;
  expect(await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) })).toMatchObject({ different: 1 });
  expect(await ports.pairState.revisions(BTC)).toHaveLength(1);
});

test('the same candle that differs three times running turns critical', async () => {
  const ports = await world([], []);
  const severities: string[] = [];
  for (let run = 1; run <= 3; run++) {
    ports.exchange.setCandles(BTC, [...candles(0, 49), revised(50, run / 10), ...candles(51, 99)]);
    ports.clock.at += 1000;
    await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) + run });
    severities.push((await ports.dataQuality.mismatches(BTC))[0]?.severity ?? '');
  }
  expect(severities).toEqual(['warning', 'warning', 'critical']);
  expect(await ports.pairState.revisions(BTC)).toHaveLength(3);
});

test('I08 a candle that the exchange does not give any more stays stored and is counted', async () => {
  const ports = await world([], []);
  ports.exchange.setCandles(
    BTC,
    candles(0, 99).filter((_, index) => index !== 30),
  );
  const summary = await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) });
  expect(summary).toMatchObject({ compared: 99, missing: 0, different: 0, notAtExchange: 1 });
  expect(await ports.candles.extent(BTC)).toMatchObject({ count: 100 });
});

test('only the days asked for are compared, and at least the candles that each cycle reads again', async () => {
  const ports = await world([], [revised(10), revised(97)]);
  expect(await reconcile(ports, { pair: BTC, days: 1, asOf: after(99) })).toMatchObject({ compared: 24, different: 1 });
  expect(await reconcile(ports, { pair: BTC, days: 0, asOf: after(99) + 1 })).toMatchObject({ compared: 3 });
});

test('what lies after the last stored candle, and a pair without candles, are left to the cycle', async () => {
  const ports = ingestPorts(after(99), candles(0, 99));
  expect(await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) })).toMatchObject({ compared: 0, missing: 0 });
  await ports.candles.write(BTC, candles(0, 89), slot(0));
  expect(await reconcile(ports, { pair: BTC, days: DAYS, asOf: after(99) })).toMatchObject({
    compared: 90,
    missing: 0,
  });
});

test('the requests are those of a fill, so that live cycles go ahead', async () => {
  const ports = await world([], []);
  const priorities: string[] = [];
  const exchange = before(ports.exchange, async ({ priority }) => void priorities.push(priority));
  await reconcile({ ...ports, exchange }, { pair: BTC, days: 1, asOf: after(99) + HOUR });
  expect(priorities).toEqual(['fill']);
});
