/** Where history begins, as fetch and fill judge it: what is missing before the first stored candle is due until it is there. */
import { pino } from 'pino';
import { fetchStart } from '../../activities/fetch';
import { createFillPages } from '../../activities/fill';
import type { ActivityPorts } from '../../activities/ports';
import { HOUR, openOf, parseTimeframe } from '../../src/domain/timeframe';
import { defaultRules } from '../../src/domain/timeframe-rules';
import type { Exchange } from '../../src/ports/exchange';
import { inActivity } from '../activity-context';
import { after, BTC, candles, exchangeThat, ingestPorts, jumping, slot } from '../unit/ingest/ingest-under-test';

const NEWEST = 500;

function portsOf(exchange?: Exchange) {
  const ports = ingestPorts(after(NEWEST), candles(0, NEWEST));
  return {
    ...ports,
    ...(exchange === undefined ? {} : { exchange }),
    settings: { rules: defaultRules, settleMs: 2_000, timeframes: [BTC.timeframe] },
    storage: { measure: async () => ({ usedBytes: 0, budgetBytes: 1 }) },
    log: pino({ level: 'silent' }),
  } as unknown as ActivityPorts;
}

const startOf = async (ports: ActivityPorts) => fetchStart(ports, BTC, await ports.candles.extent(BTC), after(NEWEST));
const fill = (ports: ActivityPorts) =>
  inActivity(() => createFillPages(ports)({ ...BTC, asOf: after(NEWEST), virtual: true }));
const knows = (ports: ActivityPorts, index: number) =>
  ports.pairState.setEarliest(BTC, { openTime: slot(index), provenAt: slot(NEWEST) });
const store = (ports: ActivityPorts, from: number, to = NEWEST) =>
  ports.candles.write(BTC, candles(from, to), after(NEWEST));

test('P4 I03 a history whose front is missing is filled to the front, also where only a few candles of it are', async () => {
  const ports = portsOf();
  await knows(ports, 490);
  await store(ports, 495);
  expect(await startOf(ports)).toMatchObject({ reason: 'backward_gap', needsFill: true });
  await fill(ports);
  expect(await ports.candles.extent(BTC)).toMatchObject({ first: slot(490), last: slot(NEWEST), count: 11 });
  expect(await startOf(ports)).toMatchObject({ reason: 'store_last', needsFill: false });
});

test('P4 a front that the exchange gives no more is not due for ever: the earliest candle is found anew and kept', async () => {
  const ports = portsOf(exchangeThat(jumping(candles(300, NEWEST))));
  await knows(ports, 0);
  await store(ports, 400);
  expect(await startOf(ports)).toMatchObject({ reason: 'backward_gap', needsFill: true });
  expect(await fill(ports)).toMatchObject({ stored: 100 });
  expect((await ports.pairState.earliest(BTC))?.openTime).toBe(slot(300));
  expect(await startOf(ports)).toMatchObject({ reason: 'store_last', needsFill: false });
});

test('P4 a fill that never comes to the candle that the exchange names as its first fails by name', async () => {
  const few = jumping(candles(0, NEWEST));
  const many = jumping(candles(300, NEWEST));
  const ports = portsOf(exchangeThat((request) => (request.limit <= 100 ? few : many)(request)));
  await store(ports, 400);
  await expect(fill(ports)).rejects.toMatchObject({
    type: 'no_progress',
    message: expect.stringContaining('BTC/USDT 1h'),
  });
});

test('an old symbol whose months are not given is a failure, never a young one whose first month is still forming', async () => {
  const ports = portsOf(exchangeThat(() => []));
  const months = { ...BTC, timeframe: parseTimeframe('1M') };
  const fillMonths = async () =>
    inActivity(() => createFillPages(ports)({ ...months, asOf: after(NEWEST), virtual: true }));
  const forming = openOf(months.timeframe, after(NEWEST));
  await ports.pairState.setEarliest(BTC, { openTime: forming - HOUR, provenAt: after(NEWEST) });
  await expect(fillMonths()).rejects.toMatchObject({ type: 'empty_response' });
  expect(await ports.pairState.earliest(months)).toBeNull();
  await ports.pairState.setEarliest(BTC, { openTime: forming, provenAt: after(NEWEST) });
  expect(await fillMonths()).toMatchObject({ stored: 0, requests: 0 });
  expect(await ports.pairState.earliest(months)).toMatchObject({ openTime: forming });
  expect(await fetchStart(ports, months, null, after(NEWEST))).toMatchObject({ due: 0, needsFill: false });
});

test('a symbol of which older hours are stored than the exchange still gives is not young', async () => {
  const ports = portsOf(exchangeThat(() => []));
  const months = { ...BTC, timeframe: parseTimeframe('1M') };
  const forming = openOf(months.timeframe, after(NEWEST));
  await ports.candles.write(BTC, candles(-NEWEST, NEWEST), after(NEWEST));
  await ports.pairState.setEarliest(BTC, { openTime: forming, provenAt: after(NEWEST) });
  const filled = inActivity(() => createFillPages(ports)({ ...months, asOf: after(NEWEST), virtual: true }));
  await expect(filled).rejects.toMatchObject({ type: 'empty_response' });
  expect(await ports.pairState.earliest(months)).toBeNull();
});

test('a fill that began before the first candle closed asks, at each attempt, for what has closed by now', async () => {
  const ports = portsOf(exchangeThat(jumping(candles(0, 1)), 1000, [BTC.timeframe]));
  const attempt = async () => inActivity(() => createFillPages(ports)({ ...BTC, asOf: slot(0) + 1, virtual: false }));
  ports.clock.now = () => slot(0) + 1;
  await expect(attempt()).rejects.toMatchObject({ type: 'empty_response' });
  ports.clock.now = () => after(1);
  expect(await attempt()).toMatchObject({ stored: 2 });
});

test.each([
  [0, 'underfilled'],
  [1, 'store_last'],
] as const)('I03 missing recent rows that the exchange was asked for %i times: %s', async (asks, reason) => {
  const ports = portsOf();
  await knows(ports, 0);
  await store(ports, 0, 100);
  await store(ports, 400);
  const at = { firstAskedAt: slot(400), lastAskedAt: slot(400) };
  await ports.gapLedger.record(BTC, [{ from: slot(101), to: slot(400) - HOUR, state: 'suspect', asks, ...at }]);
  expect(await startOf(ports)).toMatchObject({ reason });
});
