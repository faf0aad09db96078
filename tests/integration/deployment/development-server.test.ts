/** The Temporal server as a child: whoever starts one talks to that one and no other. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portHolder } from '../../../src/web/port-holder';
import { startDevelopmentServer, startOnChosenPorts } from '../../../temporal/development-server';
import type { DevelopmentServer } from '../../../temporal/development-server';
import { findTemporalBinary } from '../../../temporal/temporal-binary';
import { freePort } from '../../free-port';

let folder: string;
let binary: string;
const running: DevelopmentServer[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'coin-predict-server-'));
  const cacheDir = join(__dirname, '..', '..', '..', '.cache');
  binary = await findTemporalBinary({ configured: process.env.TEMPORAL_BIN, cacheDir, tell: () => {} });
}, 60_000);
afterAll(async () => {
  for (const server of running) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

const options = (name: string) => ({
  binary,
  databaseFile: join(folder, name, 'temporal.db'),
  logFile: join(folder, name, 'temporal.log'),
  namespace: 'default',
});
const portOf = ({ address }: DevelopmentServer): number => Number(address.split(':')[1]);

test('two that are started on one port at the same time end up on two, each with its own server', async () => {
  const contested = await freePort();
  const start = async (name: string) => {
    let asked = 0;
    const choose = async () => ({ port: asked++ === 0 ? contested : await freePort(), uiPort: null });
    const { server } = await startOnChosenPorts(options(name), choose);
    running.push(server);
    return server;
  };
  const servers = await Promise.all([start('one'), start('two')]);
  expect(new Set(servers.map(({ address }) => address)).size).toBe(2);
  for (const server of servers) expect(portHolder(portOf(server))?.pid).toBe(server.pid);
}, 60_000);

test('a server of someone else on the port is never taken for the own one', async () => {
  const first = await startDevelopmentServer({ ...options('first'), port: await freePort(), uiPort: null });
  running.push(first);
  const second = startDevelopmentServer({ ...options('second'), port: portOf(first), uiPort: null });
  await expect(second).rejects.toThrow(/ended at once .*address already in use/);
}, 60_000);

test('a port that stays taken is said so in the end, with the log', async () => {
  const other: Server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as { port: number };
  let asked = 0;
  const choose = async () => {
    asked += 1;
    return { port, uiPort: null };
  };
  try {
    await expect(startOnChosenPorts(options('never'), choose)).rejects.toThrow(/address already in use.*its log is/);
    expect(asked).toBe(5);
  } finally {
    other.close();
  }
}, 60_000);
