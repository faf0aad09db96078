/** The candles of one source in an InfluxDB bucket, read with a query of the checker's own, as the rows of `candles.db`. */
import type { Row } from './database-file';

export interface InfluxBucket {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
}

interface Series {
  readonly tags: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly number[])[];
}

interface Answer {
  readonly results?: readonly { readonly series?: readonly Series[]; readonly error?: string }[];
}

export async function readInfluxCandles({ url, token, org, bucket }: InfluxBucket, source: string): Promise<Row[]> {
  const query = `SELECT open, high, low, close, volume, fetched_at FROM candle WHERE source = '${source}' GROUP BY symbol, timeframe`;
  const search = new URLSearchParams({ org, db: bucket, epoch: 'ms', q: query });
  const answer = await fetch(`${url}/query?${search.toString()}`, { headers: { authorization: `Token ${token}` } });
  const { results } = (await answer.json()) as Answer;
  const [result] = results ?? [];
  if (result === undefined || result.error !== undefined)
    throw new Error(`InfluxDB answered ${answer.status}: ${result?.error ?? ''}`);
  return (result.series ?? []).flatMap(({ tags, columns, values }) =>
    values.map((cells) => {
      const named = Object.fromEntries(
        columns.map((column, k) => [column === 'time' ? 'open_time' : column, cells[k]]),
      );
      return { ...tags, ...named };
    }),
  );
}
