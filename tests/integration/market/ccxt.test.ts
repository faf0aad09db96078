import type { Exchange } from 'ccxt';
import { DAY, HOUR, openOf, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle } from '../../../src/domain/types';
import { collectCandles } from '../../../src/market/feed';
import { inventedSymbols } from '../../../src/market/instrument';
import { startMarket } from '../../../src/market/market-server';
import type { MarketServer } from '../../../src/market/market-server';
import { testOnCandles } from '../../candles';
import { ccxtAgainst } from './ccxt-client';

const NOW = Date.parse('2024-06-13T07:33:21.500Z');
const BTC = parseSymbol('BTC/USDT');

let market: MarketServer;
let exchange: Exchange;
beforeAll(async () => {
  market = await startMarket({ seed: 'ccxt', clock: { fixed: NOW }, symbols: inventedSymbols(12) });
  exchange = await ccxtAgainst(market.url);
}, 60_000);
afterAll(async () => {
  await exchange.close();
  await market.close();
});
beforeEach(() => market.clock.set(NOW));

function row(candle: Candle): number[] {
  return [candle.openTime, candle.open, candle.high, candle.low, candle.close, candle.volume];
}

test('loadMarkets shows the symbols listed at the time of the market, tradable, with their ticks', async () => {
  const markets = await exchange.loadMarkets(true);
  const listed = market.feed.listings.filter(({ listedAt }) => listedAt <= NOW);
  expect(Object.keys(markets).toSorted()).toEqual(listed.map(({ symbol }) => symbol).toSorted());
  expect(markets['BTC/USDT']).toMatchObject({ id: 'BTCUSDT', spot: true, active: true, base: 'BTC', quote: 'USDT' });
  expect(markets['DOGE/USDT']?.precision).toMatchObject({ price: 0.00001, amount: 1 });
});

test('a symbol is not known before it is listed', async () => {
  market.clock.set(Date.UTC(2018, 0, 1));
  const markets = await exchange.loadMarkets(true);
  expect(Object.keys(markets)).not.toContain('SOL/USDT');
  await expect(exchange.fetchOHLCV('BTC/USDT', '1h', undefined, 2)).resolves.toHaveLength(2);
  market.clock.set(NOW);
  await exchange.loadMarkets(true);
});

test.each(['1m', '15m', '1h', '4h', '1d', '1w', '1M'])(
  'P5 P7 fetchOHLCV of %s gives the feed row for row, the forming candle last',
  async (name) => {
    const timeframe = parseTimeframe(name);
    const rows = await exchange.fetchOHLCV('BTC/USDT', name, undefined, 50);
    const expected = collectCandles(market.feed, BTC, timeframe, { from: null, to: null, limit: 50 }, NOW);
    expect(rows).toEqual(expected.map(row));
    expect(rows).toHaveLength(50);
    expect(rows.at(-1)?.[0]).toBe(openOf(timeframe, NOW));
  },
);

test('a whole history comes page by page, from the first candle to the forming one', async () => {
  const timeframe = parseTimeframe('1d');
  const rows: unknown[] = [];
  for (let since = 0; ;) {
    const page = await exchange.fetchOHLCV('BTC/USDT', '1d', since, 1000);
    rows.push(...page);
    const last = page.at(-1)?.[0];
    if (last === undefined || page.length < 1000) break;
    since = last + DAY;
  }
  const all = collectCandles(market.feed, BTC, timeframe, { from: 0, to: null, limit: 1e6 }, NOW);
  expect(rows).toEqual(all.map(row));
  expect(rows.length).toBeGreaterThan(2000);
});

test('a candle changes while it forms and never after it has closed', async () => {
  const open = openOf(parseTimeframe('1h'), NOW);
  const hour = async (): Promise<unknown> => (await exchange.fetchOHLCV('BTC/USDT', '1h', open, 1))[0];
  const forming = await hour();
  market.clock.set(open + HOUR);
  const closed = await hour();
  market.clock.set(open + 90 * DAY);
  expect(await hour()).toEqual(closed);
  expect(closed).not.toEqual(forming);
});

test('fetchTime is the clock of the market', async () => {
  expect(await exchange.fetchTime()).toBe(NOW);
});

test('fetchTickers gives 24 hours of every symbol', async () => {
  const tickers = await exchange.fetchTickers();
  expect(Object.keys(tickers).toSorted()).toEqual(Object.keys(exchange.markets ?? {}).toSorted());
  const [forming] = await exchange.fetchOHLCV('BTC/USDT', '1h', undefined, 1);
  expect(tickers['BTC/USDT']?.last).toBe(forming?.[4]);
  const day = await exchange.fetchOHLCV('BTC/USDT', '1h', undefined, 24);
  const volume = day.reduce((sum, hour) => sum + (hour[5] ?? 0), 0);
  expect(tickers['BTC/USDT']?.baseVolume).toBeCloseTo(volume, 4);
  expect(tickers['BTC/USDT']?.quoteVolume).toBeGreaterThan(1e6);
  const two = await exchange.fetchTickers(['ETH/USDT', 'XRP/USDT']);
  expect(Object.keys(two).toSorted()).toEqual(['ETH/USDT', 'XRP/USDT']);
});

test('an unknown symbol is BadSymbol', async () => {
  const { BadSymbol } = await import('ccxt');
  await expect(exchange.fetchOHLCV('NONE/USDT', '1h')).rejects.toBeInstanceOf(BadSymbol);
  const unlisted = exchange.publicGetKlines as (query: object) => Promise<unknown>;
  await expect(unlisted.call(exchange, { symbol: 'NONEUSDT', interval: '1h' })).rejects.toBeInstanceOf(BadSymbol);
});

testOnCandles(
  'P5 P7 real candles come through ccxt row for row on every timeframe',
  async (folder) => {
    const now = Date.parse('2021-05-03T10:20:30Z');
    const real = await startMarket({ data: folder, clock: { fixed: now } });
    const client = await ccxtAgainst(real.url);
    try {
      for (const name of ['1m', '1h', '1d', '1w', '1M']) {
        const timeframe = parseTimeframe(name);
        const rows = await client.fetchOHLCV('BTC/USDT', name, undefined, 1000);
        const expected = collectCandles(real.feed, BTC, timeframe, { from: null, to: null, limit: 1000 }, now);
        expect(rows).toEqual(expected.map(row));
        expect(rows.at(-1)?.[0]).toBe(openOf(timeframe, now));
      }
      const doge = await client.fetchOHLCV('DOGE/USDT', '1h', 0, 1);
      expect(doge).toEqual([[1562328000000, 0.00449, 0.0046, 0.00376, 0.0039249, 949430724]]);
    } finally {
      await client.close();
      await real.close();
    }
  },
  60_000,
);
