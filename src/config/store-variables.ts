/** Where candles are kept: a part of the table in `variables.ts`. */
import { httpUrl, number, pattern, word } from './values';
import type { Variable } from './variable';

const title = pattern(/^[^\p{Cc}]+$/u, 'a name');

export const STORE_VARIABLES = {
  STORE: {
    schema: word(['sqlite', 'influx']),
    default: 'sqlite',
    unit: 'name',
    meaning:
      'The candle store: `sqlite`, embedded under DATA_DIR, or `influx`, an InfluxDB 2 server. Everything else stays under DATA_DIR.',
  },
  INFLUXDB_URL: {
    schema: httpUrl(),
    default: 'http://127.0.0.1:8086',
    unit: 'URL',
    meaning: 'The InfluxDB 2 server, with STORE=influx.',
  },
  INFLUXDB_TOKEN: {
    schema: pattern(/^[\x21-\x7e]+$/, 'a token: it holds no space'),
    default: null,
    defaultMeaning: 'none; needed with STORE=influx',
    unit: 'token',
    meaning:
      'API token that may read and write the bucket; one that may also create buckets lets the bucket be made at the start.',
    secret: true,
  },
  INFLUXDB_ORG: {
    schema: title,
    default: 'coin-predict',
    unit: 'name',
    meaning: 'Organisation of the bucket.',
  },
  INFLUXDB_BUCKET: {
    schema: title,
    default: 'coin-predict',
    unit: 'name',
    meaning:
      'Bucket of candles and forecasts, made at the start when it is not there. Its retention must be "never": candles are kept for ever.',
  },
  STORAGE_BUDGET_GB: {
    schema: number(0.1, 1_000_000, 'gigabytes'),
    default: '50',
    unit: 'gigabytes (10^9 bytes)',
    meaning: 'Space the data may take: warning at 70 %, critical at 85 %, no new full fill from 90 %.',
  },
} as const satisfies Record<string, Variable>;
