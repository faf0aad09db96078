/** Every request to InfluxDB: one request, one answer, no buffer and no retry behind our back (P11). */
import { InfluxDB } from '@influxdata/influxdb-client';
import { PipelineError } from '../../domain/errors';
import { storeFailure } from './failure';
import type { InfluxOptions } from './influx-options';

/** A value of a query, sent beside its text and never as part of it. */
export type Parameters = Readonly<Record<string, string | { readonly duration: string }>>;

type Search = Readonly<Record<string, string>>;

const DEFAULT_TIMEOUT_MS = 30_000;
/** Never: a page is 100 KB, and packing it costs both sides more time than sending it as it is. */
const GZIP_FROM_BYTES = Number.POSITIVE_INFINITY;
const NO_CONTENT = 204;
/**
 * A statement that fails ends its query with status 200, the rows so far and no word of it, like one that finds nothing.
 * So the last one always gives a row when it is come to: of the bucket's retention, which costs no look at its files.
 */
const LAST_STATEMENT = 'SHOW RETENTION POLICIES';
const LAST_ROWS = /(?:^|\n)name,tags,name,duration,shardGroupDuration,replicaN,default\n,,[^\n]+\n$/;

export class InfluxConnection {
  readonly options: InfluxOptions;
  readonly #client: InfluxDB;
  readonly #closing = new AbortController();

  constructor(options: InfluxOptions) {
    this.options = options;
    const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#client = new InfluxDB({ url: options.url, token: options.token, timeout });
  }

  /**
   * Resolves when the server said 204: these lines of line protocol, with times in milliseconds, are durable.
   * @throws PipelineError `store_refused` (400, 422), `store_unauthorized`, `disk_full` or `store_unavailable`; with the last
   *   two, the lines may or may not be stored (P12).
   */
  async write(lines: readonly string[]): Promise<void> {
    const { org, bucket } = this.options;
    const path = withSearch('/api/v2/write', { org, bucket, precision: 'ms' });
    const headers = { 'content-type': 'text/plain; charset=utf-8' };
    const { status } = await this.#send('POST', path, headers, lines.join('\n'));
    if (status !== NO_CONTENT) {
      throw new PipelineError(
        'store_unavailable',
        `${this.options.url} answered a write with ${status} instead of 204`,
      );
    }
  }

  /**
   * Rows of an InfluxQL query as CSV, times in milliseconds, the line of names first; empty without a row.
   * @throws PipelineError `store_unavailable` when a statement failed, of which the answer itself says nothing.
   */
  async query(influxql: string, parameters: Parameters): Promise<string> {
    const { org, bucket } = this.options;
    const path = withSearch('/query', { org, db: bucket, epoch: 'ms' });
    const body = new URLSearchParams({ q: `${influxql}; ${LAST_STATEMENT}`, params: JSON.stringify(parameters) });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/csv' };
    const answer = await this.#answered(async (signal) => {
      // Not by the client's `request`, which copies all it has so far for each piece that comes.
      const pieces: Uint8Array[] = [];
      const options = { method: 'POST', headers, signal };
      for await (const piece of this.#client.transport.iterate(path, body.toString(), options)) pieces.push(piece);
      return Buffer.concat(pieces).toString('utf8');
    });
    const end = LAST_ROWS.exec(answer);
    if (end !== null) return answer.slice(0, end.index);
    throw new PipelineError('store_unavailable', `${this.options.url} answered a query, and failed before its end`);
  }

  /** A call of the JSON interface. */
  async call(method: 'GET' | 'POST', path: string, search: Search = {}, body?: object): Promise<unknown> {
    const headers = { 'content-type': 'application/json', accept: 'application/json' };
    const text = body === undefined ? '' : JSON.stringify(body);
    return (await this.#send(method, withSearch(path, search), headers, text)).body;
  }

  /** The server's own metrics in Prometheus' text format. */
  async metrics(): Promise<string> {
    const { body } = await this.#send('GET', '/metrics', { accept: 'text/plain' }, '');
    return typeof body === 'string' ? body : '';
  }

  /** Ends what is under way; it may still be done by the server. */
  close(): void {
    this.#closing.abort();
  }

  async #send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string,
  ): Promise<{ readonly status: number | undefined; readonly body: unknown }> {
    return this.#answered(async (signal) => {
      let status: number | undefined;
      const options = { method, headers, gzipThreshold: GZIP_FROM_BYTES, signal };
      const answer: unknown = await this.#client.transport.request(path, body, options, (_, code) => (status = code));
      return { status, body: answer };
    });
  }

  /** Ends `ask` at the time limit and when we close; a failure becomes one of ours. */
  async #answered<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    // Not AbortSignal.timeout: it holds the request, and a page with it, until the time is over, however soon the answer came.
    const controller = new AbortController();
    const end = (): void => controller.abort();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, this.options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const closing = this.#closing.signal;
    closing.addEventListener('abort', end);
    if (closing.aborted) end();
    try {
      return await ask(controller.signal);
    } catch (error) {
      throw storeFailure(error, this.options, { timedOut });
    } finally {
      clearTimeout(timer);
      closing.removeEventListener('abort', end);
    }
  }
}

function withSearch(path: string, search: Search): string {
  const text = new URLSearchParams(search).toString();
  return text === '' ? path : `${path}?${text}`;
}
