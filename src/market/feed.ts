import { openOf, slotAt, slotIndex } from '../domain/timeframe';
import type { Candle, EpochMs, MarketSymbol, SlotRange, TimeframeId } from '../domain/types';

/** One symbol as the market lists it. */
export interface Listing {
  readonly symbol: MarketSymbol;
  /** The exchange's own name of the symbol: `BTCUSDT`. */
  readonly id: string;
  readonly base: string;
  readonly quote: string;
  /** Prices are multiples of 10^-priceDecimals, volumes of 10^-lotDecimals. */
  readonly priceDecimals: number;
  readonly lotDecimals: number;
  /** Not known to the market before this time. */
  readonly listedAt: EpochMs;
}

/** Where candles come from. Whatever is asked, nothing that happens after `now` shows in an answer. */
export interface Feed {
  /** A clause for people: what is fed. */
  readonly description: string;
  readonly listings: readonly Listing[];
  /** The first slot with a candle and the last that can have one at `now`; null when there is none. */
  range(symbol: MarketSymbol, timeframe: TimeframeId, now: EpochMs): SlotRange | null;
  /** The candle of one slot: final when it has closed at `now`, else what was traded until `now`; null in a gap. */
  candle(symbol: MarketSymbol, timeframe: TimeframeId, openTime: EpochMs, now: EpochMs): Candle | null;
}

export interface CandleQuery {
  /** Open times wanted, both ends included. Without `from` the newest candles are answered, else the oldest. */
  readonly from: EpochMs | null;
  readonly to: EpochMs | null;
  readonly limit: number;
}

export function listingOf(
  symbol: MarketSymbol,
  details: Pick<Listing, 'priceDecimals' | 'lotDecimals' | 'listedAt'>,
): Listing {
  const [base = '', quote = ''] = symbol.split('/');
  return { symbol, id: base + quote, base, quote, ...details };
}

function firstSlot(timeframe: TimeframeId, range: SlotRange, from: EpochMs | null): number {
  if (from === null || from <= range.from) return slotIndex(timeframe, range.from);
  return slotIndex(timeframe, from) + (openOf(timeframe, from) === from ? 0 : 1);
}

/** Candles as an exchange answers them: at most `limit`, ascending, gaps left out. */
export function collectCandles(
  feed: Feed,
  symbol: MarketSymbol,
  timeframe: TimeframeId,
  query: CandleQuery,
  now: EpochMs,
): Candle[] {
  const range = feed.range(symbol, timeframe, now);
  if (range === null) return [];
  const first = firstSlot(timeframe, range, query.from);
  const last = slotIndex(timeframe, Math.min(range.to, query.to ?? range.to));
  const forward = query.from !== null;
  const candles: Candle[] = [];
  for (let step = 0; step <= last - first && candles.length < query.limit; step += 1) {
    const openTime = slotAt(timeframe, forward ? first + step : last - step);
    const candle = feed.candle(symbol, timeframe, openTime, now);
    if (candle !== null) candles.push(candle);
  }
  return forward ? candles : candles.toReversed();
}
