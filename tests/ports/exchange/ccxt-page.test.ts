/** What a page of candles is, through unmodified ccxt and over real sockets. */
import { parseTimeframe } from '../../../src/domain/timeframe';
import { createMemoryRateBudget } from '../../../src/adapters/memory/memory-rate-budget';
import { MARCH, candles, ccxtOn, movableClock, page, sleep } from './ccxt-under-test';
import { klineRow, klinesOf, sendAnswer, startFaultServer } from './fault-server';
import type { RateBudget } from '../../../src/ports/rate-budget';
import type { FaultServer, KlineRow } from './fault-server';

const HOUR = 3_600_000;
let server: FaultServer;
beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(() => server.close());

const rowsOf = (count: number): KlineRow[] => candles(count).map((candle) => klineRow(candle));
const answerRows = (...rows: readonly unknown[]): void => server.always('klines', { body: rows });

test('a page holds the candles of the exchange, from the slot asked for and no more than asked for', async () => {
  server.always('klines', klinesOf(rowsOf(9)));
  const { exchange } = await ccxtOn(server);
  const answer = await exchange.fetchPage(page({ since: MARCH + 2 * HOUR, limit: 4 }));
  expect(answer).toMatchObject({ candles: candles(9).slice(2, 6), received: 4, quarantined: [], forming: 0 });
});

test('one page is one request to the exchange, with the symbol, interval, start and limit', async () => {
  server.always('klines', klinesOf(rowsOf(3)));
  const { exchange } = await ccxtOn(server);
  await exchange.fetchPage(page({ limit: 77 }));
  expect(server.asked('klines').map(({ query }) => Object.fromEntries(query))).toEqual([
    { symbol: 'BTCUSDT', interval: '1h', startTime: String(MARCH), limit: '77' },
  ]);
});

test('I01 F64 the candle still forming is not on the page', async () => {
  answerRows(...rowsOf(3));
  const { exchange } = await ccxtOn(server);
  const answer = await exchange.fetchPage(page({ asOf: MARCH + 2.5 * HOUR }));
  expect(answer).toMatchObject({ candles: candles(2), forming: 1, closedAsOf: MARCH + 2.5 * HOUR });
});

test('I01 a candle that ended less than the settle time ago is still forming', async () => {
  answerRows(...rowsOf(1));
  const { exchange } = await ccxtOn(server);
  expect(await exchange.fetchPage(page({ asOf: MARCH + HOUR + 1999 }))).toMatchObject({ candles: [], forming: 1 });
  expect(await exchange.fetchPage(page({ asOf: MARCH + HOUR + 2000 }))).toMatchObject({
    candles: candles(1),
    forming: 0,
  });
});

test.each([-90_000, 90_000])(
  'F31 with the exchange %i ms from us, the earlier clock decides what is closed',
  async (offset) => {
    const now = Date.now();
    server.always('time', (_, response) => sendAnswer(response, { body: { serverTime: Date.now() + offset } }));
    const { exchange } = await ccxtOn(server);
    const { closedAsOf } = await exchange.fetchPage(page({ asOf: now + 10 * HOUR }));
    const earlier = now + Math.min(0, offset);
    expect(closedAsOf).toBeGreaterThanOrEqual(earlier);
    expect(closedAsOf).toBeLessThan(earlier + 5000);
  },
);

test('the exchange is asked for its time once, not for each page', async () => {
  const { exchange } = await ccxtOn(server);
  for (let count = 0; count < 3; count++) await exchange.fetchPage(page());
  expect(server.asked('time')).toHaveLength(1);
});

test('the exchange is asked for its time again when our clock was moved', async () => {
  const clock = movableClock();
  const { exchange } = await ccxtOn(server, { clock });
  await exchange.fetchPage(page());
  clock.offset = 2 * HOUR;
  await exchange.fetchPage(page());
  expect(server.asked('time')).toHaveLength(2);
});

test('F31 a clock of ours that runs ahead closes no candle', async () => {
  const clock = movableClock();
  const { exchange } = await ccxtOn(server, { clock });
  clock.offset = 3 * 24 * HOUR;
  const { closedAsOf } = await exchange.fetchPage(page({ asOf: clock.now() }));
  expect(closedAsOf).toBeLessThanOrEqual(Date.now());
});

test('F68 rows in any order are the same page', async () => {
  answerRows(...rowsOf(6).toReversed());
  const { exchange } = await ccxtOn(server);
  expect((await exchange.fetchPage(page())).candles).toEqual(candles(6));
});

test('F67 identical repeats of a row are one candle', async () => {
  const [first, ...rest] = rowsOf(4);
  answerRows(first, first, ...rest);
  const { exchange } = await ccxtOn(server);
  expect(await exchange.fetchPage(page())).toMatchObject({ candles: candles(4), duplicates: 1, received: 5 });
});

test('F67 rows that contradict each other are both in quarantine', async () => {
  const rows = rowsOf(60);
  answerRows(...rows, [MARCH, '1', '2', '1', '2', '5', 0]);
  const { exchange } = await ccxtOn(server);
  const answer = await exchange.fetchPage(page());
  expect(answer.candles).toEqual(candles(60).slice(1));
  expect(answer.quarantined.map(({ reason }) => reason)).toEqual(['conflicting_duplicate', 'conflicting_duplicate']);
});

test('a bad row is in quarantine and takes no good one with it', async () => {
  const rows = rowsOf(60);
  answerRows(...rows.slice(0, 59), [MARCH + 59 * HOUR, '-5', '7', '-6', '6', '1', 0]);
  const { exchange } = await ccxtOn(server);
  const answer = await exchange.fetchPage(page());
  expect(answer.candles).toEqual(candles(59));
  expect(answer.quarantined).toMatchObject([{ reason: 'non_positive_price', openTime: MARCH + 59 * HOUR }]);
});

test('a page of which more than 5 % is bad holds no candle, and all that was bad', async () => {
  answerRows(...rowsOf(18), ...[18, 19].map((slot) => [MARCH + slot * HOUR, 'NaN', '7', '6', '6', '1', 0]));
  const { exchange } = await ccxtOn(server);
  const answer = await exchange.fetchPage(page());
  expect(answer.candles).toEqual([]);
  expect(answer.quarantined).toHaveLength(2);
});

test('F73 a row of zeros at time 0 is refused', async () => {
  answerRows([0, '0', '0', '0', '0', '0', 0]);
  const { exchange } = await ccxtOn(server);
  expect(await exchange.fetchPage(page({ since: HOUR }))).toMatchObject({
    candles: [],
    received: 1,
    quarantined: [{ reason: 'misaligned', openTime: 0 }],
  });
});

test.each([
  ['a second late', 1000],
  ['a second early', -1000],
])('F76 a stamp %s is refused as misaligned', async (_, shift) => {
  const rows = candles(60).map((candle, index) =>
    klineRow(index === 30 ? { ...candle, openTime: candle.openTime + shift } : candle),
  );
  answerRows(...rows);
  const { exchange } = await ccxtOn(server);
  const answer = await exchange.fetchPage(page());
  expect(answer.candles).toHaveLength(59);
  expect(answer.quarantined).toMatchObject([{ reason: 'misaligned', openTime: MARCH + 30 * HOUR + shift }]);
});

test.each([
  [
    'Thursday weeks',
    '1w',
    candles(12, Date.UTC(2024, 0, 1), parseTimeframe('1w')).map((c) => ({ ...c, openTime: c.openTime + 72 * HOUR })),
  ],
  [
    'months of 30 days',
    '1M',
    candles(12, 0, parseTimeframe('1d')).map((c, index) => ({ ...c, openTime: MARCH + (index + 1) * 720 * HOUR })),
  ],
  [
    'weeks of 3 days',
    '1w',
    candles(12, 0, parseTimeframe('1d')).map((c, index) => ({
      ...c,
      openTime: Date.UTC(2024, 0, 1) + index * 72 * HOUR,
    })),
  ],
  ['stamps in seconds', '1h', candles(12).map((c) => ({ ...c, openTime: c.openTime / 1000 }))],
  ['stamps of the close', '1h', candles(12).map((c) => ({ ...c, openTime: c.openTime + HOUR - 1 }))],
])('F76 P7 %s are refused as a calendar that is not ours', async (_, name, rows) => {
  answerRows(...rows.map((candle) => klineRow(candle)));
  const { exchange } = await ccxtOn(server);
  const answer = await exchange.fetchPage(page({ timeframe: parseTimeframe(name), since: Date.UTC(2024, 0, 1) }));
  expect(answer).toMatchObject({ candles: [], refusal: { code: 'unsupported_timeframe' } });
  expect(answer.quarantined.filter(({ reason }) => reason === 'misaligned').length).toBeGreaterThan(rows.length / 2);
});

test('I63 every request is weighed as Binance weighs it: markets 20, time 1, candles 2, all tickers 80', async () => {
  const weights: number[] = [];
  const clock = movableClock();
  const memory = createMemoryRateBudget({ clock, sleep });
  const budget: RateBudget = {
    take: (...args) => {
      weights.push(args[1]);
      return memory.take(...args);
    },
    ban: (...args) => memory.ban(...args),
    bannedUntil: (...args) => memory.bannedUntil(...args),
  };
  const { exchange } = await ccxtOn(server, { budget, clock });
  await exchange.fetchPage(page());
  await exchange.markets();
  expect(weights).toEqual([20, 1, 2, 80]);
  expect(server.requests).toHaveLength(4);
});

test('only spot markets are asked for', async () => {
  const { exchange } = await ccxtOn(server);
  await exchange.fetchPage(page());
  expect([...new Set(server.requests.map(({ path }) => path))]).toEqual([
    '/api/v3/exchangeInfo',
    '/api/v3/time',
    '/api/v3/klines',
  ]);
});

test('pages asked for at once do not mix their answers', async () => {
  const truth = rowsOf(40);
  server.always('klines', (request, response, query) => {
    setTimeout(() => klinesOf(truth)(request, response, query), 40 - Number(query.get('limit')));
  });
  const { exchange } = await ccxtOn(server);
  const pages = await Promise.all([1, 9, 17, 25, 33].map((limit) => exchange.fetchPage(page({ limit }))));
  expect(pages.map(({ received }) => received)).toEqual([1, 9, 17, 25, 33]);
});
