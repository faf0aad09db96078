/** The bucket is made, or looked at, before anything is written: what is wrong with it is said once, at the start. */
import { randomInt, randomUUID } from 'node:crypto';
import { ConfigError } from '../../config/config-error';
import { PipelineError } from '../../domain/errors';
import { DAY } from '../../domain/timeframe';
import type { WriteOrder } from '../../ports/write-order';
import { InfluxCandleStore } from './candle-store';
import { InfluxConnection } from './connection';
import type { InfluxOptions } from './influx-options';

/** A year of candles a file: a page of hours lies in one or two, and years of them in a handful. */
const SHARD_SECONDS = 52 * 7 * 24 * 3600;

/** One point a start: proof that what is written can be read. */
const START_MEASUREMENT = 'start';

/** How InfluxDB says that there is a bucket of that name. */
const CONFLICT = 422;

interface Bucket extends Named {
  readonly retentionRules: readonly { readonly everySeconds: number }[];
}

/**
 * Opens the candles of a source. The bucket is created when it is not there and the token may; the organisation must exist,
 * since a token belongs to one.
 * @throws ConfigError when token, organisation or bucket can not be used; PipelineError `store_unavailable` when the server
 *   does not answer.
 */
export async function openInfluxCandles(
  options: InfluxOptions,
  source: string,
  order: WriteOrder,
): Promise<InfluxCandleStore> {
  const connection = new InfluxConnection(options);
  try {
    await refuseUnready(connection);
    const bucket = (await findBucket(connection)) ?? (await makeBucket(connection));
    refuseForgetful(bucket);
    await refuseOneWay(connection);
    return new InfluxCandleStore({ connection, bucketId: bucket.id, source, order });
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** A server that nobody has set up yet refuses every token; one that refuses ours is told apart from it. */
async function refuseUnready(connection: InfluxConnection): Promise<void> {
  const { url } = connection.options;
  const setup = await connection.call('GET', '/api/v2/setup');
  if (typeof setup === 'object' && setup !== null && 'allowed' in setup && setup.allowed === true) {
    throw problem(
      'INFLUXDB_URL',
      url,
      `InfluxDB at ${url} has not been set up: open it in a browser or run "influx setup", then set INFLUXDB_TOKEN to its token.`,
    );
  }
}

async function findBucket(connection: InfluxConnection): Promise<Bucket | undefined> {
  const { org, bucket, url } = connection.options;
  try {
    const answer = await connection.call('GET', '/api/v2/buckets', { name: bucket, org });
    return listed(answer, 'buckets', bucket) as Bucket | undefined;
  } catch (error) {
    const status = statusOf(error);
    if (status === 401 || status === 403) throw refusedToken(url);
    if (status !== 404) throw error;
    if (!/organization/.test(error instanceof Error ? error.message : '')) return undefined;
    throw problem('INFLUXDB_ORG', org, `InfluxDB at ${url} has no organisation "${org}": correct INFLUXDB_ORG.`);
  }
}

async function makeBucket(connection: InfluxConnection): Promise<Bucket> {
  const { org, bucket, url } = connection.options;
  const answer = await connection.call('GET', '/api/v2/orgs', { org });
  const orgID = listed(answer, 'orgs', org)?.id;
  const retentionRules = [{ type: 'expire', everySeconds: 0, shardGroupDurationSeconds: SHARD_SECONDS }];
  const body = { orgID, name: bucket, description: 'candles and forecasts of coin-predict', retentionRules };
  try {
    if (orgID !== undefined) return (await connection.call('POST', '/api/v2/buckets', {}, body)) as Bucket;
  } catch (error) {
    // Another process that started at the same moment may have made it.
    const made = statusOf(error) === CONFLICT ? await findBucket(connection) : undefined;
    if (made !== undefined) return made;
    if (statusOf(error) !== 401 && statusOf(error) !== 403) throw error;
  }
  throw problem(
    'INFLUXDB_BUCKET',
    bucket,
    `InfluxDB at ${url} has no bucket "${bucket}" that this token may see, and it may not make one: correct INFLUXDB_BUCKET, make the bucket, or use a token with more rights.`,
  );
}

function refuseForgetful({ name, retentionRules }: Bucket): void {
  const seconds = Math.max(0, ...retentionRules.map(({ everySeconds }) => everySeconds));
  if (seconds === 0) return;
  const days = (seconds / 86_400).toFixed(1);
  throw problem(
    'INFLUXDB_BUCKET',
    name,
    `the bucket "${name}" deletes what is older than ${days} days, and candles are kept for ever: set its retention to "never", or name another bucket.`,
  );
}

/**
 * What is written must be what is read. Queries go to the organisation of the token whatever they name, so a token of another
 * one would write here and read there.
 */
async function refuseOneWay(connection: InfluxConnection): Promise<void> {
  const { org, bucket, url } = connection.options;
  const mark = randomUUID();
  // Of two starts in one millisecond the second would write over the mark of the first.
  const at = Date.now() - randomInt(DAY);
  try {
    await connection.write([`${START_MEASUREMENT} mark="${mark}" ${at}`]);
    const read = await connection.query(`SELECT mark FROM ${START_MEASUREMENT} WHERE mark = $mark`, { mark });
    if (read.includes(mark)) return;
  } catch (error) {
    if (![401, 403, 404].includes(statusOf(error) ?? 0)) throw error;
    throw refusedToken(url);
  }
  const sentence = `this token may write to the bucket "${bucket}" of "${org}" but reads from another place: use a token that belongs to "${org}" and may read the bucket.`;
  throw problem('INFLUXDB_TOKEN', null, sentence);
}

function refusedToken(url: string): ConfigError {
  const sentence = `InfluxDB at ${url} does not accept this token: set one that may read and write the bucket.`;
  return problem('INFLUXDB_TOKEN', null, sentence);
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** The entry of that name in a list of the JSON interface. */
function listed(answer: unknown, key: string, name: string): Named | undefined {
  const list = (answer as Readonly<Record<string, readonly Named[] | undefined>> | null | undefined)?.[key];
  return list?.find((entry) => entry.name === name);
}

/** Of an answer that was a failure. */
function statusOf(error: unknown): number | null {
  return error instanceof PipelineError && typeof error.cause === 'number' ? error.cause : null;
}

function problem(variable: string, value: string | null, sentence: string): ConfigError {
  return new ConfigError([{ variable, value, sentence }]);
}
