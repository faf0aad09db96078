import type { Exchange } from 'ccxt';

/** ccxt as it is published, with nothing changed but the hosts it calls. */
export async function ccxtAgainst(url: string): Promise<Exchange> {
  const { binance } = await import('ccxt');
  const exchange = new binance({ enableRateLimit: false, options: { maxRetriesOnFailure: 0 } });
  const hosts = exchange.urls['api'] as Record<string, unknown>;
  for (const [name, address] of Object.entries(hosts)) {
    if (typeof address === 'string') hosts[name] = address.replace(/^https:\/\/[^/]+/, url);
  }
  return exchange;
}
