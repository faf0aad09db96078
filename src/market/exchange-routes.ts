import { isTimeframe } from '../domain/timeframe';
import { collectCandles } from './feed';
import type { Feed, Listing } from './feed';
import { describeExchange } from './exchange-info';
import { klineRow } from './kline';
import { errorAnswer, jsonAnswer } from './layer';
import type { MarketAnswer, MarketRequest, Route } from './layer';
import { dayTicker } from './ticker';

const DEFAULT_LIMIT = 500;
const LARGEST_LIMIT = 1000;
const SYMBOL_RANGE = '^[A-Z0-9-_.]{1,20}$';
const NUMBER_RANGE = '^[0-9]{1,20}$';
/** Names as JSON lists them in `symbols`. */
const SYMBOLS_FORM = /^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}")*\]$/;

/** Stops a request with an answer. */
class Refusal extends Error {
  readonly answer: MarketAnswer;

  constructor(code: number, message: string) {
    super(message);
    this.answer = errorAnswer(code, message);
  }
}

function illegal(parameter: string, range: string): Refusal {
  return new Refusal(-1100, `Illegal characters found in parameter '${parameter}'; legal range is '${range}'.`);
}

function mandatory(query: URLSearchParams, parameter: string): string {
  const value = query.get(parameter);
  if (value !== null && value !== '') return value;
  throw new Refusal(-1102, `Mandatory parameter '${parameter}' was not sent, was empty/null, or malformed.`);
}

function wholeNumber(query: URLSearchParams, parameter: string): number | null {
  const value = query.get(parameter);
  if (value === null) return null;
  if (!/^\d{1,20}$/.test(value)) throw illegal(parameter, NUMBER_RANGE);
  // Times beyond what a date can hold are as good as the last one.
  return Math.min(Number(value), 8.64e15);
}

function limitOf(query: URLSearchParams): number {
  const limit = wholeNumber(query, 'limit') ?? DEFAULT_LIMIT;
  if (limit < 1) throw new Refusal(-1130, `Data sent for parameter 'limit' is not valid.`);
  return Math.min(limit, LARGEST_LIMIT);
}

type Handler = (request: MarketRequest) => MarketAnswer;

/** The public spot REST of Binance, version 3, as far as candles, markets and tickers need it. */
export function createExchangeRoutes(feed: Feed): Route {
  const byId = new Map(feed.listings.map((listing) => [listing.id, listing]));
  const listed = (now: number): Listing[] => feed.listings.filter((listing) => listing.listedAt <= now);
  const listing = (id: string, now: number): Listing => {
    if (!/^[A-Z0-9-_.]{1,20}$/.test(id)) throw illegal('symbol', SYMBOL_RANGE);
    const found = byId.get(id);
    if (found === undefined || found.listedAt > now) throw new Refusal(-1121, 'Invalid symbol.');
    return found;
  };
  const chosen = (query: URLSearchParams, now: number): Listing[] => {
    const list = query.get('symbols');
    if (list === null) return listed(now);
    if (!SYMBOLS_FORM.test(list)) throw illegal('symbols', SYMBOLS_FORM.source);
    return (JSON.parse(list) as string[]).map((id) => listing(id, now));
  };
  const one = (query: URLSearchParams, now: number): Listing | null => {
    const id = query.get('symbol');
    return id === null ? null : listing(id, now);
  };

  const klines: Handler = ({ query, now }) => {
    const market = listing(mandatory(query, 'symbol'), now);
    const timeframe = mandatory(query, 'interval');
    if (!isTimeframe(timeframe)) throw new Refusal(-1120, 'Invalid interval.');
    const limits = { from: wholeNumber(query, 'startTime'), to: wholeNumber(query, 'endTime'), limit: limitOf(query) };
    const candles = collectCandles(feed, market.symbol, timeframe, limits, now);
    return jsonAnswer(candles.map((candle) => klineRow(candle, timeframe)));
  };
  const information: Handler = ({ query, now }) => {
    const single = one(query, now);
    return jsonAnswer(describeExchange(single === null ? chosen(query, now) : [single], now));
  };
  const tickers: Handler = ({ query, now }) => {
    const single = one(query, now);
    if (single !== null) return jsonAnswer(dayTicker(feed, single, now));
    return jsonAnswer(chosen(query, now).map((market) => dayTicker(feed, market, now)));
  };
  const noContracts: Handler = () => jsonAnswer({ symbols: [] });
  const handlers: Readonly<Record<string, Handler>> = {
    '/api/v3/ping': () => jsonAnswer({}),
    '/api/v3/time': ({ now }) => jsonAnswer({ serverTime: now }),
    '/api/v3/exchangeInfo': information,
    '/api/v3/klines': klines,
    '/api/v3/ticker/24hr': tickers,
    // A client that has not been told to look at spot only asks for the contracts too.
    '/fapi/v1/exchangeInfo': noContracts,
    '/dapi/v1/exchangeInfo': noContracts,
  };
  return (request) => answer(handlers, request);
}

function answer(handlers: Readonly<Record<string, Handler>>, request: MarketRequest): MarketAnswer {
  const handler = Object.hasOwn(handlers, request.path) ? handlers[request.path] : undefined;
  if (handler === undefined) return errorAnswer(-1000, `There is nothing at ${request.path}.`, 404);
  if (request.method !== 'GET') return errorAnswer(-1000, `Request method '${request.method}' is not supported.`, 405);
  try {
    return handler(request);
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal.answer;
    throw refusal;
  }
}
