/** What each kind of failure means, through unmodified ccxt and over real sockets (P2, P6). */
import { createCcxtExchange } from '../../../src/adapters/ccxt/ccxt-exchange';
import { createMemoryRateBudget } from '../../../src/adapters/memory/memory-rate-budget';
import { PipelineError } from '../../../src/domain/errors';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { MARCH, candles, ccxtOn, movableClock, page, sleep } from './ccxt-under-test';
import { klineRow, startFaultServer } from './fault-server';
import type { FaultServer, Handler, ScriptedAnswer } from './fault-server';

let server: FaultServer;
beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(() => server.close());

async function failureOf(answer: ScriptedAnswer | Handler): Promise<PipelineError> {
  server.always('klines', answer);
  const { exchange } = await ccxtOn(server);
  const error: unknown = await exchange.fetchPage(page()).catch((reason: unknown) => reason);
  if (!(error instanceof PipelineError)) throw new Error(`expected a PipelineError, got ${String(error)}`);
  return error;
}

const body = (text: unknown, status = 200): ScriptedAnswer => ({ status, body: text });
const MINUTE = 60_000;

test('an honest empty list is an empty page, not a failure', async () => {
  server.always('klines', body('[]'));
  const { exchange } = await ccxtOn(server);
  expect(await exchange.fetchPage(page())).toMatchObject({ candles: [], received: 0, forming: 0 });
});

test.each<[string, ScriptedAnswer]>([
  ['HTML', body('<html><body>maintenance</body></html>')],
  ['half a JSON document', body('[[1709251200000,"1","2","1","2","5",17092')],
  ['half a JSON object', body('{"symbols":[')],
  ['an empty text', body('')],
  ['blanks', body('  \n ')],
  ['null', body('null')],
  ['a number', body('42')],
  ['a text', body('"[]"')],
  ['an error object with code 0', body({ code: 0, data: null })],
  ['an error object with a code', body({ code: -1000, msg: 'An unknown error occurred.' })],
  ['an object without a list', body({})],
  ['a list of errors', body({ error: [] })],
])('F61 P2 200 with %s is a broken answer, never "no candles"', async (_, answer) => {
  expect(await failureOf(answer)).toMatchObject({ code: 'bad_response', retry: 'transient' });
});

test.each<[number, string, ScriptedAnswer]>([
  [400, 'bad_response', body('<html>bad request</html>', 400)],
  [404, 'bad_response', body('not found', 404)],
  [400, 'bad_symbol', body({ code: -1121, msg: 'Invalid symbol.' }, 400)],
  [400, 'unsupported_timeframe', body({ code: -1120, msg: 'Invalid interval.' }, 400)],
  [500, 'exchange_unreachable', body('oops', 500)],
  [502, 'exchange_unreachable', body('<html>bad gateway</html>', 502)],
  [503, 'exchange_unreachable', body('', 503)],
  [504, 'exchange_timeout', body('', 504)],
])('P6 HTTP %i means %s', async (_, code, answer) => {
  expect(await failureOf(answer)).toMatchObject({ code });
});

test.each([401, 403, 451])('F60 HTTP %i means that we are blocked, for 15 minutes', async (status) => {
  expect(await failureOf(body('<html>no</html>', status))).toMatchObject({
    code: 'exchange_blocked',
    retryAfterMs: 15 * MINUTE,
  });
});

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toUTCString();

test.each<[number, string, string, number]>([
  [429, 'in seconds', '37', 37_000],
  [503, 'in seconds', '7', 7000],
  [429, 'with a fraction', '0.5', 500],
  [429, 'negative', '-5', MINUTE],
  [429, 'zero', '0', MINUTE],
  [429, 'unreadable', 'soon', MINUTE],
  [429, 'huge', '99999999', 60 * MINUTE],
  [429, 'a date long gone', 'Thu, 01 Jan 1970 00:00:00 GMT', MINUTE],
  [503, 'a date far ahead', 'Fri, 01 Jan 2100 00:00:00 GMT', 60 * MINUTE],
])('F53 HTTP %i with a Retry-After %s (%s) means a pause of %i ms', async (status, _, header, pause) => {
  const error = await failureOf({ status, headers: { 'retry-after': header }, body: 'slow down' });
  expect(error).toMatchObject({ code: 'rate_limited', retry: 'wait', retryAfterMs: pause });
});

test('F53 a Retry-After that is a date means a pause until then, by the clock of the exchange', async () => {
  server.always('time', (_, response) => response.end(JSON.stringify({ serverTime: Date.now() - 20_000 })));
  const error = await failureOf({ status: 429, headers: { 'retry-after': inSeconds(10) }, body: '' });
  expect(error.code).toBe('rate_limited');
  expect(error.retryAfterMs).toBeGreaterThan(28_000);
  expect(error.retryAfterMs).toBeLessThanOrEqual(30_000);
});

test('HTTP 429 that names no time means a pause of a minute', async () => {
  expect(await failureOf(body('', 429))).toMatchObject({ code: 'rate_limited', retryAfterMs: MINUTE });
});

test('the pause told to the caller is spread, never shorter than the exchange said', async () => {
  server.always('klines', { status: 429, headers: { 'retry-after': '100' }, body: '' });
  const { exchange } = await ccxtOn(server, { random: () => 0.5 });
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ retryAfterMs: 102_500 });
});

test.each<[string, number]>([
  ['in an hour', 60 * MINUTE],
  ['in two days', 2 * 24 * 60 * MINUTE],
])('F59 HTTP 418 with a ban until a time %s means a pause until then', async (_, pause) => {
  const until = Date.now() + pause;
  const error = await failureOf(
    body({ code: -1003, msg: `Way too much request weight used; IP banned until ${until}.` }, 418),
  );
  expect(error.code).toBe('exchange_banned');
  expect(Math.abs((error.retryAfterMs ?? 0) - pause)).toBeLessThan(2000);
});

test.each<[string, ScriptedAnswer, number]>([
  ['without a time', body('', 418), 2 * MINUTE],
  ['with a Retry-After', { status: 418, headers: { 'retry-after': '600' }, body: '' }, 10 * MINUTE],
  ['until a time long gone', body('banned until 1500000000000', 418), 2 * MINUTE],
  ['until the year 2200', body('banned until 7258118400000', 418), 72 * 60 * MINUTE],
])('F59 HTTP 418 %s means a ban of a sensible length', async (_, answer, pause) => {
  expect(await failureOf(answer)).toMatchObject({ code: 'exchange_banned', retryAfterMs: pause });
});

test.each<[string, Handler]>([
  ['before the answer', (request) => request.socket.destroy()],
  [
    'in the headers',
    (request) => {
      request.socket.write('HTTP/1.1 200 OK\r\nContent-Le');
      request.socket.end();
    },
  ],
  [
    'F62 in mid-body',
    (request, response) => {
      response.writeHead(200, { 'content-length': '5000' });
      response.write('[[1709251200000,"1",', () => request.socket.destroy());
    },
  ],
])('P6 a connection cut %s means that the exchange is unreachable', async (_, handler) => {
  expect(await failureOf(handler)).toMatchObject({ code: 'exchange_unreachable', retry: 'transient' });
});

test('an answer that is not HTTP means that the exchange is unreachable', async () => {
  expect(await failureOf((request) => request.socket.end('SSH-2.0-hello\r\n'))).toMatchObject({
    code: 'exchange_unreachable',
  });
});

test('a redirect is not followed', async () => {
  expect(await failureOf({ status: 302, headers: { location: 'http://127.0.0.1:1/' } })).toMatchObject({
    code: 'exchange_unreachable',
  });
});

test('nobody listening means that the exchange is unreachable', async () => {
  const gone = await startFaultServer();
  await gone.close();
  const { exchange } = await ccxtOn(gone);
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'exchange_unreachable' });
});

test('F63 an exchange that hangs is given up at the limit to the headers', async () => {
  server.always('klines', () => {});
  const { exchange } = await ccxtOn(server, { timeouts: { headersMs: 150, totalMs: 10_000 } });
  const started = performance.now();
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'exchange_timeout' });
  expect(performance.now() - started).toBeLessThan(2000);
});

test('F63 an answer that trickles is given up at the limit of the whole', async () => {
  let drip: NodeJS.Timeout | undefined;
  server.always('klines', (_, response) => {
    response.writeHead(200);
    drip = setInterval(() => response.write(' '), 20);
  });
  const { exchange } = await ccxtOn(server, { timeouts: { headersMs: 10_000, totalMs: 300 } });
  const started = performance.now();
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'exchange_timeout' });
  expect(performance.now() - started).toBeLessThan(2000);
  clearInterval(drip);
});

test('a caller can call off a request that is under way, and the connection is closed', async () => {
  const caller = new AbortController();
  const closed = new Promise<void>((resolve) => {
    server.always('klines', (request) => {
      request.socket.once('close', () => resolve());
      caller.abort(new Error('not needed any more'));
    });
  });
  const { exchange } = await ccxtOn(server);
  await expect(exchange.fetchPage(page({ signal: caller.signal }))).rejects.toThrow('not needed any more');
  await closed;
});

test('closing calls off what is under way and refuses what comes later', async () => {
  const { exchange } = await ccxtOn(server);
  server.always('klines', () => void exchange.close());
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'exchange_unreachable' });
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'exchange_unreachable' });
  expect(server.asked('klines')).toHaveLength(1);
});

test('a failed page is not asked for again by ccxt', async () => {
  await failureOf(body('', 500));
  expect(server.asked('klines')).toHaveLength(1);
});

test('the next page after a failure is right again', async () => {
  server.next('klines', body('', 500), body('<html>'));
  server.always('klines', { body: candles(2).map((candle) => klineRow(candle)) });
  const { exchange } = await ccxtOn(server);
  await expect(exchange.fetchPage(page())).rejects.toThrow();
  await expect(exchange.fetchPage(page())).rejects.toThrow();
  expect((await exchange.fetchPage(page())).candles).toEqual(candles(2));
});

test('a symbol that is not in the list of markets is a bad symbol, without a request for it', async () => {
  const { exchange } = await ccxtOn(server);
  await expect(exchange.fetchPage(page({ symbol: parseSymbol('NOPE/USDT') }))).rejects.toMatchObject({
    code: 'bad_symbol',
    retry: 'permanent',
  });
  expect(server.asked('klines')).toEqual([]);
});

test('the message of a failure is one short line', async () => {
  const { message } = await failureOf(body(`<html>\n${'x'.repeat(5000)}\u0000\n</html>`));
  expect(message).toMatch(/^[^\n\0]{1,300}$/);
});

describe('another exchange', () => {
  const kraken = async () => {
    const clock = movableClock();
    const budget = createMemoryRateBudget({ clock, sleep });
    const exchange = await createCcxtExchange({ id: 'kraken', clock, budget, settleMs: 2000, baseUrl: server.url });
    return { exchange, budget };
  };

  test('F58 "too many requests" in an answer with status 200 is a pause, and a ban for all', async () => {
    server.always('AssetPairs', body({ error: ['EAPI:Rate limit exceeded'] }));
    const { exchange, budget } = await kraken();
    await expect(exchange.markets()).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await budget.bannedUntil('kraken')).not.toBeNull();
  });

  test('a timeframe it does not offer is refused without a request', async () => {
    const { exchange } = await kraken();
    expect(exchange.supports(parseTimeframe('1M'))).toMatchObject({ offered: false });
    await expect(exchange.fetchPage(page({ timeframe: parseTimeframe('1M'), since: MARCH }))).rejects.toMatchObject({
      code: 'unsupported_timeframe',
    });
    expect(server.requests).toEqual([]);
  });

  test.each([
    ['binance', 1000],
    ['kucoin', 1000],
    ['okx', 300],
    ['gemini', 100],
  ])('F70 a request to %s looks at %i slots at most', async (id, slots) => {
    expect((await ccxtOn(server, { id })).exchange.largestPage).toBe(slots);
  });

  test.each(['kucoin', 'hyperliquid'])('P7 the Thursday weeks of %s are not offered, its days are', async (id) => {
    const { exchange } = await ccxtOn(server, { id });
    expect(exchange.supports(parseTimeframe('1w'))).toMatchObject({
      offered: false,
      reason: expect.stringContaining('Thursday'),
    });
    expect(exchange.supports(parseTimeframe('1d'))).toEqual({ timeframe: '1d', offered: true, reason: null });
  });
});

test('an exchange that ccxt does not know is refused with the name that was meant', async () => {
  await expect(ccxtOn(server, { id: 'binanse' })).rejects.toMatchObject({
    code: 'invalid_input',
    message: 'ccxt knows no exchange "binanse". Did you mean binance?',
  });
});
