/** Stands between two programs on one machine and spoils what goes through, at a word. Plain TCP, so HTTP and gRPC too. */
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * - `none`          all goes through
 * - `refuse`        nobody listens
 * - `reset`         every connection is reset, those that are open at once, new ones with their first byte
 * - `half_close`    the first bytes go through, then our side to the client is closed while its own stays open
 * - `hold`          connections are taken and nothing is forwarded until the word changes
 * - `slice`         bytes go through one by one
 * - `slow`          some 2,000 bytes a second
 * - `do_then_fail`  what the client says arrives, the server does it and answers, and the client gets a reset instead
 */
export const TOXICS = ['refuse', 'reset', 'half_close', 'hold', 'slice', 'slow', 'do_then_fail'] as const;
export type Toxic = (typeof TOXICS)[number] | 'none';

export interface FaultProxy {
  readonly port: number;
  /** Connections that a toxic has befallen, by its name. */
  readonly fired: ReadonlyMap<Toxic, number>;
  apply(toxic: Toxic): Promise<void>;
  close(): Promise<void>;
}

const SLICED_AT_MOST = 512;
const SLOW_CHUNK = 100;
const SLOW_PAUSE_MS = 50;
/** So long without a byte means that the server has said all it had to. */
const ANSWERED_AFTER_MS = 60;

/** @param target port of the server on this machine; the proxy listens on a free one, or on `port`. */
export async function startFaultProxy(target: number): Promise<FaultProxy> {
  const fired = new Map<Toxic, number>();
  const links = new Set<Link>();
  let toxic: Toxic = 'none';
  const count = (name: Toxic): void => void fired.set(name, (fired.get(name) ?? 0) + 1);
  const accept = (client: Socket): void => {
    const link = new Link(client, target, () => toxic, count);
    links.add(link);
    client.once('close', () => links.delete(link));
  };
  let server: Server | null = await listen(0, accept);
  const { port } = server.address() as AddressInfo;
  const stopListening = async (): Promise<void> => {
    const closing = server;
    server = null;
    if (closing !== null) await new Promise((resolve) => closing.close(resolve));
  };
  return {
    port,
    fired,
    apply: async (next) => {
      toxic = next;
      if (next === 'refuse' || next === 'reset') for (const link of links) link.reset(next);
      if (next === 'refuse') await stopListening();
      else server ??= await listen(port, accept);
      for (const link of links) link.flow();
    },
    close: async () => {
      for (const link of links) link.destroy();
      await stopListening();
    },
  };
}

function listen(port: number, accept: (client: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, accept);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

/** What is on its way to one side; null: the other side has closed. */
interface Waiting {
  readonly to: Socket;
  readonly chunk: Buffer | null;
}

/** One connection through the proxy. */
class Link {
  readonly #upstream: Socket;
  readonly #waiting: Waiting[] = [];
  readonly #befallen = new Set<Toxic>();
  #sending = false;
  #failing: NodeJS.Timeout | null = null;

  constructor(
    private readonly client: Socket,
    target: number,
    private readonly toxic: () => Toxic,
    private readonly count: (name: Toxic) => void,
  ) {
    this.#upstream = createConnection({ port: target, host: '127.0.0.1', allowHalfOpen: true });
    for (const [from, to] of [
      [client, this.#upstream],
      [this.#upstream, client],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (chunk: Buffer) => this.#take(from, to, chunk));
      from.on('end', () => this.#takeEnd(from, to));
      from.on('error', () => this.destroy());
      from.on('close', (failed) => failed && to.destroy());
    }
  }

  /** Goes on with what was held back, if it may now. */
  flow(): void {
    if (!this.#sending) void this.#send();
  }

  reset(name: Toxic): void {
    this.#befall(name);
    if (this.#failing !== null) clearTimeout(this.#failing);
    this.client.resetAndDestroy();
    this.#upstream.destroy();
  }

  destroy(): void {
    this.client.destroy();
    this.#upstream.destroy();
  }

  #befall(name: Toxic): void {
    if (this.#befallen.has(name)) return;
    this.#befallen.add(name);
    this.count(name);
  }

  #take(from: Socket, to: Socket, chunk: Buffer): void {
    const toxic = this.toxic();
    if (toxic === 'reset') return this.reset(toxic);
    if (toxic === 'do_then_fail' && from === this.#upstream) return this.#failWhenAnswered();
    this.#waiting.push({ to, chunk });
    this.flow();
    if (toxic === 'half_close' && from === this.#upstream) {
      this.#befall(toxic);
      this.client.end();
    }
  }

  #takeEnd(from: Socket, to: Socket): void {
    if (from === this.#upstream && this.#failing !== null) return this.reset('do_then_fail');
    this.#waiting.push({ to, chunk: null });
    this.flow();
  }

  #failWhenAnswered(): void {
    if (this.#failing !== null) clearTimeout(this.#failing);
    this.#failing = setTimeout(() => this.reset('do_then_fail'), ANSWERED_AFTER_MS);
  }

  async #send(): Promise<void> {
    this.#sending = true;
    for (let next = this.#next(); next !== null; next = this.#next()) {
      const toxic = this.toxic();
      if (next.chunk === null) {
        next.to.end();
        continue;
      }
      if (toxic === 'slice' || toxic === 'slow') this.#befall(toxic);
      if (toxic === 'slice') await slice(next.to, next.chunk);
      else if (toxic === 'slow') await trickle(next.to, next.chunk);
      else if (next.to.writable) next.to.write(next.chunk);
    }
    this.#sending = false;
  }

  #next(): Waiting | null {
    if (this.toxic() === 'hold') {
      if (this.#waiting.length > 0) this.#befall('hold');
      return null;
    }
    return this.#waiting.shift() ?? null;
  }
}

async function slice(to: Socket, chunk: Buffer): Promise<void> {
  for (let at = 0; at < Math.min(chunk.length, SLICED_AT_MOST) && to.writable; at++) {
    await new Promise<void>((resolve) => void to.write(chunk.subarray(at, at + 1), () => resolve()));
    // Bytes that are written in one turn of the loop are read as one piece.
    await nextTurn();
  }
  if (chunk.length > SLICED_AT_MOST && to.writable) to.write(chunk.subarray(SLICED_AT_MOST));
}

async function trickle(to: Socket, chunk: Buffer): Promise<void> {
  for (let at = 0; at < chunk.length && to.writable; at += SLOW_CHUNK) {
    to.write(chunk.subarray(at, at + SLOW_CHUNK));
    await new Promise((resolve) => setTimeout(resolve, SLOW_PAUSE_MS));
  }
}
