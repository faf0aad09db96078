/**
 * What an answer of InfluxDB, or its absence, means; the status of an answer is the failure's `cause`. The token is in no
 * message: neither ours nor the server's.
 */
import { HttpError } from '@influxdata/influxdb-client';
import { PipelineError, type ErrorCode } from '../../domain/errors';
import { HOUR } from '../../domain/timeframe';
import { pauseAfterOverload } from '../ccxt/retry-after';
import type { InfluxOptions } from './influx-options';

/** Waits are lengthened by up to this share, so that many waiting writers do not come back at once. */
const JITTER = 0.1;

export function storeFailure(
  error: unknown,
  { url, org, bucket, token }: InfluxOptions,
  { timedOut }: { readonly timedOut: boolean },
): PipelineError {
  const said = (text: string): string => text.replaceAll(token, '***').slice(0, 300);
  if (!(error instanceof HttpError)) {
    const reason = timedOut ? 'no answer in time' : said(error instanceof Error ? reasonOf(error) : String(error));
    return new PipelineError('store_unavailable', `InfluxDB at ${url}: ${reason}`);
  }
  const what = said(error.message);
  const fail = (code: ErrorCode, sentence: string, retryAfterMs?: number): PipelineError =>
    new PipelineError(code, sentence, {
      cause: error.statusCode,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  switch (error.statusCode) {
    case 400:
    case 422:
      return fail('store_refused', `InfluxDB at ${url} refuses: ${what}`);
    case 401:
    case 403:
      return fail('store_unauthorized', `InfluxDB at ${url} refuses the token (${error.statusCode}): ${what}`);
    case 404:
      return fail('store_unauthorized', `InfluxDB at ${url} has no bucket ${bucket} of organisation ${org}: ${what}`);
    default: {
      if (/no space left|disk quota exceeded/i.test(`${error.body ?? ''}${what}`))
        return fail('disk_full', `the disk of InfluxDB at ${url} is full`);
      return fail('store_unavailable', `InfluxDB at ${url} answered ${error.statusCode}: ${what}`, waitOf(error));
    }
  }
}

/** How long a 429 or 503 asks us to stay away; at most an hour (F53). */
function waitOf({ statusCode, headers }: HttpError): number | undefined {
  const asked: unknown = headers?.['retry-after'];
  if ((statusCode !== 429 && statusCode !== 503) || typeof asked !== 'string') return undefined;
  const date = Date.parse(String(headers?.date));
  const pause = pauseAfterOverload(asked, Number.isNaN(date) ? Date.now() : date);
  return Math.min(Math.ceil(pause * (1 + JITTER * Math.random())), HOUR);
}

/** An error of several connection attempts has an empty message; its code says what happened. */
function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return error.message === '' || error.message.includes(code) ? error.message || code : `${code} ${error.message}`;
}
