/** One typed, frozen configuration from defaults, a `.env` file and the environment; all problems are told at once. */
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { DiscoveryRules } from '../domain/discovery';
import { defaultRules, type TimeframeRules } from '../domain/timeframe-rules';
import type { MarketSymbol, TimeframeId } from '../domain/types';
import { ConfigError, type ConfigProblem } from './config-error';
import { defaultChampion } from './default-champions';
import { parseDotenv } from './dotenv';
import { didYouMean } from './suggestion';
import { findContradictions } from './contradictions';
import type { ByTimeframe } from './values';
import {
  VARIABLES,
  VARIABLE_NAMES,
  isVariable,
  shownText,
  type LOG_LEVELS,
  type Values,
  type VariableName,
} from './variables';
import type { Variable } from './variable';

const SECOND = 1000;

type Origin = 'default' | '.env file' | 'environment';

/** What stands for a variable and where it came from; secrets are hidden already. */
export interface Setting {
  readonly name: VariableName;
  /** As written; the words for an absent default when nothing is set. */
  readonly shown: string;
  readonly origin: Origin;
}

/** Where alerts go. Addresses and key are secrets. */
export interface AlertSettings {
  readonly discord: string | null;
  readonly slack: string | null;
  readonly webhook: string | null;
  readonly webhookSecret: string | null;
  readonly heartbeat: string | null;
  /** `host:port` pairs that may be private or plain http. */
  readonly allowedHosts: ReadonlySet<string>;
  readonly perMinute: number;
}

/** What a Temporal server asks for beyond its address. The key is a secret, and so is what lies in the file `key`. */
export interface TemporalSecurity {
  /** Absolute paths of PEM files. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
  readonly apiKey: string | null;
}

export interface InfluxSettings {
  /** Without a slash at its end. */
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
}

export interface Config {
  /** `auto`, `simulated` or a ccxt id. */
  readonly exchange: string;
  /** Without a slash at its end; null: the exchange's own hosts. */
  readonly exchangeUrl: string | null;
  readonly symbols: readonly MarketSymbol[];
  /** Null: only the symbols named are followed. */
  readonly discovery: DiscoveryRules | null;
  readonly timeframes: readonly TimeframeId[];
  /** Absolute. */
  readonly dataDir: string;
  readonly store: 'sqlite' | 'influx';
  /** How to reach InfluxDB; null without a token, which STORE=influx needs. */
  readonly influx: InfluxSettings | null;
  readonly webPort: number;
  readonly opsPort: number;
  readonly webHost: string;
  readonly opsHost: string;
  readonly metricsPort: number;
  readonly temporalMetricsPort: number;
  readonly metricsHost: string;
  /** Null: none is asked for. */
  readonly opsToken: string | null;
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** `host:port`; null: an own development server. */
  readonly temporalAddress: string | null;
  /** Null: it is spoken to in plain. */
  readonly temporalSecurity: TemporalSecurity | null;
  readonly temporalNamespace: string;
  readonly temporalPort: number;
  readonly temporalUiPort: number;
  /** Null: that of the own development server. */
  readonly temporalUiUrl: string | null;
  /** Absolute when it holds a slash, a command name otherwise; null: found by itself. */
  readonly temporalBin: string | null;
  readonly settleMs: number;
  readonly scheduleOffsetMs: number;
  readonly cycleTargetMs: number;
  readonly lagRetryMs: number;
  readonly storageBudgetBytes: number;
  /** 0..1 of the disk under DATA_DIR; null: storageBudgetBytes holds. */
  readonly storageBudgetShare: number | null;
  /** Absolute; null: the store's own files. */
  readonly diskUsagePath: string | null;
  /** 0..1 of the exchange's limit. */
  readonly exchangeWeightShare: number;
  readonly marketSeed: number;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly forecastThreads: number;
  readonly forecastTimeoutMs: number;
  readonly alerts: AlertSettings;
  /** Without a slash at its end; null: found by the running deployment. */
  readonly probeUrl: string | null;
  /** Promised share of good probes, 0..1. */
  readonly slaObjective: number;
  /** Names of the variables that somebody set: a default port that is taken moves on, an explicit one is an error. */
  readonly explicit: ReadonlySet<string>;
  /** Every variable in the order of the documentation. */
  readonly settings: readonly Setting[];
  /** The table of the timeframe with this configuration's changes. */
  rules(timeframe: TimeframeId): TimeframeRules;
  /** The model family that forecasts this timeframe. */
  championFamily(timeframe: TimeframeId): string;
  readonly mlflowTrackingUri: string | null;
  readonly automaticPromotion: boolean;
  readonly naiveFallback: boolean;
}

interface Given {
  readonly text: string;
  readonly origin: Origin;
}

/**
 * Reads the configuration. The environment wins over the file, an empty variable counts as not set.
 * @param environment usually `process.env`
 * @param file a `.env` file: absent means `.env` in the working directory if there is one, null means none
 * @throws ConfigError with every problem found.
 */
export function loadConfig(
  environment: Readonly<Record<string, string | undefined>>,
  file: string | null = existsSync('.env') ? '.env' : null,
): Config {
  const problems: ConfigProblem[] = [];
  const given = new Map<VariableName, Given>();
  if (file !== null) readFile(file, given, problems);
  for (const name of VARIABLE_NAMES) {
    const text = environment[name]?.trim() ?? '';
    if (text !== '') given.set(name, { text, origin: 'environment' });
  }
  const values = readValues(given, problems);
  problems.push(...findContradictions(values, new Set(given.keys())));
  if (problems.length > 0) throw new ConfigError(Object.freeze(problems));
  return assemble(values as Values, given);
}

function readFile(file: string, given: Map<VariableName, Given>, problems: ConfigProblem[]): void {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch {
    problems.push({
      variable: file,
      value: null,
      sentence: 'this file can not be read: check its name and its rights.',
    });
    return;
  }
  const { entries, unreadable } = parseDotenv(content);
  for (const line of unreadable) {
    problems.push({
      variable: `${file}:${line}`,
      value: null,
      sentence: 'this line can not be read: write NAME=value.',
    });
  }
  for (const { line, name, text } of entries) {
    if (!isVariable(name)) {
      const hint = didYouMean(name, VARIABLE_NAMES);
      const sentence = `${file}:${line} sets a variable that does not exist: remove it or see .env.example.${hint}`;
      problems.push({ variable: name, value: null, sentence });
    } else if (text !== '') given.set(name, { text, origin: '.env file' });
  }
}

function readValues(given: ReadonlyMap<VariableName, Given>, problems: ConfigProblem[]): Partial<Values> {
  const values: Partial<Record<VariableName, unknown>> = {};
  for (const name of VARIABLE_NAMES) {
    const variable = VARIABLES[name];
    const text = given.get(name)?.text ?? variable.default;
    if (text === null) {
      values[name] = null;
      continue;
    }
    const result = variable.schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else {
      const sentence = result.error.issues.map((issue) => issue.message).join(' ');
      const hidesText = (variable as Variable).secret === true;
      problems.push({
        variable: name,
        value: shownText(variable, text),
        sentence: shownText({ ...variable, secret: false }, hidesText ? sentence.replaceAll(text, '***') : sentence),
      });
    }
  }
  return values as Partial<Values>;
}

/** Rules of a timeframe with the overrides of the configuration. */
function mergeRules(values: Partial<Values>, timeframe: TimeframeId): TimeframeRules {
  const rules = defaultRules(timeframe);
  const own = <T>(by: ByTimeframe<T> | null | undefined, fallback: T): T => by?.own[timeframe] ?? fallback;
  return Object.freeze({
    ...rules,
    softMinutes: own(values.SOFT_MINUTES, rules.softMinutes),
    hardMinutes: own(values.HARD_MINUTES, rules.hardMinutes),
    minimumSamples: own(values.MINIMUM_SAMPLES, rules.minimumSamples),
    retention:
      timeframe === '1m' && values.RETENTION_1M_DAYS !== undefined
        ? { days: values.RETENTION_1M_DAYS }
        : rules.retention,
  });
}

function settingOf(name: VariableName, given: ReadonlyMap<VariableName, Given>): Setting {
  const variable: (typeof VARIABLES)[VariableName] & { readonly defaultMeaning?: string } = VARIABLES[name];
  const found = given.get(name);
  if (found !== undefined) return Object.freeze({ name, shown: shownText(variable, found.text), origin: found.origin });
  return Object.freeze({
    name,
    shown: variable.default ?? `(${variable.defaultMeaning ?? 'none'})`,
    origin: 'default',
  });
}

function influxSettings(values: Values): InfluxSettings | null {
  if (values.INFLUXDB_TOKEN === null) return null;
  return Object.freeze({
    url: values.INFLUXDB_URL,
    token: values.INFLUXDB_TOKEN,
    org: values.INFLUXDB_ORG,
    bucket: values.INFLUXDB_BUCKET,
  });
}

function temporalSecurity(values: Values): TemporalSecurity | null {
  if (values.TEMPORAL_TLS === 'off') return null;
  const absolute = (path: string | null): string | null => (path === null ? null : resolve(path));
  return Object.freeze({
    ca: absolute(values.TEMPORAL_TLS_CA),
    certificate: absolute(values.TEMPORAL_TLS_CERT),
    key: absolute(values.TEMPORAL_TLS_KEY),
    serverName: values.TEMPORAL_TLS_SERVER_NAME,
    apiKey: values.TEMPORAL_API_KEY,
  });
}

function assemble(values: Values, given: ReadonlyMap<VariableName, Given>): Config {
  const champion = values.CHAMPION;
  const bin = values.TEMPORAL_BIN;
  return Object.freeze({
    exchange: values.EXCHANGE,
    exchangeUrl: values.EXCHANGE_URL,
    symbols: Object.freeze([...values.SYMBOLS]),
    discovery:
      values.DISCOVER_TOP === 0
        ? null
        : Object.freeze({
            top: values.DISCOVER_TOP,
            quote: values.DISCOVER_QUOTE,
            deny: Object.freeze([...(values.DISCOVER_DENY ?? [])]),
            cap: values.DISCOVER_CAP,
          }),
    timeframes: Object.freeze([...values.TIMEFRAMES]),
    dataDir: resolve(values.DATA_DIR),
    store: values.STORE,
    influx: influxSettings(values),
    webPort: values.WEB_PORT,
    opsPort: values.OPS_PORT,
    webHost: values.WEB_HOST,
    opsHost: values.OPS_HOST,
    metricsPort: values.METRICS_PORT,
    temporalMetricsPort: values.TEMPORAL_METRICS_PORT,
    metricsHost: values.METRICS_HOST,
    opsToken: values.OPS_TOKEN,
    trustedProxies: Object.freeze([...(values.TRUSTED_PROXIES ?? [])]),
    temporalAddress: values.TEMPORAL_ADDRESS,
    temporalSecurity: temporalSecurity(values),
    temporalNamespace: values.TEMPORAL_NAMESPACE,
    temporalPort: values.TEMPORAL_PORT,
    temporalUiPort: values.TEMPORAL_UI_PORT,
    temporalUiUrl: values.TEMPORAL_UI_URL,
    temporalBin: bin !== null && bin.includes('/') ? resolve(bin) : bin,
    settleMs: values.SETTLE_SECONDS * SECOND,
    scheduleOffsetMs: values.SCHEDULE_OFFSET_SECONDS * SECOND,
    cycleTargetMs: values.CYCLE_TARGET_SECONDS * SECOND,
    lagRetryMs: values.LAG_RETRY_SECONDS * SECOND,
    storageBudgetBytes: values.STORAGE_BUDGET_GB * 1e9,
    storageBudgetShare: values.STORAGE_BUDGET_SHARE,
    diskUsagePath: values.DISK_USAGE_PATH === null ? null : resolve(values.DISK_USAGE_PATH),
    exchangeWeightShare: values.EXCHANGE_WEIGHT_SHARE,
    marketSeed: values.MARKET_SEED,
    logLevel: values.LOG_LEVEL,
    forecastThreads: values.FORECAST_THREADS ?? availableParallelism(),
    forecastTimeoutMs: values.FORECAST_TIMEOUT_SECONDS * SECOND,
    alerts: Object.freeze({
      discord: values.ALERT_DISCORD_URL,
      slack: values.ALERT_SLACK_URL,
      webhook: values.ALERT_WEBHOOK_URL,
      webhookSecret: values.ALERT_WEBHOOK_SECRET,
      heartbeat: values.HEARTBEAT_URL,
      allowedHosts: new Set(values.ALERT_ALLOWED_HOSTS ?? []),
      perMinute: values.ALERTS_PER_MINUTE,
    }),
    probeUrl: values.PROBE_URL,
    slaObjective: values.SLA_OBJECTIVE,
    explicit: new Set<string>(given.keys()),
    settings: Object.freeze(VARIABLE_NAMES.map((name) => settingOf(name, given))),
    rules: (timeframe: TimeframeId) => mergeRules(values, timeframe),
    mlflowTrackingUri: values.MLFLOW_TRACKING_URI,
    automaticPromotion: values.AUTOMATIC_PROMOTION === 'on',
    naiveFallback: values.NAIVE_FALLBACK === 'on',
    championFamily: (timeframe: TimeframeId) =>
      champion.own[timeframe] ?? champion.general ?? defaultChampion(timeframe),
  });
}
