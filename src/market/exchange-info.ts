import type { EpochMs } from '../domain/types';
import type { Listing } from './feed';
import { eightDecimals } from './kline';
import { WEIGHT_LIMIT } from './request-weight';

/** The answer of `exchangeInfo`: limits, and the rules of each market. */
export function describeExchange(listings: readonly Listing[], now: EpochMs): unknown {
  return {
    timezone: 'UTC',
    serverTime: now,
    rateLimits: [{ rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: WEIGHT_LIMIT }],
    exchangeFilters: [],
    symbols: listings.map(describeMarket),
  };
}

function describeMarket(listing: Listing): unknown {
  const tick = eightDecimals(10 ** -listing.priceDecimals);
  const lot = eightDecimals(10 ** -listing.lotDecimals);
  return {
    symbol: listing.id,
    status: 'TRADING',
    baseAsset: listing.base,
    baseAssetPrecision: 8,
    quoteAsset: listing.quote,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    orderTypes: ['LIMIT', 'MARKET'],
    icebergAllowed: false,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: [
      { filterType: 'PRICE_FILTER', minPrice: tick, maxPrice: '100000000.00000000', tickSize: tick },
      { filterType: 'LOT_SIZE', minQty: lot, maxQty: '9000000000.00000000', stepSize: lot },
      { filterType: 'NOTIONAL', minNotional: '5.00000000', maxNotional: '9000000.00000000' },
    ],
    permissions: [],
    permissionSets: [['SPOT']],
  };
}
