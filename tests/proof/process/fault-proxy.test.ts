/** The proxy itself: each toxic does what its name says, counts, and can be lifted. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startFaultProxy } from './fault-proxy';
import type { FaultProxy } from './fault-proxy';

let server: Server;
let proxy: FaultProxy;
let done: string[];
beforeEach(async () => {
  done = [];
  server = createServer((request, response) => {
    done.push(request.url ?? '');
    response.setHeader('connection', 'close').end('x'.repeat(400));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy((server.address() as AddressInfo).port);
});
afterEach(async () => {
  await proxy.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const ask = async (path = '/a', limitMs = 3_000) =>
  (await fetch(`http://127.0.0.1:${proxy.port}${path}`, { signal: AbortSignal.timeout(limitMs) })).text();
const firedOnce = (name: Parameters<FaultProxy['apply']>[0]) => expect(proxy.fired.get(name)).toBeGreaterThan(0);

test('without a toxic all goes through, and no firing is counted', async () => {
  expect(await ask()).toHaveLength(400);
  expect(proxy.fired.size).toBe(0);
});

test('refuse: nobody listens, and afterwards the same port does', async () => {
  await proxy.apply('refuse');
  await expect(ask()).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  expect(done).toEqual([]);
  await proxy.apply('none');
  expect(await ask()).toHaveLength(400);
});

test('reset: the request does not arrive', async () => {
  await proxy.apply('reset');
  await expect(ask()).rejects.toThrow();
  expect(done).toEqual([]);
  firedOnce('reset');
});

test('half_close: the answer begins and the connection is closed on our side', async () => {
  await proxy.apply('half_close');
  await ask().catch(() => null);
  firedOnce('half_close');
});

test('hold: nothing is forwarded until it is lifted, then all is', async () => {
  await proxy.apply('hold');
  const asked = ask();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(done).toEqual([]);
  firedOnce('hold');
  await proxy.apply('none');
  expect(await asked).toHaveLength(400);
});

test.each(['slice', 'slow'] as const)('%s: all arrives, late', async (toxic) => {
  await proxy.apply(toxic);
  expect(await ask()).toHaveLength(400);
  firedOnce(toxic);
});

test('do_then_fail: the server has done it and answered, and the client does not learn of it', async () => {
  await proxy.apply('do_then_fail');
  await expect(ask('/done')).rejects.toThrow();
  expect(done).toEqual(['/done']);
  firedOnce('do_then_fail');
});
