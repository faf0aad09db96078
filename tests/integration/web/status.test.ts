/** `/status`: the SPEC's table, derived from the document's times and the clock at the moment of asking. */
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { buildOps } from '../../../src/web/ops-server';
import { buildWeb } from '../../../src/web/public-server';
import { HOUR, NO_DOCUMENTS, createFixture, standingClock, type Fixture, type PairFixture } from './published-fixture';

const NOW = Date.parse('2026-11-24T14:12:00Z');
const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 100) };
const BTC: PairFixture = { symbol: 'BTC/USDT', timeframe: '1h' };
const ADDRESS = '/status/BTC_USDT?timeframe=1h';

let fixture: Fixture;
let clock: ReturnType<typeof standingClock>;
let web: FastifyInstance;

beforeEach(() => {
  fixture = createFixture();
  clock = standingClock(NOW);
  const { publicDir, opsDir } = fixture;
  web = buildWeb({ publicDir, opsDir, source: 'simulated', live: false, clock, pageDir: 'none', schemasDir: 'none' });
});
afterEach(async () => {
  await web.close();
  fixture.remove();
});

const publish = (pair: PairFixture, nextExpectedCommit = NOW + 24 * HOUR) =>
  fixture.publish([pair], { now: NOW, nextExpectedCommit });

test('it answers exactly the fields of the contract', async () => {
  const stages = [
    { stage: 'export', last_success_at: new Date(NOW - 60_000).toISOString(), last_failure_at: null, failure_count: 0 },
    {
      stage: 'predict',
      last_success_at: null,
      last_failure_at: new Date(NOW - 120_000).toISOString(),
      failure_count: 2,
    },
  ];
  publish({ ...BTC, row: { ops: { stages } } });
  const answer = await web.inject(ADDRESS);
  expect(answer.statusCode).toBe(200);
  expect(answer.json()).toEqual({
    symbol: 'BTC/USDT',
    timeframe: '1h',
    status: 'fresh',
    serve_allowed: true,
    degraded: false,
    reason: null,
    updated_at: '2026-11-24T14:12:00Z',
    data_through: '2026-11-24T14:00:00Z',
    age_minutes: 12,
    threshold_minutes: { soft: 65, hard: 130 },
    last_success_at: '2026-11-24T14:11:00.000Z',
    last_failure_at: '2026-11-24T14:10:00.000Z',
    failure_count: 2,
    warning: null,
  });
});

test.each(['BTC_USDT', 'BTC%2FUSDT', 'BTC%2fUSDT'])('%s names the same pair', async (symbol) => {
  publish(BTC);
  expect((await web.inject(`/status/${symbol}?timeframe=1h`)).json().symbol).toBe('BTC/USDT');
});

test.each<[string, PairFixture, number, number]>([
  ['fresh', BTC, 200, 0],
  ['stale', BTC, 200, 60 * 60_000],
  ['hard_stale', BTC, 503, 3 * HOUR],
  [
    'insufficient_data',
    { ...BTC, predictionBehind: null, row: { gateReason: '31 closed candles, 240 are needed' } },
    503,
    0,
  ],
  ['missing', { ...BTC, predictionBehind: null }, 503, 0],
  ['hard_stale', { ...BTC, predictionBehind: 4, row: { degraded: true } }, 503, 0],
])('I30 a pair that is %s', async (status, pair, code, later) => {
  publish(pair);
  clock.set(NOW + later);
  const answer = await web.inject(ADDRESS);
  expect([answer.json().status, answer.statusCode, answer.json().serve_allowed]).toEqual([status, code, code === 200]);
});

test('an export block is not servable and says why', async () => {
  publish({ ...BTC, row: { exportBlock: 'the disk is full' } });
  const answer = await web.inject(ADDRESS);
  expect([answer.statusCode, answer.json().reason]).toEqual([503, 'blocked: the disk is full']);
});

test('a pair that the publisher found damaged stays corrupt, whatever the time, though no file is named any more', async () => {
  fixture.publish([BTC], { now: NOW, damaged: ['BTC/USDT 1h'] });
  for (const later of [0, 24 * HOUR]) {
    clock.set(NOW + later);
    const { status, reason } = (await web.inject(ADDRESS)).json();
    expect([status, reason]).toEqual(['corrupt', 'a published document can not be trusted']);
  }
});

test.each<[string, PairFixture['row'], number, string]>([
  ['missing', NO_DOCUMENTS, 0, 'no history has been published yet'],
  ['insufficient_data', { gateReason: '31 closed candles, 240 are needed' }, 0, '31 closed candles, 240 are needed'],
  ['stale', {}, HOUR, 'data ended 72 min ago, more than 65 min'],
  ['hard_stale', { storeDataThrough: NOW - 4 * HOUR }, 0, 'store and published data are 3 h apart'],
  ['hard_stale', {}, 3 * HOUR, 'data ended 3 h ago, more than 2 h'],
])('a blocked pair that is %s says both', async (status, row, later, reason) => {
  publish({ ...BTC, row: { ...row, exportBlock: 'the disk is full' } });
  clock.set(NOW + later);
  expect((await web.inject(ADDRESS)).json()).toMatchObject({
    status,
    serve_allowed: false,
    reason: `blocked: the disk is full; ${reason}`,
  });
});

test('degraded is a flag beside the status, with a warning', async () => {
  publish({ ...BTC, row: { degraded: true } });
  const answer = (await web.inject(ADDRESS)).json();
  expect(answer).toMatchObject({ status: 'fresh', degraded: true, serve_allowed: true });
  expect(answer.warning).toContain('the last forecast run failed');
});

test('a timeframe without prediction is judged on its history', async () => {
  publish({ symbol: 'BTC/USDT', timeframe: '1m' });
  expect((await web.inject('/status/BTC_USDT?timeframe=1m')).json().status).toBe('fresh');
});

test('a publisher that is late is a warning', async () => {
  publish(BTC, NOW - HOUR);
  expect((await web.inject(ADDRESS)).json().warning).toContain('the publisher is late');
});

test('I30 whatever the time, the answer is never better than the age of the data allows', async () => {
  publish(BTC);
  const dataThrough = Date.parse('2026-11-24T14:00:00Z');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 6 * HOUR }), async (age) => {
      clock.set(dataThrough + age);
      const expected = age <= 65 * 60_000 ? 'fresh' : age <= 130 * 60_000 ? 'stale' : 'hard_stale';
      const answer = await web.inject(ADDRESS);
      expect(answer.json().status).toBe(expected);
      expect(answer.statusCode).toBe(expected === 'hard_stale' ? 503 : 200);
    }),
    RUNS,
  );
});

test.each([
  '/status/BTC_USDT',
  '/status/BTC_USDT?timeframe=',
  '/status/BTC_USDT?timeframe=1H',
  '/status/BTC_USDT?timeframe=7h',
  '/status/BTC_USDT?timeframe=1h&timeframe=1d',
  '/status/BTC_USDT?timeframe[]=1h',
  '/status/BTC_USDT?timeframe[a]=1h',
  '/status/BTC_USDT?timeframe=1h&extra=1',
  '/status/BTC_USDT?timeframe=1h&__proto__=1',
  '/status/BTC_USDT?__proto__[polluted]=1&timeframe=1h',
  '/status/BTC_USDT?constructor=1&timeframe=1h',
  '/status/btc_usdt?timeframe=1h',
  '/status/BTC?timeframe=1h',
  '/status/BTC%252FUSDT?timeframe=1h',
  '/status/__proto__?timeframe=1h',
  '/status/BTC_USDT%00?timeframe=1h',
  '/status/BTC%0A_USDT?timeframe=1h',
])('S14 S15 %s is a bad request', async (url) => {
  publish(BTC);
  const answer = await web.inject(url);
  expect([answer.statusCode, answer.json().error]).toEqual([400, 'bad_request']);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('S15 no query whatever makes anything but 200, 400, 404 or 503', async () => {
  publish(BTC);
  await fc.assert(
    fc.asyncProperty(fc.webQueryParameters(), fc.webSegment(), async (query, symbol) => {
      const answer = await web.inject(`/status/${symbol}?${query}`);
      expect([400, 404]).toContain(answer.statusCode);
    }),
    RUNS,
  );
});

test('an unknown pair, an unpublished timeframe and a hidden pair are 404 alike', async () => {
  fixture.publish([BTC, { symbol: 'ETH/USDT', timeframe: '1h', row: { visibility: 'hidden_backfilling' } }], {
    now: NOW,
  });
  for (const url of [
    '/status/XYZ_USDT?timeframe=1h',
    '/status/BTC_USDT?timeframe=4h',
    '/status/ETH_USDT?timeframe=1h',
  ]) {
    const answer = await web.inject(url);
    expect([answer.statusCode, answer.json().message]).toEqual([404, 'there is nothing at this address']);
  }
});

describe('the operators', () => {
  const buildTheirs = () => {
    const { publicDir, opsDir } = fixture;
    return buildOps({ publicDir, opsDir, source: 'simulated', clock, opsPageDir: 'none' });
  };
  const local = { host: 'localhost:8081' };

  test('F42 readiness tells a bad manifest, a late publisher and a foreign source', async () => {
    const ops = buildTheirs();
    const ready = async () => (await ops.inject({ url: '/readyz', headers: local })).json();
    expect(await ready()).toEqual({ ready: false, faults: ['nothing has been published yet'] });
    fixture.publish([BTC], { now: NOW, source: 'binance', nextExpectedCommit: NOW - HOUR });
    await new Promise((resolve) => setTimeout(resolve, 230));
    expect((await ready()).faults).toEqual([
      'published from binance, but this server is set to simulated',
      expect.stringContaining('the publisher is late'),
    ]);
    await ops.close();
  });

  test('metrics count pairs by the status they have now', async () => {
    publish(BTC);
    clock.set(NOW + 3 * HOUR);
    const ops = buildTheirs();
    const { body, headers } = await ops.inject({ url: '/metrics', headers: local });
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers['cache-control']).toBe('no-store');
    expect(body).toContain('coin_predict_pairs{status="hard_stale"} 1');
    expect(body).toContain('coin_predict_pairs{status="fresh"} 0');
    expect(body).toContain('coin_predict_manifest_age_seconds 10800');
    await ops.close();
  });

  test('metrics count a pair that is blocked as that, and not as fresh', async () => {
    publish({ ...BTC, row: { exportBlock: 'the disk is full' } });
    const ops = buildTheirs();
    const { body } = await ops.inject({ url: '/metrics', headers: local });
    expect(body).toContain('coin_predict_pairs{status="blocked"} 1');
    expect(body).toContain('coin_predict_pairs{status="fresh"} 0');
    await ops.close();
  });

  test('metrics count a pair that the publisher found damaged as corrupt', async () => {
    fixture.publish([BTC], { now: NOW, damaged: ['BTC/USDT 1h'] });
    const ops = buildTheirs();
    const { body } = await ops.inject({ url: '/metrics', headers: local });
    expect(body).toContain('coin_predict_pairs{status="corrupt"} 1');
    expect(body).toContain('coin_predict_pairs{status="missing"} 0');
    await ops.close();
  });

  test('the ops manifest is theirs alone, never kept, and only asked for by a local name', async () => {
    publish(BTC);
    const ops = buildTheirs();
    const answer = await ops.inject({ url: '/ops/manifest.json', headers: local });
    expect(answer.json().entries[0].symbol_state).toBe('ready');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    const foreign = await ops.inject({ url: '/ops/manifest.json', headers: { host: 'evil.example' } });
    expect(foreign.statusCode).toBe(403);
    expect((await web.inject('/ops/manifest.json')).statusCode).toBe(404);
    expect((await web.inject('/metrics')).statusCode).toBe(404);
    await ops.close();
  });
});
