/**
 * What is more than this server can answer (PROOF L13). All requests that have arrived are taken up in one turn of the event
 * loop, so a turn with very many of them is a queue, and those at its end have waited for all before them. They are told
 * to come back, which costs a fraction of an answer, so that the queue never grows and those before them are answered.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { JSON_TYPE } from './answer';
import { CACHE, OPS_JSON_HEADERS, PUBLIC_JSON_HEADERS } from './headers';

/** Seconds; the turn is over long before, and whoever comes back later meets a shorter queue. */
const RETRY_AFTER = 2;

export class Overload {
  private taken = 0;

  /** @param requestsATurn how many requests one turn of the event loop answers */
  constructor(private readonly requestsATurn: number) {}

  /** Counts one request; true when it is beyond what this turn may answer. */
  refuses(): boolean {
    if (this.taken === 0) setImmediate(() => (this.taken = 0));
    this.taken += 1;
    return this.taken > this.requestsATurn;
  }
}

/** `audience` decides the headers, as it does for every error. */
export function answerOverload(
  request: IncomingMessage,
  response: ServerResponse,
  audience: 'public' | 'operators',
): void {
  const message = `more is asked than this server can answer; try again in ${RETRY_AFTER} seconds`;
  const body = JSON.stringify({ error: 'overloaded', message });
  response.writeHead(503, {
    ...(audience === 'operators' ? OPS_JSON_HEADERS : PUBLIC_JSON_HEADERS),
    'cache-control': CACHE.never,
    'content-type': JSON_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    'retry-after': String(RETRY_AFTER),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
