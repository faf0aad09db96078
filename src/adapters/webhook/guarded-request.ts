/**
 * One request to an address that an operator configured, which may be wrong or turned against us (PROOF S08): https only,
 * public addresses only, resolved once and connected to exactly there, no redirect followed, a time limit, and no more
 * of the answer read than it takes to be polite.
 */
import { lookup } from 'node:dns/promises';
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { PipelineError } from '../../domain/errors';
import { isPublicAddress } from './public-address';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

export interface OutboundPolicy {
  /** `host:port` pairs that may be plain http and private: receivers on the operator's own network, and tests. */
  readonly allowedHosts: ReadonlySet<string>;
  readonly timeoutMs?: number;
  /** All addresses of a name; tests put a lying one here. */
  readonly resolve?: (hostname: string) => Promise<readonly ResolvedAddress[]>;
}

export interface OutboundRequest {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface OutboundAnswer {
  readonly status: number;
  /** What the receiver asked for with `Retry-After`, in milliseconds, ten minutes at most. */
  readonly retryAfterMs: number | null;
}

const TIMEOUT_MS = 5_000;
const ANSWER_BYTES = 64 * 1024;
/** No receiver puts an alert off for longer than a delivery waits between two attempts by itself. */
const LONGEST_WAIT_MS = 10 * 60_000;
const PORTS = ['', '443', '8443'];

/**
 * Sends the request and gives the status; the body of the answer is thrown away.
 * @throws PipelineError `delivery_failed`, without the address in its message
 */
export async function guardedRequest(
  address: string,
  request: OutboundRequest,
  policy: OutboundPolicy,
): Promise<OutboundAnswer> {
  const url = parseAddress(address, policy);
  const signal = AbortSignal.timeout(policy.timeoutMs ?? TIMEOUT_MS);
  try {
    const target = await withinTime(signal, resolveOnce(url, policy));
    return await send(url, target, request, signal);
  } catch (error) {
    if (error instanceof PipelineError) throw error;
    const reason = signal.aborted ? 'no answer in time' : reasonOf(error);
    throw new PipelineError('delivery_failed', `the receiver could not be reached: ${reason}`);
  }
}

/** @throws PipelineError `delivery_failed` saying which rule the address breaks. */
function parseAddress(address: string, { allowedHosts }: OutboundPolicy): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) throw refusal('it is not a URL');
  if (url.username !== '' || url.password !== '') throw refusal('it holds a user name or password');
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refusal('it is not https');
  if (isAllowed(url, allowedHosts)) return url;
  if (url.protocol !== 'https:') throw refusal('it is not https');
  if (!PORTS.includes(url.port)) throw refusal(`port ${url.port} is not allowed`);
  return url;
}

function isAllowed(url: URL, allowedHosts: ReadonlySet<string>): boolean {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  return allowedHosts.has(`${url.hostname}:${port}`);
}

/** One address of the name, after all of them have been checked: a name that is partly private is refused whole. */
async function resolveOnce(url: URL, policy: OutboundPolicy): Promise<ResolvedAddress> {
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const family = isIP(hostname);
  const resolve = policy.resolve ?? ((name: string) => lookup(name, { all: true }));
  const addresses = family > 0 ? [{ address: hostname, family }] : await resolve(hostname);
  const [first] = addresses;
  if (first === undefined) throw refusal('its name has no address');
  const open = isAllowed(url, policy.allowedHosts) || addresses.every(({ address }) => isPublicAddress(address));
  if (!open) throw refusal('it is not a public address');
  return first;
}

function send(
  url: URL,
  target: ResolvedAddress,
  { method, headers = {}, body }: OutboundRequest,
  signal: AbortSignal,
): Promise<OutboundAnswer> {
  const client = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = client.request(
      url,
      {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
        signal,
        agent: new client.Agent({ keepAlive: false }),
        // Never asked a second time: the name could point elsewhere by now.
        lookup: (_hostname, options, done) =>
          options.all === true ? done(null, [target]) : done(null, target.address, target.family),
      },
      (response) => {
        let read = 0;
        const answer = { status: response.statusCode ?? 0, retryAfterMs: retryAfter(response.headers['retry-after']) };
        response.on('data', (chunk: Buffer) => {
          read += chunk.length;
          if (read > ANSWER_BYTES) response.destroy();
        });
        // The status is the answer, whatever becomes of the body.
        response.on('error', () => resolve(answer));
        response.on('close', () => resolve(answer));
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function withinTime<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('late')), { once: true });
  });
  return Promise.race([work, late]);
}

function retryAfter(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Math.min(Number(header) * 1000, LONGEST_WAIT_MS) : null;
}

/** Only the code: messages of the system name the address. */
function reasonOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return 'unknown error';
}

function refusal(rule: string): PipelineError {
  return new PipelineError('delivery_failed', `the receiver's address is refused: ${rule}`);
}
