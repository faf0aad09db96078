/** Faults of a whole answer: its status, its body, the way it is sent, and what it says of time and markets. */
import { z } from 'zod';
import type { EpochMs } from '../../domain/types';
import { errorAnswer, jsonAnswer } from '../layer';
import type { MarketAnswer } from '../layer';
import { fault } from './fault';

const seconds = (usual: number) => z.number().positive().max(86_400).default(usual);

function withRetryAfter(answer: MarketAnswer, wait: number): MarketAnswer {
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(wait) } };
}

function body(text: string, type: string): () => Promise<MarketAnswer> {
  return async () => ({ status: 200, headers: { 'content-type': type }, body: text });
}

const JSON_TYPE = 'application/json;charset=UTF-8';
const UNAVAILABLE = errorAnswer(-1001, 'Internal error; unable to process your request. Please try again.', 503);

/** Candles without those that are left out; null when there is none of these. */
function withoutCandles(answer: MarketAnswer, isLeftOut: (openTime: EpochMs) => boolean): MarketAnswer | null {
  if (answer.status !== 200) return null;
  const rows = JSON.parse(answer.body) as readonly (readonly [EpochMs])[];
  const kept = rows.filter(([openTime]) => !isLeftOut(openTime));
  return kept.length === rows.length ? null : { ...answer, body: JSON.stringify(kept) };
}

interface ExchangeInfo {
  readonly symbols: readonly Readonly<Record<string, unknown>>[];
}

function readInfo(answer: MarketAnswer): ExchangeInfo | null {
  return answer.status === 200 ? (JSON.parse(answer.body) as ExchangeInfo) : null;
}

/** Names that no file, tag, workflow or address may be made of (F80). */
const HOSTILE_NAMES = ['../../ETC', 'A B', 'X,Y=1', 'ＢＴＣ', "'; DROP", 'BTC\n', '__PROTO__', 'A'.repeat(40), '${X}'];

export const ANSWER_FAULTS = {
  too_many_requests: fault({
    meaning: '429 with Retry-After',
    parameters: { seconds: seconds(30) },
    befalls: 'any',
    act: async ({ parameters }) => withRetryAfter(errorAnswer(-1003, 'Too many requests.', 429), parameters.seconds),
  }),
  banned: fault({
    meaning: '418 with Retry-After, and the end of the ban in its text',
    parameters: { seconds: seconds(120) },
    befalls: 'any',
    act: async ({ parameters, request }) => {
      const until = Math.round(request.now + parameters.seconds * 1000);
      const text = `Way too much request weight used; IP banned until ${until}. Please use WebSocket Streams.`;
      return withRetryAfter(errorAnswer(-1003, text, 418), parameters.seconds);
    },
  }),
  blocked: fault({
    meaning: '451, as for an address in a country that is not served (`status`: 401, 403 or 451)',
    parameters: { status: z.union([z.literal(401), z.literal(403), z.literal(451)]).default(451) },
    befalls: 'any',
    act: async ({ parameters }) => errorAnswer(0, 'Service unavailable from a restricted location.', parameters.status),
  }),
  server_error: fault({
    meaning: '500, or another `status` from 500 to 599',
    parameters: { status: z.number().int().min(500).max(599).default(500) },
    befalls: 'any',
    act: async ({ parameters }) => errorAnswer(-1000, 'An unknown error occurred.', parameters.status),
  }),
  html: fault({
    meaning: '200 with a page of HTML',
    parameters: {},
    befalls: 'any',
    act: body('<!doctype html><html><body>We are down for maintenance.</body></html>', 'text/html'),
  }),
  half_json: fault({
    meaning: '200 with the first half of the true body',
    parameters: {},
    befalls: 'any',
    act: async ({ next }) => {
      const answer = await next();
      return { ...answer, body: answer.body.slice(0, Math.max(1, Math.floor(answer.body.length / 2))) };
    },
  }),
  empty_body: fault({ meaning: '200 with nothing', parameters: {}, befalls: 'any', act: body('', JSON_TYPE) }),
  null_body: fault({ meaning: '200 with `null`', parameters: {}, befalls: 'any', act: body('null', JSON_TYPE) }),
  error_object: fault({
    meaning: '200 with `{"code":0,"data":null}`',
    parameters: {},
    befalls: 'any',
    act: body('{"code":0,"data":null}', JSON_TYPE),
  }),
  hang: fault({
    meaning: 'no answer at all; the connection stays open for `seconds`',
    parameters: { seconds: seconds(600) },
    befalls: 'any',
    act: async ({ parameters, next }) => ({ ...(await next()), sending: { hangMs: parameters.seconds * 1000 } }),
  }),
  trickle: fault({
    meaning: 'the true answer, so many bytes a second',
    parameters: { bytes_per_second: z.number().int().positive().max(1_000_000).default(1) },
    befalls: 'any',
    act: async ({ parameters, next }) => ({
      ...(await next()),
      sending: { bytesPerSecond: parameters.bytes_per_second },
    }),
  }),
  cut: fault({
    meaning: 'the connection is reset in the middle of the body',
    parameters: {},
    befalls: 'any',
    act: async ({ next }) => ({ ...(await next()), sending: 'cut' }),
  }),
  reset: fault({
    meaning: 'the connection is reset before the answer',
    parameters: {},
    befalls: 'any',
    act: async ({ next }) => ({ ...(await next()), sending: 'reset' }),
  }),
  clock_offset: fault({
    meaning: 'the market tells a time that is so many milliseconds off its own',
    parameters: { milliseconds: z.number().int().default(90_000) },
    befalls: 'time',
    act: async ({ parameters, request }) => jsonAnswer({ serverTime: request.now + parameters.milliseconds }),
  }),
  outage: fault({
    meaning: 'maintenance from `from` to `until`: 503 then, and no candle that opens in that time ever after',
    parameters: {},
    befalls: 'any',
    always: true,
    act: async ({ request, next, from, until }) => {
      if (from <= request.now && request.now < until) return UNAVAILABLE;
      if (request.now < from || !request.path.endsWith('/klines')) return null;
      return withoutCandles(await next(), (openTime) => openTime >= from && openTime < until);
    },
  }),
  delisted: fault({
    meaning: '`symbol` stops: its status is BREAK and it has no candle that opens after `from`',
    parameters: { symbol: z.string() },
    befalls: ['klines', 'exchangeInfo'],
    act: async ({ parameters, request, next, from }) => {
      const id = parameters.symbol.replace('/', '');
      if (request.path.endsWith('/klines')) {
        if (request.query.get('symbol') !== id) return null;
        return withoutCandles(await next(), (openTime) => openTime >= from);
      }
      const info = readInfo(await next());
      const symbols = info?.symbols.map((row) => (row.symbol === id ? { ...row, status: 'BREAK' } : row));
      return info === null ? null : jsonAnswer({ ...info, symbols });
    },
  }),
  unknown_symbol: fault({
    meaning: '`symbol` is not listed and is answered with -1121',
    parameters: { symbol: z.string() },
    befalls: ['klines', 'exchangeInfo', '24hr'],
    act: async ({ parameters, request, next }) => {
      const id = parameters.symbol.replace('/', '');
      if (!request.path.endsWith('/exchangeInfo'))
        return request.query.get('symbol') === id ? errorAnswer(-1121, 'Invalid symbol.') : null;
      const info = readInfo(await next());
      return info === null ? null : jsonAnswer({ ...info, symbols: info.symbols.filter((row) => row.symbol !== id) });
    },
  }),
  hostile_names: fault({
    meaning: 'the list of markets begins with names that no file or query may be made of',
    parameters: {},
    befalls: 'exchangeInfo',
    act: async ({ next }) => {
      const info = readInfo(await next());
      if (info === null) return null;
      const [pattern] = info.symbols;
      const hostile = HOSTILE_NAMES.map((base) => ({ ...pattern, symbol: `${base}USDT`, baseAsset: base }));
      return jsonAnswer({ ...info, symbols: [...hostile, ...info.symbols] });
    },
  }),
} as const;
