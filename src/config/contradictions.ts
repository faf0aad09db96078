/** Values that are fine alone and impossible together. Each problem names the variable to change. */
import { defaultRules } from '../domain/timeframe-rules';
import type { TimeframeId } from '../domain/types';
import type { ConfigProblem } from './config-error';
import type { Values, VariableName } from './variables';

const PORTS = [
  'WEB_PORT',
  'OPS_PORT',
  'METRICS_PORT',
  'TEMPORAL_METRICS_PORT',
  'TEMPORAL_PORT',
  'TEMPORAL_UI_PORT',
] as const;

/** Judges what could be read; a variable that could not be is left out, it has its own problem already. */
export function findContradictions(values: Partial<Values>, explicit: ReadonlySet<VariableName>): ConfigProblem[] {
  return [
    ...timeframes(values),
    ...thresholds(values),
    ...times(values),
    ...budgets(explicit),
    ...ports(values, explicit),
    ...store(values),
    ...exchange(values),
    ...access(values),
    ...temporal(values, explicit),
  ];
}

function store(values: Partial<Values>): ConfigProblem[] {
  if (values.STORE !== 'influx' || values.INFLUXDB_TOKEN !== null) return [];
  const sentence = 'STORE=influx needs a token: set it to an API token of the InfluxDB server.';
  return [{ variable: 'INFLUXDB_TOKEN', value: null, sentence }];
}

/** Simulated prices must never take the place of real ones where nobody watches the start. */
function exchange(values: Partial<Values>): ConfigProblem[] {
  if (values.NODE_ENV !== 'production' || values.EXCHANGE !== 'auto') return [];
  const sentence =
    '"auto" is refused with NODE_ENV=production, for it may choose the simulated market: name the exchange, for example binance.';
  return [{ variable: 'EXCHANGE', value: 'auto', sentence }];
}

function timeframes(values: Partial<Values>): ConfigProblem[] {
  if (values.TIMEFRAMES === undefined || values.TIMEFRAMES.some((timeframe) => timeframe === '1h')) return [];
  const value = values.TIMEFRAMES.join(',');
  return [{ variable: 'TIMEFRAMES', value, sentence: `"${value}" lacks 1h, on which activation rests: add 1h.` }];
}

function thresholds(values: Partial<Values>): ConfigProblem[] {
  const { SOFT_MINUTES: softs, HARD_MINUTES: hards } = values;
  if (softs === undefined || hards === undefined) return [];
  const problems: ConfigProblem[] = [];
  const named = [...Object.keys(softs?.own ?? {}), ...Object.keys(hards?.own ?? {})] as TimeframeId[];
  for (const timeframe of new Set(named)) {
    const rules = defaultRules(timeframe);
    const soft = softs?.own[timeframe] ?? rules.softMinutes;
    const hard = hards?.own[timeframe] ?? rules.hardMinutes;
    const value = `${timeframe}=${soft}`;
    if (soft <= 0) {
      problems.push({ variable: 'SOFT_MINUTES', value, sentence: `${value} must be greater than 0.` });
    } else if (hard < soft) {
      const variable = hards?.own[timeframe] === undefined ? 'SOFT_MINUTES' : 'HARD_MINUTES';
      const sentence = `for ${timeframe} the hard limit (${hard}) is below the soft limit (${soft}): set HARD_MINUTES ${timeframe}=${soft} or more.`;
      problems.push({ variable, value: `${timeframe}=${variable === 'HARD_MINUTES' ? hard : soft}`, sentence });
    }
  }
  return problems;
}

function times(values: Partial<Values>): ConfigProblem[] {
  const { SCHEDULE_OFFSET_SECONDS: offset, SETTLE_SECONDS: settle } = values;
  if (offset === undefined || settle === undefined || offset >= settle) return [];
  const sentence = `a cycle would start ${offset} s after the boundary, before the candle counts as closed (SETTLE_SECONDS=${settle}): set ${settle} or more.`;
  return [{ variable: 'SCHEDULE_OFFSET_SECONDS', value: String(offset), sentence }];
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** What only an operator may see is never open to a network without a token. */
function access({ OPS_HOST: host, OPS_TOKEN: token }: Partial<Values>): ConfigProblem[] {
  if (host === undefined || token === undefined || token !== null || isLoopbackHost(host)) return [];
  const sentence = `${host} opens the operator pages to the network: set OPS_TOKEN, or leave OPS_HOST at 127.0.0.1.`;
  return [{ variable: 'OPS_HOST', value: host, sentence }];
}

/** A setting of TLS that would silently do nothing is a mistake. */
function temporal(values: Partial<Values>, explicit: ReadonlySet<VariableName>): ConfigProblem[] {
  const problem = (variable: VariableName, sentence: string): ConfigProblem => ({ variable, value: null, sentence });
  const problems: ConfigProblem[] = [];
  if (values.TEMPORAL_TLS === 'on' && values.TEMPORAL_ADDRESS === null)
    problems.push(problem('TEMPORAL_TLS', 'the own development server speaks no TLS: set TEMPORAL_ADDRESS.'));
  const parts = ['TEMPORAL_TLS_CA', 'TEMPORAL_TLS_CERT', 'TEMPORAL_TLS_KEY', 'TEMPORAL_TLS_SERVER_NAME'] as const;
  if (values.TEMPORAL_TLS === 'off')
    for (const name of parts.filter((part) => explicit.has(part)))
      problems.push(problem(name, 'holds only with TLS: set TEMPORAL_TLS=on.'));
  const [certificate, key] = [explicit.has('TEMPORAL_TLS_CERT'), explicit.has('TEMPORAL_TLS_KEY')];
  if (certificate && !key) problems.push(problem('TEMPORAL_TLS_CERT', 'needs its private key: set TEMPORAL_TLS_KEY.'));
  if (key && !certificate) problems.push(problem('TEMPORAL_TLS_KEY', 'needs its certificate: set TEMPORAL_TLS_CERT.'));
  return problems;
}

function budgets(explicit: ReadonlySet<VariableName>): ConfigProblem[] {
  if (!explicit.has('STORAGE_BUDGET_GB') || !explicit.has('STORAGE_BUDGET_SHARE')) return [];
  const sentence = 'both STORAGE_BUDGET_GB and STORAGE_BUDGET_SHARE are set: set one of them.';
  return [{ variable: 'STORAGE_BUDGET_SHARE', value: null, sentence }];
}

/** Only ports that somebody set can collide: a default moves on. */
function ports(values: Partial<Values>, explicit: ReadonlySet<VariableName>): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const taken = new Map<number, string>();
  for (const name of PORTS) {
    const port = values[name];
    if (port === undefined || port === 0 || !explicit.has(name)) continue;
    const holder = taken.get(port);
    if (holder !== undefined) {
      problems.push({
        variable: name,
        value: String(port),
        sentence: `${port} is the port of ${holder} too: choose another.`,
      });
    } else taken.set(port, name);
  }
  return problems;
}
