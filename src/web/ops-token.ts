/** Who may see the operators' server when it is reachable from elsewhere: whoever holds the token (PROOF S17). */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { sendError } from './answer';
import { RequestRate } from './request-rate';

/** Wrong tokens that one address may send in a minute, the loopback address included; the right one is always let in. */
const FAILURES_PER_MINUTE = 10;

/**
 * Asks for the token on every address but `/healthz`. Browsers send it as the password of HTTP Basic (the user's name does
 * not matter) and so need no page to sign in; programs send it as a Bearer token.
 */
export function requireToken(app: FastifyInstance, token: string): void {
  const wanted = digest(token);
  const failures = new RequestRate(FAILURES_PER_MINUTE, { loopbackToo: true });
  app.addHook('onRequest', async (request, reply) => {
    if (request.url === '/healthz') return undefined;
    const given = tokenOf(request);
    // Digests have one length, so the comparison takes the same time whatever was sent.
    if (timingSafeEqual(digest(given ?? ''), wanted) && given !== null) return undefined;
    // A browser's first request has no token yet; that is no guess.
    const wait = given === null ? 0 : failures.take(request.socket.remoteAddress ?? '', performance.now());
    if (wait > 0) {
      reply.header('retry-after', String(wait));
      return sendError(request, reply, 429, {
        error: 'too_many_requests',
        message: 'too many wrong tokens; try later',
      });
    }
    reply.header('www-authenticate', 'Basic realm="operations", charset="UTF-8"');
    const message = 'give the token: as the password of HTTP Basic, or as a Bearer token';
    return sendError(request, reply, 401, { error: 'unauthorized', message });
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function tokenOf(request: FastifyRequest): string | null {
  const [scheme = '', value = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme.toLowerCase() === 'bearer') return value;
  if (scheme.toLowerCase() !== 'basic') return null;
  const pair = Buffer.from(value, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1);
}
