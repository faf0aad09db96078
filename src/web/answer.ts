/** The two ways a request is answered: with content, or with an error that says no more than it must (PROOF S22). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { allowedEncoding, matchesTag, type Content } from './content';
import { CACHE, OPS_JSON_HEADERS, PUBLIC_JSON_HEADERS } from './headers';

export type HeaderSet = Readonly<Record<string, string>>;

export const JSON_TYPE = 'application/json; charset=utf-8';

/** Sends the content, or 304 when the reader has it already. */
export async function sendContent(
  request: FastifyRequest,
  reply: FastifyReply,
  content: Content,
  headers: HeaderSet,
  cacheControl: string,
): Promise<FastifyReply> {
  reply.headers(headers);
  reply.header('cache-control', cacheControl);
  reply.header('etag', content.etag);
  reply.header('vary', 'Accept-Encoding');
  if (matchesTag(request.headers['if-none-match'], content.etag)) return sendUnchanged(reply);
  const encoding = content.bestEncoding(allowedEncoding(request.headers['accept-encoding']));
  const ready = content.encoded(encoding);
  const body = Buffer.isBuffer(ready) ? ready : await ready;
  reply.header('content-type', content.type);
  if (encoding !== 'identity') reply.header('content-encoding', encoding);
  return reply.send(body);
}

/** Past the framework, which would tell a HEAD that the content has no bytes. */
function sendUnchanged(reply: FastifyReply): FastifyReply {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.writeHead(304).end();
  return reply;
}

/** Sends a value that holds for this instant only. */
export function sendJson(reply: FastifyReply, code: number, value: object, headers: HeaderSet): FastifyReply {
  reply.headers(headers);
  reply.header('cache-control', CACHE.never);
  reply.header('content-type', JSON_TYPE);
  return reply.code(code).send(JSON.stringify(value));
}

export type ErrorWord =
  | 'bad_request'
  | 'unauthorized'
  | 'forbidden_host'
  | 'not_found'
  | 'method_not_allowed'
  | 'gone'
  | 'body_too_large'
  | 'address_too_long'
  | 'too_many_requests'
  | 'internal'
  | 'not_servable'
  | 'nothing_published'
  | 'invalid_document';

/** An error as JSON: a word for programs, a sentence for people, the request's ID, and facts of the pair where there are any. */
export function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  code: number,
  error: { readonly error: ErrorWord; readonly message: string; readonly [fact: string]: unknown },
): FastifyReply {
  const headers = reply.server.audience === 'operators' ? OPS_JSON_HEADERS : PUBLIC_JSON_HEADERS;
  return sendJson(reply, code, { ...error, request_id: request.id }, headers);
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Whom this server answers; decides the headers of its errors. */
    audience: 'public' | 'operators';
  }
}
