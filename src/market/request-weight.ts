import { MINUTE } from '../domain/timeframe';
import type { Layer, MarketRequest } from './layer';

/** Weight the exchange allows an address in a minute. */
export const WEIGHT_LIMIT = 6000;

function tickerWeight(query: URLSearchParams): number {
  if (query.has('symbol')) return 2;
  const list = query.get('symbols');
  const count = list === null ? Infinity : list.split(',').length;
  if (count <= 20) return 2;
  return count <= 100 ? 40 : 80;
}

function weightOf({ path, query }: MarketRequest): number {
  switch (path) {
    case '/api/v3/klines':
      return 2;
    case '/api/v3/exchangeInfo':
      return 20;
    case '/api/v3/ticker/24hr':
      return tickerWeight(query);
    default:
      return path.startsWith('/api/') ? 1 : 0;
  }
}

/**
 * Counts weights as published for the spot API and reports them in its headers. The minute is the machine's, whatever
 * the market's clock says: that is the time in which clients pace themselves.
 */
export function createWeightLayer(): Layer {
  let minute = 0;
  let used = 0;
  return async (request, next) => {
    const current = Math.floor(Date.now() / MINUTE);
    if (current !== minute) used = 0;
    minute = current;
    used += weightOf(request);
    const total = String(used);
    const answer = await next();
    return {
      ...answer,
      headers: { ...answer.headers, 'x-mbx-used-weight': total, 'x-mbx-used-weight-1m': total },
    };
  };
}
