import { MARCH, candles, ccxtOn, page } from './ccxt-under-test';
import { exchangeInfo, klineRow, marketRow, startFaultServer } from './fault-server';
import type { Clock } from '../../../src/ports/clock';
import type { FaultServer } from './fault-server';

const HOUR = 3_600_000;
let server: FaultServer;
beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(() => server.close());

/** Both clocks run ahead of the real ones together. */
function laterClock(): Clock & { ahead: number } {
  return {
    ahead: 0,
    now() {
      return Date.now() + this.ahead;
    },
    monotonic() {
      return performance.now() + this.ahead;
    },
  };
}

test('markets are the symbols of the exchange, with their volume and whether they are traded', async () => {
  server.always('exchangeInfo', exchangeInfo(marketRow('BTC'), marketRow('LUNA', 'USDT', 'BREAK')));
  server.always('ticker/24hr', { body: [{ symbol: 'BTCUSDT', quoteVolume: '1234.5', closeTime: MARCH }] });
  const { exchange } = await ccxtOn(server);
  expect(await exchange.markets()).toEqual([
    { symbol: 'BTC/USDT', active: true, quoteVolume: 1234.5 },
    { symbol: 'LUNA/USDT', active: false, quoteVolume: null },
  ]);
});

test('F80 names that are not plain symbols are left out', async () => {
  const odd = ['../etc', 'A,B=C', 'ÄÖ', "X';--", 'A'.repeat(40), 'a b'].map((base) => marketRow(base));
  server.always('exchangeInfo', exchangeInfo(...odd, marketRow('ETH')));
  const { exchange } = await ccxtOn(server);
  expect((await exchange.markets()).map(({ symbol }) => symbol)).toEqual(['ETH/USDT']);
});

test('markets without volumes are still markets', async () => {
  server.always('ticker/24hr', { status: 500, body: '' });
  const { exchange } = await ccxtOn(server);
  expect(await exchange.markets()).toHaveLength(2);
});

test('the list is loaded once an hour', async () => {
  const clock = laterClock();
  const { exchange } = await ccxtOn(server, { clock });
  for (const ahead of [0, 0.5, 0.9]) {
    clock.ahead = ahead * HOUR;
    await exchange.markets();
  }
  expect(server.asked('exchangeInfo')).toHaveLength(1);
  clock.ahead = 1.1 * HOUR;
  await exchange.markets();
  expect(server.asked('exchangeInfo')).toHaveLength(2);
});

test.each([
  ['500', { status: 500, body: '' }],
  ['HTML', { body: '<html>' }],
  ['a list without markets', exchangeInfo()],
])('F75 when the list can not be loaded again (%s), the last one serves for 24 h', async (_, answer) => {
  const clock = laterClock();
  const { exchange } = await ccxtOn(server, { clock });
  server.always('klines', { body: candles(1).map((candle) => klineRow(candle)) });
  await exchange.fetchPage(page());
  server.always('exchangeInfo', answer);
  clock.ahead = 23.9 * HOUR;
  expect((await exchange.fetchPage(page())).candles).toHaveLength(1);
  expect(await exchange.markets()).toHaveLength(2);
  clock.ahead = 24.1 * HOUR;
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({
    code: expect.stringMatching(/bad_response|unreachable/),
  });
});

test('F75 a list that can not be loaded is not asked for with every page', async () => {
  const clock = laterClock();
  const { exchange } = await ccxtOn(server, { clock });
  await exchange.fetchPage(page());
  server.always('exchangeInfo', { status: 500, body: '' });
  clock.ahead = 2 * HOUR;
  for (let count = 0; count < 4; count++) await exchange.fetchPage(page());
  expect(server.asked('exchangeInfo')).toHaveLength(2);
});

test('P2 a list without any market is a broken answer, not a world without symbols', async () => {
  server.always('exchangeInfo', exchangeInfo());
  const { exchange } = await ccxtOn(server);
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'bad_response', retry: 'transient' });
});

test('F74 a market that is gone after a reload is a bad symbol from then on', async () => {
  const clock = laterClock();
  const { exchange } = await ccxtOn(server, { clock });
  await exchange.fetchPage(page());
  server.always('exchangeInfo', exchangeInfo(marketRow('ETH')));
  clock.ahead = 2 * HOUR;
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'bad_symbol' });
});

test('F74 a symbol that one list lacks is looked for in a new one, so three such failures are three answers', async () => {
  const clock = laterClock();
  server.always('exchangeInfo', exchangeInfo(marketRow('ETH')));
  server.always('klines', { body: candles(1).map((candle) => klineRow(candle)) });
  const { exchange } = await ccxtOn(server, { clock });
  const fetch = async () => exchange.fetchPage(page());
  await expect(fetch()).rejects.toMatchObject({ code: 'bad_symbol' });
  await expect(fetch()).rejects.toMatchObject({ code: 'bad_symbol' });
  expect(server.asked('exchangeInfo')).toHaveLength(1);
  server.always('exchangeInfo', exchangeInfo(marketRow('BTC')));
  clock.ahead = HOUR / 60;
  expect((await fetch()).candles).toHaveLength(1);
  clock.ahead = HOUR / 20;
  expect((await fetch()).candles).toHaveLength(1);
  expect(server.asked('exchangeInfo')).toHaveLength(2);
});

test('the time of the exchange is told', async () => {
  server.always('time', { body: { serverTime: 1_700_000_000_000 } });
  const { exchange } = await ccxtOn(server);
  expect(await exchange.serverTime()).toBe(1_700_000_000_000);
});

test.each([{ body: {} }, { body: '<html>' }, { body: { serverTime: 'noon' } }])(
  'a broken answer about the time is no time (%j)',
  async (answer) => {
    server.always('time', answer);
    const { exchange } = await ccxtOn(server);
    await expect(exchange.serverTime()).rejects.toMatchObject({ code: 'bad_response' });
    await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'bad_response' });
  },
);

test('a name of its own goes with a source that is not the exchange itself', async () => {
  const { exchange } = await ccxtOn(server, { source: 'simulated' });
  expect(exchange.source).toBe('simulated');
});
