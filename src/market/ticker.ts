import { DAY, HOUR, openOf, parseTimeframe } from '../domain/timeframe';
import type { EpochMs } from '../domain/types';
import { joinBars } from './bar';
import type { Bar } from './bar';
import type { Feed, Listing } from './feed';
import { eightDecimals, quoteVolume, tradeCount } from './kline';

const HOURLY = parseTimeframe('1h');
const NOTHING: Bar = { open: 0, high: 0, low: 0, close: 0, volume: 0 };

/** The 24 hours that end now, counted in whole hours but for the last. */
export function dayTicker(feed: Feed, listing: Listing, now: EpochMs): Readonly<Record<string, string | number>> {
  let day: Bar | null = null;
  let value = 0;
  const first = openOf(HOURLY, now - DAY) + HOUR;
  for (let openTime = first; openTime < now; openTime += HOUR) {
    const candle = feed.candle(listing.symbol, HOURLY, openTime, now);
    if (candle === null) continue;
    day = joinBars(day, candle);
    value += quoteVolume(candle);
  }
  const { open, high, low, close, volume } = day ?? NOTHING;
  const tick = 10 ** -listing.priceDecimals;
  return {
    symbol: listing.id,
    priceChange: eightDecimals(close - open),
    priceChangePercent: (open === 0 ? 0 : (100 * (close - open)) / open).toFixed(3),
    weightedAvgPrice: eightDecimals(volume === 0 ? 0 : value / volume),
    prevClosePrice: eightDecimals(open),
    lastPrice: eightDecimals(close),
    lastQty: eightDecimals(10 ** -listing.lotDecimals),
    bidPrice: eightDecimals(Math.max(0, close - tick)),
    bidQty: eightDecimals(1),
    askPrice: eightDecimals(close === 0 ? 0 : close + tick),
    askQty: eightDecimals(1),
    openPrice: eightDecimals(open),
    highPrice: eightDecimals(high),
    lowPrice: eightDecimals(low),
    volume: eightDecimals(volume),
    quoteVolume: eightDecimals(value),
    openTime: now - DAY,
    closeTime: now,
    firstId: 0,
    lastId: Math.max(0, tradeCount(value) - 1),
    count: tradeCount(value),
  };
}
