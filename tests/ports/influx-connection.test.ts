/** What counts as acknowledged, by a server that answers as it is told. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InfluxConnection } from '../../src/adapters/influx/connection';

const LINE = 'candle close=1 1000';
let server: Server;
let connection: InfluxConnection;
beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  connection = new InfluxConnection({ url: `http://127.0.0.1:${port}`, token: 't', org: 'o', bucket: 'b' });
});
afterEach(async () => {
  connection.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

test('P11 a write is acknowledged by its own answer alone, and only by 204', async () => {
  let acknowledged = false;
  const asked = once(server, 'request');
  const written = connection.write([LINE]).then(() => (acknowledged = true));
  const [, answer] = (await asked) as [unknown, ServerResponse];
  // Whatever would be acknowledged without the answer has been by now.
  await new Promise(setImmediate);
  expect(acknowledged).toBe(false);
  answer.writeHead(204).end();
  await written;
  for (const status of [200, 500]) {
    server.once('request', (_, refusal: ServerResponse) => refusal.writeHead(status).end());
    await expect(connection.write([LINE])).rejects.toMatchObject({ code: 'store_unavailable' });
  }
});
