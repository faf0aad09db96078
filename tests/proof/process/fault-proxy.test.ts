/** The proxy itself: each toxic does to the bytes what its name says, counts, and can be lifted. */
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startFaultProxy, TOXICS } from './fault-proxy';
import type { FaultProxy } from './fault-proxy';

/** One side of a connection: what came to it, piece by piece, and how the other side ended it. */
interface Side {
  readonly socket: Socket;
  readonly pieces: string[];
  readonly ended: Promise<string>;
}

function sideOf(socket: Socket): Side {
  const pieces: string[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece.toString()));
  const ended = new Promise<string>((resolve) => {
    socket.once('end', () => resolve('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('close', () => resolve('closed'));
  });
  return { socket, pieces, ended };
}

jest.setTimeout(10_000);

const ANSWER = 'x'.repeat(400);
let server: Server;
let proxy: FaultProxy;
let served: Side[];
let clients: Side[];
beforeEach(async () => {
  served = [];
  clients = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    served.push(sideOf(socket));
    socket.once('data', () => socket.write(ANSWER));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy((server.address() as AddressInfo).port);
});
afterEach(async () => {
  for (const { socket } of [...clients, ...served]) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => server.close(resolve));
});

function connect(): Side {
  const side = sideOf(createConnection({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }));
  clients.push(side);
  return side;
}

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5_000; !holds(); await pause(5))
    if (Date.now() > deadline) throw new Error('it never happened');
}

const told = (side: Side | undefined): string => side?.pieces.join('') ?? '';
/** A connection through which both sides have been heard. */
async function talking(): Promise<Side> {
  const client = connect();
  client.socket.write('ask');
  await until(() => told(client) === ANSWER);
  return client;
}

test('without a toxic all goes through, the end too, and no firing is counted', async () => {
  const client = await talking();
  expect(told(served[0])).toBe('ask');
  client.socket.end();
  expect(await served[0]?.ended).toBe('end');
  expect(proxy.fired.size).toBe(0);
});

test('refuse: what is open is reset, nobody listens, and afterwards the same port does', async () => {
  const open = await talking();
  await proxy.apply('refuse');
  expect(await open.ended).toBe('ECONNRESET');
  expect(await connect().ended).toBe('ECONNREFUSED');
  expect(served).toHaveLength(1);
  expect(proxy.fired.get('refuse')).toBe(1);
  await proxy.apply('none');
  await talking();
});

test('reset: what is open at once, what is new with its first byte, which does not arrive', async () => {
  const open = await talking();
  await proxy.apply('reset');
  expect(await open.ended).toBe('ECONNRESET');
  const fresh = connect();
  await until(() => served.length === 2);
  fresh.socket.write('ask');
  expect(await fresh.ended).toBe('ECONNRESET');
  expect(told(served[1])).toBe('');
  expect(proxy.fired.get('reset')).toBe(2);
});

test('half_close: the client gets the first bytes and the end, and what it says still arrives', async () => {
  await proxy.apply('half_close');
  const client = await talking();
  expect(await client.ended).toBe('end');
  served[0]?.socket.write('the second part');
  client.socket.write(', and more');
  await until(() => told(served[0]) === 'ask, and more');
  expect(told(client)).toBe(ANSWER);
  expect(proxy.fired.get('half_close')).toBe(1);
});

test('hold: nothing is forwarded to either side until it is lifted, then all is', async () => {
  const client = await talking();
  await proxy.apply('hold');
  client.socket.write(' again');
  served[0]?.socket.write('again');
  await pause(200);
  expect([told(served[0]), told(client)]).toEqual(['ask', ANSWER]);
  expect(proxy.fired.get('hold')).toBe(1);
  await proxy.apply('none');
  await until(() => told(served[0]) === 'ask again' && told(client) === `${ANSWER}again`);
});

test('slice: all arrives, in single bytes', async () => {
  await proxy.apply('slice');
  const client = await talking();
  // A reader that is behind may find two of them at once.
  expect(client.pieces.length).toBeGreaterThan(ANSWER.length / 2);
  expect(proxy.fired.get('slice')).toBe(1);
});

test('slow: all arrives, some 2,000 bytes a second', async () => {
  await proxy.apply('slow');
  const from = performance.now();
  await talking();
  // 100 bytes of the answer go out at once.
  expect(performance.now() - from).toBeGreaterThan((ANSWER.length - 100) / 2.1);
  expect(proxy.fired.get('slow')).toBe(1);
});

test('do_then_fail: the server has done it and answered, and the client gets no byte of it but a reset', async () => {
  await proxy.apply('do_then_fail');
  const client = connect();
  client.socket.write('ask');
  expect(await client.ended).toBe('ECONNRESET');
  expect(told(client)).toBe('');
  expect(told(served[0])).toBe('ask');
  expect(served[0]?.socket.bytesWritten).toBe(ANSWER.length);
  expect(proxy.fired.get('do_then_fail')).toBe(1);
});

test('each toxic can be lifted', async () => {
  for (const toxic of TOXICS) {
    await proxy.apply(toxic);
    await proxy.apply('none');
    await talking();
  }
});
