import { PipelineError } from '../../domain/errors';
import type { Answer } from './classification';

export interface RequestTimeouts {
  /** Milliseconds until the headers must be there. */
  readonly headersMs: number;
  /** Milliseconds until the whole answer must be there. */
  readonly totalMs: number;
}

export interface HttpRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/**
 * Sends one request and reads the answer to its end.
 * @throws PipelineError `exchange_timeout`, or `exchange_unreachable` for everything that went wrong on the way (no name, no
 *   connection, no certificate, cut in the middle); the signal's reason when it was called off.
 */
export async function sendRequest(
  request: HttpRequest,
  timeouts: RequestTimeouts,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const controller = new AbortController();
  const stop = (what: string, ms: number): void =>
    controller.abort(new PipelineError('exchange_timeout', `${hostOf(request.url)} sent no ${what} within ${ms} ms`));
  const callOff = (): void => controller.abort(signal?.reason);
  const headersTimer = setTimeout(() => stop('headers', timeouts.headersMs), timeouts.headersMs);
  const totalTimer = setTimeout(() => stop('complete answer', timeouts.totalMs), timeouts.totalMs);
  signal?.addEventListener('abort', callOff);
  try {
    signal?.throwIfAborted();
    const { url, ...init } = request;
    const response = await fetch(url, { ...init, redirect: 'error', signal: controller.signal });
    clearTimeout(headersTimer);
    const body = await response.text();
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  } catch (error) {
    if (controller.signal.aborted) throw controller.signal.reason;
    signal?.throwIfAborted();
    throw new PipelineError('exchange_unreachable', `${hostOf(request.url)}: ${rootCause(error)}`, { cause: error });
  } finally {
    clearTimeout(headersTimer);
    clearTimeout(totalTimer);
    signal?.removeEventListener('abort', callOff);
  }
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/** `fetch` says "fetch failed" for everything; the reason is in its cause. */
function rootCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : rootCause(error.cause);
}
