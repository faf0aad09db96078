/**
 * Every configuration variable: its schema, default, unit and meaning, described here and, for alerts, in alert-variables.ts.
 * `.env.example` and `docs/configuration.md` are made from this table.
 */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { ALERT_VARIABLES } from './alert-variables';
import { MODEL_VARIABLES } from './model-variables';
import { readSymbol, readTimeframe } from './reading';
import { STORE_VARIABLES } from './store-variables';
import { TEMPORAL_SECURITY_VARIABLES } from './temporal-variables';
import { byTimeframe, httpUrl, list, minutes, number, pattern, port, samples, whole, word } from './values';
import type { Variable } from './variable';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const path = pattern(/\S/, 'a path');
const TOKEN_RULE = '16 to 200 characters without spaces and colons';
const addressOrNetwork = (text: string): string => {
  const [address = '', bits, ...rest] = text.split('/');
  const most = { 4: 32, 6: 128 }[isIP(address)];
  const read = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (most ?? 0));
  if (most !== undefined && read && rest.length === 0) return text;
  throw new RangeError(`"${text}" is not an address or network: write it like 10.0.0.5 or 172.18.0.0/16.`);
};
const host = pattern(/^[A-Za-z0-9.:_-]+$/, 'a host name or address');

export const VARIABLES = {
  EXCHANGE: {
    schema: pattern(
      /^[a-z][a-z0-9]*$/,
      'an exchange: write auto, simulated or a ccxt id in small letters, like binance',
    ),
    default: 'auto',
    unit: 'name',
    meaning:
      'Where candles come from: a ccxt exchange id, `simulated` (the built-in market), `auto`: binance if it answers, else the simulated market, marked as such everywhere; or `replay`, to look at what `coin-predict replay` has made, not to run it.',
  },
  EXCHANGE_URL: {
    schema: httpUrl(),
    default: null,
    defaultMeaning: "the exchange's own hosts",
    unit: 'URL',
    meaning: "Base URL that replaces the exchange's hosts: a market simulator or a proxy.",
  },
  SYMBOLS: {
    schema: list(readSymbol, 'symbol'),
    default: 'BTC/USDT,ETH/USDT,XRP/USDT,SOL/USDT,DOGE/USDT',
    unit: 'list',
    meaning:
      'What is followed: BASE/QUOTE, separated by commas. A symbol taken out keeps its data and is reported as retired.',
  },
  DISCOVER_TOP: {
    schema: whole(0, 500, 'symbols'),
    default: '0',
    unit: 'symbols',
    meaning:
      'Follow, besides SYMBOLS, the symbols that are among this many with the largest 24 h volume in DISCOVER_QUOTE; looked at daily. A followed one stays until it ranks below one and a half times this number at three looks running. Pairs of two stable currencies are left out. 0: only SYMBOLS.',
  },
  DISCOVER_QUOTE: {
    schema: pattern(/^[A-Z0-9]{1,20}$/, 'a currency: write it in capitals, like USDT'),
    default: 'USDT',
    unit: 'currency',
    meaning: 'Quote currency of discovered symbols.',
  },
  DISCOVER_DENY: {
    schema: list(readSymbol, 'symbol'),
    default: null,
    defaultMeaning: 'none',
    unit: 'list',
    meaning: 'Symbols that are never discovered, separated by commas. Those in SYMBOLS are always followed.',
  },
  DISCOVER_CAP: {
    schema: whole(1, 500, 'symbols'),
    default: '50',
    unit: 'symbols',
    meaning: 'Symbols followed at most when some are discovered, SYMBOLS included.',
  },
  TIMEFRAMES: {
    schema: list(readTimeframe, 'timeframe'),
    default: '1h,1d,1w,1M',
    unit: 'list',
    meaning:
      'Lengths of candles, separated by commas. Must hold 1h, on which activation rests. 1m is a minute and 1M a month; 1m is only fetched when named here.',
  },
  DATA_DIR: {
    schema: path,
    default: './data',
    unit: 'path',
    meaning:
      'Folder of everything that a deployment keeps: stores, published files, logs, the database of the development server. Only a downloaded `temporal` command lies elsewhere, in `.cache` of the clone.',
  },
  ...STORE_VARIABLES,
  WEB_PORT: {
    schema: port(),
    default: '8080',
    unit: 'port',
    meaning:
      'Port of the public pages and documents. The default moves to the next free port when taken; a port set here does not.',
  },
  OPS_PORT: {
    schema: port(),
    default: '8081',
    unit: 'port',
    meaning: 'Port of the operator pages, metrics and readiness. Moves like WEB_PORT.',
  },
  WEB_HOST: {
    schema: host,
    default: '127.0.0.1',
    unit: 'address',
    meaning: 'Address the public pages listen on; 0.0.0.0 opens them to the network.',
  },
  OPS_HOST: {
    schema: host,
    default: '127.0.0.1',
    unit: 'address',
    meaning:
      'Address the operator pages listen on. Anything but the loopback address needs OPS_TOKEN, and TLS in front of it.',
  },
  OPS_TOKEN: {
    schema: pattern(/^[\x21-\x39\x3b-\x7e]{16,200}$/, `a token of ${TOKEN_RULE}`).describe(TOKEN_RULE),
    default: null,
    defaultMeaning: 'none is asked for',
    unit: 'text',
    meaning:
      'Token that the operator pages ask for: as the password of HTTP Basic (any user name), or as a Bearer token.',
    secret: true,
  },
  TRUSTED_PROXIES: {
    schema: list(addressOrNetwork, 'address'),
    default: null,
    defaultMeaning: 'none: a reader is who holds the connection',
    unit: 'list of addresses',
    meaning:
      'Proxies in front of the public pages, as addresses or networks like `10.0.0.5,172.18.0.0/16`: the readers they name in X-Forwarded-For are counted one by one. Name only what no reader can ask from.',
  },
  METRICS_PORT: {
    schema: port(),
    default: '9464',
    unit: 'port',
    meaning: "Port of the worker's metrics for Prometheus. Moves like WEB_PORT.",
  },
  TEMPORAL_METRICS_PORT: {
    schema: port(),
    default: '9465',
    unit: 'port',
    meaning: 'Port of the metrics of the Temporal SDK inside the worker. Moves like WEB_PORT.',
  },
  METRICS_HOST: {
    schema: host,
    default: '127.0.0.1',
    unit: 'address',
    meaning: 'Address both metrics ports of the worker listen on; opened wider only where Prometheus runs elsewhere.',
  },
  TEMPORAL_ADDRESS: {
    schema: pattern(/^[A-Za-z0-9.[\]:_-]+:\d{1,5}$/, 'an address: write HOST:PORT, for example 127.0.0.1:7233'),
    default: null,
    defaultMeaning: 'an own development server is started',
    unit: 'host:port',
    meaning: 'Temporal server to use.',
  },
  TEMPORAL_NAMESPACE: {
    schema: pattern(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'a namespace: use letters, digits, dots and dashes'),
    default: 'default',
    unit: 'name',
    meaning: 'Temporal namespace.',
  },
  ...TEMPORAL_SECURITY_VARIABLES,
  TEMPORAL_PORT: {
    schema: port(),
    default: '7233',
    unit: 'port',
    meaning: 'Port of the own development server. Moves like WEB_PORT.',
  },
  TEMPORAL_UI_PORT: {
    schema: port(),
    default: '8233',
    unit: 'port',
    meaning: 'Port of the Temporal Web UI of the own development server. Moves like WEB_PORT.',
  },
  TEMPORAL_UI_URL: {
    schema: httpUrl(),
    default: null,
    defaultMeaning: 'that of the own development server',
    unit: 'URL',
    meaning: 'Address of the Temporal Web UI, for the links of the operator pages.',
  },
  TEMPORAL_BIN: {
    schema: path,
    default: null,
    defaultMeaning: '`temporal` on the PATH, else a downloaded one',
    unit: 'path',
    meaning: 'The `temporal` command that runs the own development server.',
  },
  ...MODEL_VARIABLES,
  SETTLE_SECONDS: {
    schema: number(0, 60, 'seconds'),
    default: '2',
    unit: 'seconds',
    meaning: 'How long after its end a candle counts as closed.',
  },
  SCHEDULE_OFFSET_SECONDS: {
    schema: whole(0, 59, 'seconds'),
    default: '5',
    unit: 'seconds',
    meaning: 'How long after a boundary its cycle starts; not less than SETTLE_SECONDS.',
  },
  CYCLE_TARGET_SECONDS: {
    schema: number(1, 3600, 'seconds'),
    default: '60',
    unit: 'seconds',
    meaning: 'Time a cycle may take; longer ones are counted as overruns.',
  },
  LAG_RETRY_SECONDS: {
    schema: number(0, 600, 'seconds'),
    default: '40',
    unit: 'seconds',
    meaning: 'How long a cycle waits in all for an exchange that does not have the new candle yet.',
  },
  SOFT_MINUTES: {
    schema: byTimeframe(minutes, { general: false, example: 'TIMEFRAME=minutes, like 1h=65,1d=1500' }),
    default: null,
    defaultMeaning: '1m=5, 1h=65, 1d=1500, 1w=11520, 1M=50400',
    unit: 'minutes, by timeframe',
    meaning:
      'Age of the data at which a pair turns stale, like `1h=65,1d=1500`; the other timeframes keep their default.',
  },
  HARD_MINUTES: {
    schema: byTimeframe(minutes, { general: false, example: 'TIMEFRAME=minutes, like 1h=130,1d=3000' }),
    default: null,
    defaultMeaning: '1m=15, 1h=130, 1d=3000, 1w=23040, 1M=100800',
    unit: 'minutes, by timeframe',
    meaning: 'Age of the data at which a pair is no longer served; not less than SOFT_MINUTES.',
  },
  MINIMUM_SAMPLES: {
    schema: byTimeframe(samples, { general: false, example: 'TIMEFRAME=candles, like 1h=240,1d=120' }),
    default: null,
    defaultMeaning: '1h=240, 1d=120, 1w=52, 1M=24',
    unit: 'candles, by timeframe',
    meaning: 'Closed candles needed before a forecast is made.',
  },
  RETENTION_1M_DAYS: {
    schema: whole(14, 30, 'days'),
    default: '14',
    unit: 'days',
    meaning: 'How long 1m candles are kept. All other timeframes are kept for ever.',
  },
  STORAGE_BUDGET_SHARE: {
    schema: number(0.01, 1, 'parts of one'),
    default: null,
    defaultMeaning: 'STORAGE_BUDGET_GB holds',
    unit: 'share',
    meaning: 'Share of the disk under DATA_DIR that the data may take, instead of STORAGE_BUDGET_GB.',
  },
  DISK_USAGE_PATH: {
    schema: path,
    default: null,
    defaultMeaning: 'what the store says of itself',
    unit: 'path',
    meaning:
      'Folder whose size counts against the storage budget: where the data lives, when the store can not tell. One that can not be read counts as full.',
  },
  EXCHANGE_WEIGHT_SHARE: {
    schema: number(0.01, 1, 'parts of one'),
    default: '0.5',
    unit: 'share',
    meaning: "Share of the exchange's request limit that this deployment may use.",
  },
  MARKET_SEED: {
    schema: whole(0, 4_294_967_295, 'the seed'),
    default: '1',
    unit: 'whole number',
    meaning: 'Seed of the simulated market: the same seed gives the same candles.',
  },
  NODE_ENV: {
    schema: pattern(/^[a-z]+$/, 'an environment: write production or development'),
    default: 'development',
    unit: 'word',
    meaning:
      'With `production`, EXCHANGE=auto is refused: a deployment names its exchange and never falls back to simulated prices.',
  },
  LOG_LEVEL: {
    schema: word(LOG_LEVELS),
    default: 'info',
    unit: 'word',
    meaning: `How much is logged: ${LOG_LEVELS.join(', ')}.`,
  },
  ...ALERT_VARIABLES,
} as const satisfies Record<string, Variable>;

export type VariableName = keyof typeof VARIABLES;
export const VARIABLE_NAMES = Object.keys(VARIABLES) as readonly VariableName[];

/** What each variable's text became; a variable without text and without default is null. */
export type Values = {
  readonly [Name in VariableName]:
    | z.output<(typeof VARIABLES)[Name]['schema']>
    | ((typeof VARIABLES)[Name]['default'] extends null ? null : never);
};

export function isVariable(name: string): name is VariableName {
  return Object.hasOwn(VARIABLES, name);
}

/** The text of a variable as it may be shown: no secret, and no password inside a URL. */
export function shownText(variable: Variable, text: string): string {
  if (variable.secret === true) return '***';
  return text.replaceAll(/\/\/[^\s/@]*@/g, '//***@');
}
