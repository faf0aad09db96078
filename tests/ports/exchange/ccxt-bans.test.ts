/** After an exchange told us to stop, nobody of the deployment sends it anything (I60). */
import { createMemoryRateBudget } from '../../../src/adapters/memory/memory-rate-budget';
import { ccxtOn, movableClock, page, sleep } from './ccxt-under-test';
import { sendAnswer, startFaultServer } from './fault-server';
import type { FaultServer } from './fault-server';

let server: FaultServer;
beforeEach(async () => {
  server = await startFaultServer();
});
afterEach(() => server.close());

const shared = () => {
  const clock = movableClock();
  return { clock, budget: createMemoryRateBudget({ clock, sleep }) };
};

test.each([
  ['F58 429', { status: 429, headers: { 'retry-after': '37' }, body: '' }, 'rate_limited'],
  ['F59 418', { status: 418, body: `banned until ${Date.now() + 600_000}` }, 'exchange_banned'],
  ['F60 451', { status: 451, body: '' }, 'exchange_blocked'],
])('I60 %s to one stops all that share the budget', async (_, answer, code) => {
  const deployment = shared();
  const { exchange: one } = await ccxtOn(server, deployment);
  const { exchange: other } = await ccxtOn(server, deployment);
  await one.fetchPage(page());
  await other.fetchPage(page());
  server.always('klines', answer);
  await expect(one.fetchPage(page())).rejects.toMatchObject({ code });
  const sent = server.requests.length;
  for (const exchange of [one, other]) {
    await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code });
    await expect(exchange.serverTime()).rejects.toMatchObject({ code });
  }
  expect(server.requests).toHaveLength(sent);
});

test('F58 the first request after a pause is sent when the pause is over, not before', async () => {
  const { exchange } = await ccxtOn(server, shared());
  await exchange.fetchPage(page());
  let refusedAt = 0;
  server.next('klines', (_, response) => {
    refusedAt = Date.now();
    sendAnswer(response, { status: 429, headers: { 'retry-after': '1' } });
  });
  await expect(exchange.fetchPage(page())).rejects.toMatchObject({ code: 'rate_limited', retryAfterMs: 1000 });
  await exchange.fetchPage(page());
  expect((server.requests.at(-1)?.at ?? 0) - refusedAt).toBeGreaterThanOrEqual(1000);
});

test('I60 requests that stood in the queue when the ban came are not sent', async () => {
  const { exchange } = await ccxtOn(server, { ...shared(), parallel: 1 });
  await exchange.fetchPage(page());
  server.always('klines', (_, response) => {
    setTimeout(() => sendAnswer(response, { status: 429, headers: { 'retry-after': '600' } }), 50);
  });
  const asked = await Promise.allSettled(Array.from({ length: 5 }, () => exchange.fetchPage(page())));
  expect(asked.map(({ status }) => status)).toEqual(Array.from({ length: 5 }, () => 'rejected'));
  // One before, and the one that was refused.
  expect(server.asked('klines')).toHaveLength(2);
});

test('P3 a ban while a list of markets is loaded costs one request', async () => {
  server.always('exchangeInfo', { status: 418, body: '' });
  const { exchange } = await ccxtOn(server, shared());
  const asked = await Promise.allSettled(Array.from({ length: 8 }, () => exchange.fetchPage(page())));
  expect(asked.every(({ status }) => status === 'rejected')).toBe(true);
  expect(server.requests).toHaveLength(1);
});

test('live pages leave the queue before fills that came first', async () => {
  const { exchange } = await ccxtOn(server, { ...shared(), parallel: 1 });
  await exchange.fetchPage(page());
  server.always('klines', (_, response) => {
    setTimeout(() => sendAnswer(response, { body: [] }), 30);
  });
  await Promise.all([
    exchange.fetchPage(page({ limit: 1, priority: 'fill' })),
    exchange.fetchPage(page({ limit: 2, priority: 'fill' })),
    exchange.fetchPage(page({ limit: 3, priority: 'fill' })),
    sleep(5).then(() => exchange.fetchPage(page({ limit: 4, priority: 'live' }))),
  ]);
  expect(server.asked('klines').map(({ query }) => query.get('limit'))).toEqual(['1000', '1', '4', '2', '3']);
});
