import { HOUR } from '../../../src/domain/timeframe';
import { startMarket, describeMarket } from '../../../src/market/market-server';
import type { MarketOptions, MarketServer } from '../../../src/market/market-server';

const NOW = Date.parse('2024-06-13T07:30:00Z');
const running: MarketServer[] = [];

async function start(options: MarketOptions = {}): Promise<MarketServer> {
  const market = await startMarket({ seed: 'rest', clock: { fixed: NOW }, ...options });
  running.push(market);
  return market;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((market) => market.close()));
});

async function get(market: MarketServer, path: string): Promise<{ status: number; body: unknown; headers: Headers }> {
  const response = await fetch(market.url + path);
  return { status: response.status, body: await response.json(), headers: response.headers };
}

async function post(market: MarketServer, path: string, body: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(market.url + path, { method: 'POST', body });
  return { status: response.status, body: await response.json() };
}

test('a kline has twelve fields: numbers for times and trades, strings of eight decimals for the rest', async () => {
  const { body } = await get(await start(), '/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1');
  const decimal = expect.stringMatching(/^\d+\.\d{8}$/) as unknown;
  const open = NOW - HOUR / 2;
  expect(body).toEqual([
    [
      open,
      ...Array.from({ length: 5 }, () => decimal),
      open + HOUR - 1,
      decimal,
      expect.any(Number),
      decimal,
      decimal,
      '0',
    ],
  ]);
});

test.each([
  ['', 500],
  ['&limit=1', 1],
  ['&limit=1000', 1000],
  ['&limit=5000', 1000],
  [`&startTime=${NOW - 10 * HOUR}`, 10],
  [`&startTime=${NOW - 10 * HOUR}&endTime=${NOW - 8 * HOUR}`, 2],
  [`&startTime=${NOW}&endTime=${NOW - HOUR}`, 0],
  ['&startTime=99999999999999999999', 0],
  ['&startTime=0&endTime=1', 0],
])('klines with "%s" answer %i rows', async (query, rows) => {
  const { body } = await get(await start(), `/api/v3/klines?symbol=BTCUSDT&interval=1h${query}`);
  expect(body).toHaveLength(rows);
});

test.each([
  ['symbol=NONEUSDT&interval=1h', -1121, 'Invalid symbol.'],
  ['symbol=BTCUSDT&interval=7h', -1120, 'Invalid interval.'],
  ['symbol=BTCUSDT', -1102, "Mandatory parameter 'interval'"],
  ['interval=1h', -1102, "Mandatory parameter 'symbol'"],
  ['symbol=btc%20usdt&interval=1h', -1100, "parameter 'symbol'"],
  ['symbol=BTCUSDT&interval=1h&limit=ten', -1100, "parameter 'limit'"],
  ['symbol=BTCUSDT&interval=1h&startTime=-5', -1100, "parameter 'startTime'"],
  ['symbol=BTCUSDT&interval=1h&limit=0', -1130, "parameter 'limit'"],
])('klines with %s answer 400 with code %i', async (query, code, message) => {
  const { status, body } = await get(await start(), `/api/v3/klines?${query}`);
  expect(status).toBe(400);
  expect(body).toEqual({ code, msg: expect.stringContaining(message) as unknown });
});

test('a symbol is invalid until it is listed', async () => {
  const market = await start({ clock: { fixed: Date.UTC(2020, 0, 1) } });
  const klines = '/api/v3/klines?symbol=SOLUSDT&interval=1h';
  expect(await get(market, klines)).toMatchObject({ status: 400, body: { code: -1121 } });
  market.clock.set(NOW);
  expect((await get(market, klines)).status).toBe(200);
});

test('the weights used in a minute are counted as the exchange counts them', async () => {
  const market = await start();
  await waitForRoomInMinute();
  const weight = async (path: string): Promise<number> => {
    const { headers } = await get(market, path);
    return Number(headers.get('X-MBX-USED-WEIGHT-1M'));
  };
  const totals = [
    await weight('/api/v3/ping'),
    await weight('/api/v3/klines?symbol=BTCUSDT&interval=1h'),
    await weight('/api/v3/exchangeInfo'),
    await weight('/api/v3/ticker/24hr'),
    await weight('/api/v3/ticker/24hr?symbol=BTCUSDT'),
    await weight('/api/v3/time'),
  ];
  expect(totals).toEqual([1, 3, 23, 103, 105, 106]);
});

/** The count starts anew with each minute of the machine. */
async function waitForRoomInMinute(): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 3_000) await new Promise((resolve) => setTimeout(resolve, left + 10));
}

test('an unknown path is 404 and another method 405, both as JSON', async () => {
  const market = await start();
  expect((await get(market, '/api/v3/account')).status).toBe(404);
  expect((await get(market, '/toString')).status).toBe(404);
  expect((await post(market, '/api/v3/klines', '')).status).toBe(405);
});

test('every request of a client is in the log, control requests are not', async () => {
  const market = await start();
  const before = Date.now();
  await get(market, '/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1');
  await get(market, '/api/v3/nothing');
  const { body } = await get(market, '/_control/requests');
  expect(body).toEqual(market.requests());
  expect(market.requests()).toMatchObject([
    { path: '/api/v3/klines', query: 'symbol=BTCUSDT&interval=1h&limit=1', status: 200 },
    { path: '/api/v3/nothing', query: '', status: 404 },
  ]);
  expect(market.requests()[0]?.at).toBeGreaterThanOrEqual(before);
});

test('the fixed clock is read and set over the control path', async () => {
  const market = await start();
  expect((await get(market, '/_control/clock')).body).toMatchObject({ kind: 'fixed', now: NOW });
  expect(await post(market, '/_control/clock', JSON.stringify({ now: NOW + HOUR }))).toMatchObject({ status: 200 });
  expect((await get(market, '/api/v3/time')).body).toEqual({ serverTime: NOW + HOUR });
  await post(market, '/_control/clock', '{"now":"2024-07-01T00:00:00Z"}');
  expect(market.clock.now()).toBe(Date.UTC(2024, 6, 1));
});

test.each(['', '{', 'null', '{}', '{"now":"yesterday"}', '{"now":-1}'])(
  'setting the clock with the body %j changes nothing',
  async (body) => {
    const market = await start();
    expect((await post(market, '/_control/clock', body)).status).toBe(400);
    expect(market.clock.now()).toBe(NOW);
  },
);

test('a running clock can not be set', async () => {
  const market = await start({ clock: 'real' });
  const { status, body } = await post(market, '/_control/clock', `{"now":${NOW}}`);
  expect(status).toBe(400);
  expect(body).toEqual({ error: expect.stringContaining('only a fixed clock') as unknown });
});

test('a body beyond 64 KiB is refused', async () => {
  const market = await start();
  expect((await post(market, '/_control/clock', ' '.repeat(70_000))).status).toBe(413);
});

test('health says what is served', async () => {
  const market = await start();
  expect((await get(market, '/_control/health')).body).toMatchObject({ status: 'ok', clock: 'fixed', symbols: 5 });
  expect(describeMarket(market)).toBe(
    `market at ${market.url}: generated, seed rest, 5 symbols, fixed clock at 2024-06-13T07:30:00.000Z`,
  );
});

test('a layer stands between client and routes: it can change an answer, and its failure is an answer too', async () => {
  const market = await start({
    layers: [
      async (request, next) => {
        if (request.query.has('fail')) throw new Error('out of order');
        return { ...(await next()), status: 503 };
      },
    ],
  });
  expect((await get(market, '/api/v3/ping')).status).toBe(503);
  expect(await get(market, '/api/v3/ping?fail')).toMatchObject({ status: 500, body: { msg: 'out of order' } });
  expect(market.requests().map(({ status }) => status)).toEqual([503, 500]);
});

test('a port that is taken is refused in one sentence', async () => {
  const market = await start();
  await expect(startMarket({ port: market.port })).rejects.toMatchObject({
    code: 'invalid_input',
    message: `the market can not listen on 127.0.0.1:${market.port}`,
  });
});

test('close frees the port at once, even with a client that keeps its connection', async () => {
  const market = await start();
  await get(market, '/api/v3/ping');
  await market.close();
  await expect(fetch(`${market.url}/api/v3/ping`)).rejects.toThrow();
});
