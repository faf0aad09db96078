/** Which port a server ends up on, and what the operator is told when it can not have it. */
import { createServer, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { PipelineError } from '../../../src/domain/errors';
import { createApp } from '../../../src/web/app';
import { listen } from '../../../src/web/listening';
import { portHolder } from '../../../src/web/port-holder';

let taken: Server;
let port: number;
let app: FastifyInstance;

beforeEach(async () => {
  app = createApp({ audience: 'public' });
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(async () => {
  await app.close();
  await new Promise((resolve) => taken.close(resolve));
});

test('a default port that is taken moves on to the next free one', async () => {
  const url = await listen(app, { host: '127.0.0.1', port, explicit: false, variable: 'WEB_PORT' });
  expect(Number(new URL(url).port)).toBeGreaterThan(port);
  expect(Number(new URL(url).port)).toBeLessThan(port + 50);
  expect((await fetch(url)).status).toBe(404);
  await app.close();
  await expect(fetch(url)).rejects.toThrow('fetch failed');
});

test('a port that was set and is taken is an error that names its holder and the variable', async () => {
  const refused = listen(app, { host: '127.0.0.1', port, explicit: true, variable: 'WEB_PORT' });
  const error = await refused.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(PipelineError);
  expect(String(error)).toContain(`WEB_PORT: port ${port} is taken by process ${process.pid} (`);
});

test('an address that can not be listened on names the variable and the reason', async () => {
  const refused = listen(app, { host: '203.0.113.1', port: 0, explicit: false, variable: 'WEB_PORT' });
  await expect(refused).rejects.toThrow(/WEB_PORT: 203\.0\.113\.1 port 0 can not be listened on \(EADDRNOTAVAIL\)/);
});

test('the holder of a free port is not known', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const free = typeof address === 'object' && address !== null ? address.port : 0;
  expect(portHolder(free)).toMatchObject({ pid: process.pid });
  await new Promise((resolve) => other.close(resolve));
  expect(portHolder(free)).toBeNull();
});
