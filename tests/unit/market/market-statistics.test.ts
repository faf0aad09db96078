import { HOUR, openOf, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle, MarketSymbol } from '../../../src/domain/types';
import { GeneratedFeed } from '../../../src/market/generated-feed';
import { inventedSymbols } from '../../../src/market/instrument';

const HOURLY = parseTimeframe('1h');
const symbols = inventedSymbols(5);
const feed = new GeneratedFeed({ seed: '7', symbols });
const from = Date.UTC(2021, 0, 1);
const until = Date.UTC(2025, 0, 1);

function hoursOf(symbol: MarketSymbol): Candle[] {
  const candles: Candle[] = [];
  for (let at = openOf(HOURLY, from); at < until; at += HOUR) {
    const candle = feed.candle(symbol, HOURLY, at, until);
    if (candle !== null) candles.push(candle);
  }
  return candles;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function returnsOf(candles: readonly Candle[]): number[] {
  return candles.map(({ open, close }) => Math.log(close / open));
}

function correlation(one: readonly number[], other: readonly number[]): number {
  const [a, b] = [mean(one), mean(other)];
  const together = mean(one.map((value, index) => (value - a) * ((other[index] ?? 0) - b)));
  const spread = (values: readonly number[], centre: number): number => mean(values.map((v) => (v - centre) ** 2));
  return together / Math.sqrt(spread(one, a) * spread(other, b));
}

function kurtosis(values: readonly number[]): number {
  const centre = mean(values);
  const variance = mean(values.map((value) => (value - centre) ** 2));
  return mean(values.map((value) => (value - centre) ** 4)) / variance ** 2;
}

test.each(symbols)('%s has fat tails: kurtosis above 4', (symbol) => {
  expect(kurtosis(returnsOf(hoursOf(symbol)))).toBeGreaterThan(4);
});

test.each(symbols)('%s has calm and stormy times: absolute returns correlate over an hour and over a day', (symbol) => {
  const sizes = returnsOf(hoursOf(symbol)).map(Math.abs);
  expect(correlation(sizes.slice(0, -1), sizes.slice(1))).toBeGreaterThan(0.05);
  expect(correlation(sizes.slice(0, -24), sizes.slice(24))).toBeGreaterThan(0.05);
});

test.each(symbols)('%s has no direction to find: returns hardly correlate from hour to hour', (symbol) => {
  const returns = returnsOf(hoursOf(symbol));
  expect(Math.abs(correlation(returns.slice(0, -1), returns.slice(1)))).toBeLessThan(0.05);
});

test('moves and volume are larger in the afternoon (UTC) than at night', () => {
  const hours = hoursOf(parseSymbol('BTC/USDT'));
  const at = (wanted: readonly number[], value: (candle: Candle) => number): number =>
    mean(hours.filter(({ openTime }) => wanted.includes(new Date(openTime).getUTCHours())).map(value));
  const [night, afternoon] = [
    [3, 4, 5],
    [13, 14, 15],
  ] as const;
  const size = ({ open, close }: Candle): number => Math.abs(Math.log(close / open));
  const turnover = ({ volume, close }: Candle): number => volume * close;
  expect(at(afternoon, size) / at(night, size)).toBeGreaterThan(1.3);
  expect(at(afternoon, turnover) / at(night, turnover)).toBeGreaterThan(1.3);
});

test('symbols move together', () => {
  const ether = new Map(hoursOf(parseSymbol('ETH/USDT')).map((candle) => [candle.openTime, candle]));
  const both = hoursOf(parseSymbol('BTC/USDT')).filter(({ openTime }) => ether.has(openTime));
  const others = both.map(({ openTime }) => ether.get(openTime)).filter((candle) => candle !== undefined);
  expect(correlation(returnsOf(both), returnsOf(others))).toBeGreaterThan(0.5);
});
