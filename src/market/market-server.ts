import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PipelineError } from '../domain/errors';
import type { MarketSymbol } from '../domain/types';
import { createClock } from './clock';
import type { ClockSetting, MarketClock } from './clock';
import { CONTROL_PATH, createControlRoutes } from './control-routes';
import type { LoggedRequest } from './control-routes';
import { CsvFeed } from './csv-feed';
import { createExchangeRoutes } from './exchange-routes';
import { createFaultDesk } from './faults/fault-layer';
import type { FaultDesk } from './faults/fault-layer';
import type { Scenario } from './faults/fault-rules';
import type { Feed } from './feed';
import { GeneratedFeed } from './generated-feed';
import { inventedSymbols } from './instrument';
import { errorAnswer, stackLayers } from './layer';
import type { Layer, MarketAnswer, MarketRequest } from './layer';
import { createWeightLayer } from './request-weight';

const LARGEST_BODY = 65_536;
const REQUESTS_KEPT = 100_000;
const USUAL_SYMBOLS = 5;

export interface MarketOptions {
  /** Address to listen on; default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 0: a free one. */
  readonly port?: number | undefined;
  /** Default `real`. */
  readonly clock?: ClockSetting | undefined;
  /** Candles to serve; without it those of `data`, and without that generated ones. */
  readonly feed?: Feed | undefined;
  /** Folder of `SYMBOL_QUOTE-TF.csv.gz`. */
  readonly data?: string | undefined;
  /** What generated candles grow from; default 1. */
  readonly seed?: string | number | undefined;
  /** Default: all of the folder, or the five known symbols. */
  readonly symbols?: readonly MarketSymbol[] | undefined;
  /** Faults in force from the start; more are added at `/_control/faults`. */
  readonly scenario?: Scenario | undefined;
  /** Put between the log and weights on one side and the routes on the other, in this order. */
  readonly layers?: readonly Layer[] | undefined;
}

export interface MarketServer {
  /** `http://host:port`, no slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly feed: Feed;
  readonly clock: MarketClock;
  readonly faults: FaultDesk;
  /** The requests of clients since the start (the last 100,000), oldest first; control requests are not among them. */
  requests(): readonly LoggedRequest[];
  close(): Promise<void>;
}

function chooseFeed({ feed, data, seed = 1, symbols }: MarketOptions): Feed {
  if (feed !== undefined) return feed;
  if (data !== undefined) return new CsvFeed(data, symbols);
  return new GeneratedFeed({ seed: String(seed), symbols: symbols ?? inventedSymbols(USUAL_SYMBOLS) });
}

function failureAnswer(error: unknown): MarketAnswer {
  return errorAnswer(-1000, error instanceof Error ? error.message : String(error), 500);
}

function createLogLayer(log: LoggedRequest[]): Layer {
  return async (request, next) => {
    const at = Date.now();
    const answer = await next().catch(failureAnswer);
    if (log.length >= REQUESTS_KEPT) log.splice(0, REQUESTS_KEPT / 10);
    const wait = Number(answer.headers['retry-after']);
    log.push({
      at,
      path: request.path,
      query: request.query.toString(),
      status: answer.status,
      fault: answer.fault ?? null,
      retryAfterMs: Number.isFinite(wait) ? wait * 1000 : null,
    });
    return answer;
  };
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    length += (part as Buffer).length;
    if (length > LARGEST_BODY) return null;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}

function isLocal(address: string | undefined): boolean {
  return address !== undefined && /^(127\.|::1$|::ffff:127\.)/.test(address);
}

async function readRequest(incoming: IncomingMessage, clock: MarketClock): Promise<MarketRequest | null> {
  const body = incoming.method === 'GET' ? '' : await readBody(incoming);
  if (body === null) return null;
  const [path = '/', ...rest] = (incoming.url ?? '/').split('?');
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(rest.join('?')),
    body,
    local: isLocal(incoming.socket.remoteAddress),
    now: clock.now(),
  };
}

function send(response: ServerResponse, answer: MarketAnswer): void {
  const { sending } = answer;
  if (sending === 'reset') return void response.socket?.resetAndDestroy();
  if (typeof sending === 'object' && 'hangMs' in sending) {
    const timer = setTimeout(() => response.destroy(), sending.hangMs);
    return void response.once('close', () => clearTimeout(timer));
  }
  const bytes = Buffer.from(answer.body);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': bytes.length });
  if (sending === undefined) return void response.end(bytes);
  if (sending === 'cut') {
    return void response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.resetAndDestroy());
  }
  trickle(response, bytes, sending.bytesPerSecond);
}

const PACE_MS = 50;

function trickle(response: ServerResponse, bytes: Buffer, bytesPerSecond: number): void {
  const startedAt = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.min(bytes.length, Math.floor(((performance.now() - startedAt) / 1000) * bytesPerSecond));
    if (due > sent) response.write(bytes.subarray(sent, due));
    sent = due;
    if (sent === bytes.length) response.end();
  }, PACE_MS);
  response.once('close', () => clearInterval(timer));
}

async function listen(server: Server, host: string, port: number): Promise<AddressInfo> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new PipelineError('invalid_input', `the market can not listen on ${host}:${port}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return server.address() as AddressInfo;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/**
 * Starts an exchange that answers as the public spot REST of Binance does, out of a feed and at a clock of its own.
 * @throws PipelineError `invalid_input` when an option is impossible or the port is taken.
 */
export async function startMarket(options: MarketOptions = {}): Promise<MarketServer> {
  const feed = chooseFeed(options);
  const clock = createClock(options.clock ?? 'real');
  const log: LoggedRequest[] = [];
  const faults = createFaultDesk(options.scenario ?? { faults: [] });
  const exchange = stackLayers(
    [createLogLayer(log), createWeightLayer(), faults.layer, ...(options.layers ?? [])],
    createExchangeRoutes(feed),
  );
  const control = stackLayers([], createControlRoutes({ feed, clock, faults, requests: () => log }));
  const answer = async (incoming: IncomingMessage): Promise<MarketAnswer> => {
    try {
      const request = await readRequest(incoming, clock);
      if (request === null) return errorAnswer(-1000, 'The body is too long.', 413);
      return await (request.path.startsWith(CONTROL_PATH) ? control(request) : exchange(request));
    } catch (error) {
      return failureAnswer(error);
    }
  };
  const server = createServer((incoming, response) => {
    void answer(incoming).then((result) => send(response, result));
  });
  // A client that pauses longer than Node's 5 s would otherwise meet a connection that closes as it is used again.
  server.keepAliveTimeout = 65_000;
  const host = options.host ?? '127.0.0.1';
  const { port } = await listen(server, host, options.port ?? 0);
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${name}:${port}`,
    port,
    feed,
    clock,
    faults,
    requests: () => [...log],
    close: () => stop(server),
  };
}

/** One line for people: where the market listens, what it serves and at which time. */
export function describeMarket(server: MarketServer): string {
  const time = new Date(server.clock.now()).toISOString();
  return `market at ${server.url}: ${server.feed.description}, ${server.clock.kind} clock at ${time}`;
}
