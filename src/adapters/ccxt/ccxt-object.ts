import { ConfigError } from '../../config/config-error';
import { didYouMean } from '../../config/suggestion';
import type { Exchange as CcxtObject } from 'ccxt';

export interface CcxtSelection {
  readonly id: string;
  readonly baseUrl?: string;
}

/**
 * ccxt's object for one exchange, not yet wired to our sending. ccxt costs 60 MB and most of a second to load, so it is
 * loaded here, when an exchange is first wanted. `baseUrl` replaces scheme and host of all its addresses.
 * @throws ConfigError when ccxt knows no exchange of that id.
 */
export async function createCcxtObject({ id, baseUrl }: CcxtSelection): Promise<CcxtObject> {
  const ccxt = (await import('ccxt')).default;
  const known: readonly string[] = ccxt.exchanges;
  if (!known.includes(id)) {
    const sentence = `ccxt knows no exchange "${id}".${didYouMean(id, known)}`;
    throw new ConfigError([{ variable: 'EXCHANGE', value: id, sentence }]);
  }
  const create = Reflect.get(ccxt, id) as new (settings: object) => CcxtObject;
  const ccxtObject = new create({
    // Not ccxt's own limiter: its switch makes ccxt ask `throttle`, which is our budget, before each request.
    enableRateLimit: true,
    options: {
      maxRetriesOnFailure: 0,
      ...(id === 'binance' ? { fetchMarkets: ['spot'] } : {}),
    },
  });
  if (baseUrl !== undefined) ccxtObject.urls.api = withHost(ccxtObject.urls.api, baseUrl.replace(/\/+$/, ''));
  return ccxtObject;
}

/** The same tree of addresses with another scheme and host. */
function withHost<T>(addresses: T, baseUrl: string): T {
  if (typeof addresses === 'string') return addresses.replace(/^https?:\/\/[^/]+/, baseUrl) as T;
  if (typeof addresses !== 'object' || addresses === null) return addresses;
  return Object.fromEntries(Object.entries(addresses).map(([key, value]) => [key, withHost(value, baseUrl)])) as T;
}
