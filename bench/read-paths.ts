/** The two ways to read rows out of InfluxDB, in turns on the same rows: Flux with `pivot`, and InfluxQL. */
import { InfluxDB, flux } from '@influxdata/influxdb-client';
import { CandleQueries } from '../src/adapters/influx/candle-queries';
import type { InfluxConnection } from '../src/adapters/influx/connection';
import type { Pair } from '../src/domain/types';

const TURNS = 5;

type Print = (name: string, value: number, unit: string) => void;

export async function printReadPaths(
  connection: InfluxConnection,
  pair: Pair,
  rows: number,
  print: Print,
): Promise<void> {
  const { url, token, org, bucket } = connection.options;
  const queries = new CandleQueries(connection, 'binance');
  const fluxApi = new InfluxDB({ url, token, timeout: 120_000 }).getQueryApi(org);
  const text = (tail: number | null) => flux`from(bucket: ${bucket})
    |> range(start: 0)
    |> filter(fn: (r) => r._measurement == "candle" and r.source == "binance" and r.symbol == ${pair.symbol} and r.timeframe == ${pair.timeframe})
    |> tail(n: ${tail ?? rows})
    |> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")
    |> keep(columns: ["_time", "open", "high", "low", "close", "volume", "fetched_at"])`;
  const ways = {
    InfluxQL: async (count: number) => (await queries.rows(pair, {}, count, 'newest')).length,
    'Flux with pivot': async (count: number) => (await fluxApi.collectRows(text(count))).length,
  };
  for (const count of [rows, 500]) {
    const times: Record<string, number[]> = {};
    for (let turn = 0; turn < TURNS; turn++) {
      for (const [name, read] of Object.entries(ways)) {
        const started = performance.now();
        const found = await read(count);
        if (found !== count) throw new Error(`${name} gave ${found} rows of ${count}`);
        (times[name] ??= []).push(performance.now() - started);
      }
    }
    for (const [name, all] of Object.entries(times)) {
      const median = all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN;
      print(
        `${name}, ${count.toLocaleString('en')} rows, median of ${TURNS} in turns`,
        (count * 1000) / median,
        'rows/s',
      );
    }
  }
}
