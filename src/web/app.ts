/** What both servers share: limits, the guard before every route, errors, one log line a failure. */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import Fastify, { LogController } from 'fastify';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { sendError } from './answer';
import { answerOverload, Overload } from './overload';
import { readerAddress, type ReaderAddress } from './reader-address';
import { RequestRate } from './request-rate';

/** Limits of one request and one connection (PROOF S17); sizes in bytes, times in milliseconds. */
export const LIMITS = {
  body: 64 * 1024,
  headers: 16 * 1024,
  address: 2048,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 10_000,
  /** How often the two time limits are looked at; Node's own 30 s would make 10 s mean up to 40. */
  checkEvery: 1000,
  connections: 2048,
  /** A tenth of a second of answers, where one takes 0.2 ms (PROOF L13). */
  requestsATurn: 500,
  requestsPerMinute: 3000,
} as const;

export interface AppOptions {
  readonly audience: 'public' | 'operators';
  /** Structured log; without one nothing is logged. */
  readonly logger?: FastifyBaseLogger | undefined;
  /** What one address may ask; the loopback address, where a proxy or the operator sits, is not counted. */
  readonly rate?: RequestRate | undefined;
  /** Whom a request counts for; the holder of the connection by default. */
  readonly readerAddress?: ReaderAddress | undefined;
  /** Told of each request that was refused because too many came at once. */
  readonly onShed?: (() => void) | undefined;
  /** Sees each request before the routes; true when it has answered it. */
  readonly before?: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** Shortens the time limits in tests. */
  readonly headersTimeout?: number | undefined;
}

function frameworkOptions(options: AppOptions): object {
  return {
    bodyLimit: LIMITS.body,
    genReqId: () => randomUUID(),
    trustProxy: false,
    logController: new LogController({ disableRequestLogging: true }),
    exposeHeadRoutes: true,
    return503OnClosing: true,
    // An address that can not be decoded never reaches a route: without this it is told in the framework's own words.
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      void sendFailure(error, request, reply),
    forceCloseConnections: 'idle',
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: LIMITS.address },
    ...(options.logger === undefined ? { logger: false } : { loggerInstance: options.logger }),
    serverFactory: (route: Route) => createLimitedServer(options, route),
  };
}

type Route = (request: IncomingMessage, response: ServerResponse) => void;

function createLimitedServer({ audience, headersTimeout, before, onShed }: AppOptions, route: Route): Server {
  const limits = {
    maxHeaderSize: LIMITS.headers,
    headersTimeout: headersTimeout ?? LIMITS.headersTimeout,
    requestTimeout: LIMITS.requestTimeout,
    keepAliveTimeout: LIMITS.keepAliveTimeout,
    connectionsCheckingInterval: LIMITS.checkEvery,
    insecureHTTPParser: false,
  };
  const overload = new Overload(LIMITS.requestsATurn);
  return createServer(limits, (request, response) => {
    if (overload.refuses()) {
      answerOverload(request, response, audience);
      onShed?.();
    } else if (before?.(request, response) !== true) route(request, response);
  });
}

/** A Fastify instance with limits, guard and error answers, and no route yet. */
export function createApp(options: AppOptions): FastifyInstance {
  const app = Fastify(frameworkOptions(options));
  app.decorate('audience', options.audience);
  app.server.maxConnections = LIMITS.connections;
  // Without a listener Node drops CONNECT silently; an answer is kinder to whoever made the mistake.
  app.server.on('connect', (_request, socket) => {
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  app.addHook(
    'onRequest',
    guard(options.rate ?? new RequestRate(LIMITS.requestsPerMinute), options.readerAddress ?? readerAddress([])),
  );
  app.setNotFoundHandler((request, reply) => sendNotFound(request, reply));
  app.setErrorHandler((error, request, reply) => sendFailure(error, request, reply));
  return app;
}

/** The same answer for what does not exist and for what is hidden. */
export function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendError(request, reply, 404, { error: 'not_found', message: 'there is nothing at this address' });
}

function guard(rate: RequestRate, addressOf: ReaderAddress) {
  return async function refuseBeforeRouting(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      // The body, if any, is not read: the connection is closed instead.
      reply.headers({ allow: 'GET, HEAD', connection: 'close' });
      const message = 'this server only answers GET and HEAD; changes are made with the command line';
      return sendError(request, reply, 405, { error: 'method_not_allowed', message });
    }
    const length = Number(request.headers['content-length'] ?? 0);
    if (length > LIMITS.body || request.headers['transfer-encoding'] !== undefined) {
      reply.header('connection', 'close');
      return sendError(request, reply, 413, { error: 'body_too_large', message: 'a request here has no body' });
    }
    if (request.url.length > LIMITS.address) {
      const message = `the address is longer than ${LIMITS.address} characters`;
      return sendError(request, reply, 414, { error: 'address_too_long', message });
    }
    const waitSeconds = rate.take(addressOf(request.raw), performance.now());
    if (waitSeconds > 0) {
      reply.header('retry-after', String(waitSeconds));
      return sendError(request, reply, 429, { error: 'too_many_requests', message: 'too many requests; try later' });
    }
    return undefined;
  };
}

function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const code = statusOf(error);
  if (code >= 400 && code < 500) {
    return sendError(request, reply, code, { error: 'bad_request', message: 'the request is not valid' });
  }
  request.log.error({ err: error, route: request.routeOptions.url, requestId: request.id }, 'request failed');
  return sendError(request, reply, 500, { error: 'internal', message: 'something failed here; try again' });
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500;
  return typeof error.statusCode === 'number' ? error.statusCode : 500;
}
