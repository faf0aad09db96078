/** Each thing a run needs, looked at alone; a check that fails says what mends it. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Config } from '../config/config';
import { ConfigError } from '../config/config-error';
import { PipelineError } from '../domain/errors';
import { TemporalUnreachable } from '../ports/control';
import type { Exchange } from '../ports/exchange';
import type { StorageUsage } from '../ports/storage-gauge';
import type { CliWiring } from './wiring';
import { bytesText, lengthText, messageOf, plural } from './wording';

export interface Check {
  readonly name: string;
  /** `warn`: it works, but not as it could. `unreachable`: something outside does not answer. */
  readonly state: 'ok' | 'warn' | 'fail' | 'unreachable';
  readonly detail: string;
  readonly mend: string | null;
}

/** Is looked at, not run: see `coin-predict replay`. */
const REPLAY = 'replay';

function ok(name: string, detail: string): Check {
  return { name, state: 'ok', detail, mend: null };
}

/** The oldest Node.js that is supported. */
const NODE = [20, 11] as const;

export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return ok('node', `Node.js ${version}`);
  return {
    name: 'node',
    state: 'fail',
    detail: `Node.js ${version} is too old`,
    mend: `install Node.js ${NODE.join('.')} or later`,
  };
}

/** Less free space than this is no place to start. */
const LEAST_FREE = 1e9;

/** Whether what the budget still allows has room on the disk. */
export async function checkDisk(wiring: CliWiring, config: Config): Promise<Check> {
  const folder = await existingParent(config.dataDir);
  try {
    await access(folder, constants.W_OK);
  } catch {
    const mend = 'give this user the right to write there, or set DATA_DIR';
    return { name: 'disk', state: 'fail', detail: `${folder} can not be written`, mend };
  }
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const { usedBytes, budgetBytes } = await measured(wiring, config);
  const used = usedBytes ?? 0;
  const budget = budgetBytes === null ? 'a budget that can not be read' : `a budget of ${bytesText(budgetBytes)}`;
  const detail = `${bytesText(free)} free at ${folder}; the candles take ${bytesText(used)} of ${budget}`;
  if (free < LEAST_FREE)
    return { name: 'disk', state: 'fail', detail, mend: 'free space, or set DATA_DIR to a larger disk' };
  // Candles in InfluxDB lie on its disk, which is not ours to see.
  if (budgetBytes !== null && config.store === 'sqlite' && free < budgetBytes - used) {
    const mend =
      config.storageBudgetShare === null
        ? `set STORAGE_BUDGET_GB to ${Math.floor((used + free) / 1e9)} or less, or free space`
        : 'lower STORAGE_BUDGET_SHARE, or free space';
    return { name: 'disk', state: 'warn', detail, mend };
  }
  return ok('disk', detail);
}

/** Before the first start there is no store to measure. */
async function measured(wiring: CliWiring, config: Config): Promise<StorageUsage> {
  try {
    return await (await wiring.stores()).storage.measure();
  } catch {
    return { usedBytes: 0, budgetBytes: config.storageBudgetShare === null ? config.storageBudgetBytes : null };
  }
}

async function existingParent(folder: string): Promise<string> {
  try {
    await access(folder);
    return folder;
  } catch {
    return dirname(folder) === folder ? folder : existingParent(dirname(folder));
  }
}

/** The ports a start would listen on. */
export async function checkPorts(config: Config): Promise<Check[]> {
  const own = config.temporalAddress === null;
  const wanted: [string, string, number][] = [
    ['WEB_PORT', config.webHost, config.webPort],
    ['OPS_PORT', config.opsHost, config.opsPort],
    ...(own
      ? (
          [
            ['TEMPORAL_PORT', '127.0.0.1', config.temporalPort],
            ['TEMPORAL_UI_PORT', '127.0.0.1', config.temporalUiPort],
          ] as const
        ).map(([...row]): [string, string, number] => row)
      : []),
  ];
  return Promise.all(
    wanted.map(async ([name, host, port]): Promise<Check> => {
      const fault = await listenFault(host, port);
      if (fault === null) return ok(name, port === 0 ? 'any free port' : `${host}:${port} is free`);
      const detail = fault === 'EADDRINUSE' ? `${host}:${port} is taken` : `${host}:${port} can not be used (${fault})`;
      const mend = config.explicit.has(name)
        ? `fine if coin-predict itself runs; else stop what holds it, or set ${name} to another port`
        : 'fine if coin-predict itself runs; else the next free port is used';
      return { name, state: 'warn', detail, mend };
    }),
  );
}

function listenFault(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

export async function checkTemporal(wiring: CliWiring, config: Config): Promise<Check[]> {
  const checks: Check[] = [];
  if (config.temporalAddress === null || config.exchange === REPLAY) checks.push(await checkBinary(wiring));
  // It has a server of its own, and no exchange, while it is run.
  if (config.exchange === REPLAY) return checks;
  try {
    const schedules = await (await wiring.control()).schedules();
    checks.push(ok('temporal', `answers, ${plural(schedules.length, 'schedule')}`));
  } catch (error) {
    if (!(error instanceof TemporalUnreachable)) return [...checks, notUsable('temporal', error)];
    const own = config.temporalAddress === null;
    const mend = own
      ? 'start it with "coin-predict up" (or npm start)'
      : 'start that server, or correct TEMPORAL_ADDRESS and, for TLS, TEMPORAL_TLS and its files';
    checks.push({
      name: 'temporal',
      state: own ? 'warn' : 'unreachable',
      detail: `nothing answers at ${error.address}`,
      mend,
    });
  }
  return checks;
}

async function checkBinary(wiring: CliWiring): Promise<Check> {
  try {
    return ok('temporal CLI', await wiring.temporalBinary());
  } catch (error) {
    const detail = messageOf(error);
    return {
      name: 'temporal CLI',
      state: 'warn',
      detail,
      mend: 'a start tries to fetch it; else install it and set TEMPORAL_BIN',
    };
  }
}

/** A clock further off than this makes candles count as closed too early or too late. */
const CLOCK_LIMIT_MS = 2000;

export async function checkExchange(wiring: CliWiring, config: Config): Promise<Check[]> {
  if (config.exchange === REPLAY) return [];
  let exchange: Exchange;
  try {
    exchange = await wiring.exchange();
  } catch (error) {
    return [notUsable('exchange', error)];
  }
  return [...checkTimeframes(exchange, config), await checkClock(wiring, exchange)];
}

/** A row for each timeframe that the exchange has no candles of. */
function checkTimeframes(exchange: Exchange, { timeframes }: Config): Check[] {
  return timeframes.flatMap((timeframe): Check[] => {
    const { offered, reason } = exchange.supports(timeframe);
    if (offered) return [];
    const detail = `no ${timeframe} candles: ${reason}`;
    return [{ name: `timeframe ${timeframe}`, state: 'warn', detail, mend: `remove ${timeframe} from TIMEFRAMES` }];
  });
}

async function checkClock(wiring: CliWiring, exchange: Exchange): Promise<Check> {
  try {
    const before = wiring.clock.now();
    const theirs = await exchange.serverTime(AbortSignal.timeout(20_000));
    const after = wiring.clock.now();
    const apart = Math.max(0, before - theirs, theirs - after);
    const detail = `${exchange.source} answered in ${after - before} ms`;
    if (apart <= CLOCK_LIMIT_MS) return ok('exchange', detail);
    const mend = 'set the clock of this machine (NTP)';
    return { name: 'exchange', state: 'warn', detail: `${detail}; the clocks are ${lengthText(apart)} apart`, mend };
  } catch (error) {
    const detail = messageOf(error);
    const mend = 'check the network; or set EXCHANGE=simulated to work without one';
    return { name: 'exchange', state: 'unreachable', detail, mend };
  }
}

export async function checkStores(wiring: CliWiring, config: Config): Promise<Check> {
  const where =
    config.store === 'influx' && config.influx !== null
      ? `InfluxDB at ${config.influx.url}, bucket ${config.influx.bucket}`
      : 'SQLite';
  try {
    const { candles, source, publication } = await wiring.stores();
    const pairs = await candles.pairs();
    await publication.generations(1);
    const bytes = await candles.sizeBytes();
    const size = bytes === null ? 'size unknown' : bytesText(bytes);
    return ok('stores', `${plural(pairs.length, 'pair')} of ${source} in ${where}, ${size}`);
  } catch (error) {
    const detail = messageOf(error);
    if (error instanceof PipelineError && error.code === 'store_unavailable' && config.store === 'influx') {
      return { name: 'stores', state: 'unreachable', detail, mend: 'start that server, or correct INFLUXDB_URL' };
    }
    if (error instanceof ConfigError || isUndecided(error)) return notUsable('stores', error);
    const mend = 'check that DATA_DIR is writable and whole; candles can be fetched again';
    return { name: 'stores', state: 'fail', detail, mend };
  }
}

/** Nothing was started yet that would say which source, or where its market is. */
function isUndecided(error: unknown): boolean {
  return error instanceof PipelineError && error.code === 'invalid_input';
}

/** What could not even be opened: by the configuration, for want of a first start, or for a reason that is told. */
function notUsable(name: string, error: unknown): Check {
  const detail = messageOf(error);
  if (error instanceof ConfigError) {
    const mend = `correct ${error.problems.map(({ variable }) => variable).join(', ')}`;
    return { name, state: 'fail', detail, mend };
  }
  if (isUndecided(error)) return { name, state: 'warn', detail, mend: 'run "npm start" first, or set EXCHANGE' };
  const away = error instanceof PipelineError && error.code === 'store_unavailable';
  return { name, state: away ? 'unreachable' : 'fail', detail, mend: 'mend what is told here, and look again' };
}
