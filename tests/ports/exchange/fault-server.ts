/** A small Binance on the loopback address that answers what a test tells it to, over real sockets, and writes down every request. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Candle } from '../../../src/domain/types';

export interface LoggedRequest {
  readonly at: number;
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface ScriptedAnswer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Sent as it is when it is text, as JSON otherwise. */
  readonly body?: unknown;
}

/** Answers by hand, for faults below HTTP. */
export type Handler = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

export interface FaultServer {
  readonly url: string;
  readonly requests: LoggedRequest[];
  /** Requests for a path that ends so. */
  asked(path: string): LoggedRequest[];
  /** Answers of this kind from now on. Paths are given by their end, e.g. `klines`. */
  always(path: string, answer: ScriptedAnswer | Handler): void;
  /** The next answers, once each, before what `always` says. */
  next(path: string, ...answers: (ScriptedAnswer | Handler)[]): void;
  close(): Promise<void>;
}

export type KlineRow = readonly unknown[];

/** A row as Binance writes it: 12 fields, numbers as text. */
export function klineRow(
  { openTime, open, high, low, close, volume }: Candle,
  closeTime = openTime + 3_599_999,
): KlineRow {
  return [openTime, `${open}`, `${high}`, `${low}`, `${close}`, `${volume}`, closeTime, '0', 1, '0', '0', '0'];
}

/** `GET klines` as Binance answers it: the first `limit` rows at or after `startTime`. */
export function klinesOf(rows: readonly KlineRow[], cap = 1000): Handler {
  return (_, response, query) => {
    const since = Number(query.get('startTime') ?? 0);
    const limit = Math.min(cap, Number(query.get('limit') ?? 500));
    sendAnswer(response, { body: rows.filter((row) => Number(row[0]) >= since).slice(0, limit) });
  };
}

export function marketRow(base: string, quote = 'USDT', status = 'TRADING'): object {
  return {
    symbol: `${base}${quote}`,
    status,
    baseAsset: base,
    quoteAsset: quote,
    baseAssetPrecision: 8,
    quoteAssetPrecision: 8,
    quotePrecision: 8,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    orderTypes: ['LIMIT', 'MARKET'],
    permissions: ['SPOT'],
    filters: [
      { filterType: 'PRICE_FILTER', minPrice: '0.01', maxPrice: '1000000', tickSize: '0.01' },
      { filterType: 'LOT_SIZE', minQty: '0.00001', maxQty: '9000', stepSize: '0.00001' },
    ],
  };
}

export function exchangeInfo(...markets: readonly object[]): ScriptedAnswer {
  return { body: { timezone: 'UTC', serverTime: 0, rateLimits: [], exchangeFilters: [], symbols: markets } };
}

export function sendAnswer(response: ServerResponse, { status = 200, headers = {}, body = [] }: ScriptedAnswer): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}

export async function startFaultServer(): Promise<FaultServer> {
  const requests: LoggedRequest[] = [];
  const scripts = new Map<string, (ScriptedAnswer | Handler)[]>();
  const standing = new Map<string, ScriptedAnswer | Handler>([
    ['time', (_, response) => sendAnswer(response, { body: { serverTime: Date.now() } })],
    ['exchangeInfo', exchangeInfo(marketRow('BTC'), marketRow('ETH'))],
    ['klines', { body: [] }],
    ['AssetPairs', { body: {} }],
    ['ticker/24hr', { body: [] }],
  ]);
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    requests.push({ at: Date.now(), path: pathname, query: searchParams });
    const key = [...standing.keys()].find((end) => pathname.endsWith(`/${end}`));
    const answer = key === undefined ? undefined : (scripts.get(key)?.shift() ?? standing.get(key));
    if (answer === undefined) sendAnswer(response, { status: 404, body: { code: -1, msg: 'no such path' } });
    else if (typeof answer === 'function') answer(request, response, searchParams);
    else sendAnswer(response, answer);
  });
  server.keepAliveTimeout = 65_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    asked: (path) => requests.filter((request) => request.path.endsWith(`/${path}`)),
    always(path, answer) {
      standing.set(path, answer);
    },
    next(path, ...answers) {
      scripts.set(path, [...(scripts.get(path) ?? []), ...answers]);
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
