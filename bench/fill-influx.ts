/**
 * Fill through real ccxt into one InfluxDB: ours, and a Python script's (`bench/python_pipeline.py` of SHARED_DIR), in turns.
 *
 *   node OUT/bench/fill-influx.js [PAIRS] [TURNS]      (npm run bench -- fill-influx)
 *
 * Each turn has a server of its own. Prints one line a figure: candles a second of both and their ratio, our highest memory and longest pause of the event loop.
 * The default turns fill a million candles on each side.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { promisify } from 'node:util';
import { loadConfig } from '../src/config/config';
import { parseTimeframe } from '../src/domain/timeframe';
import { parseSymbol } from '../src/domain/types';
import type { MarketSymbol } from '../src/domain/types';
import { fill } from '../src/ingest/fill';
import { systemClock } from '../src/ports/clock';
import { collectEarly } from '../temporal/memory';
import { openExchange, openStores } from '../temporal/stores';
import { startInfluxd } from '../tests/influxd-server';
import type { TestInflux } from '../tests/influxd-server';

const run = promisify(execFile);
const python = resolve('.cache', 'bench-venv', 'bin', 'python');
const script = resolve(process.env.SHARED_DIR ?? '../shared', 'bench', 'python_pipeline.py');
const timeframe = parseTimeframe('1h');
const SINCE = Date.UTC(2017, 7, 17, 4);
const UNTIL = Date.UTC(2025, 0, 1);

interface Result {
  readonly candles: number;
  readonly seconds: number;
}

interface Watched extends Result {
  /** Bytes of resident memory, at most. */
  readonly memory: number;
  /** Nanoseconds that the event loop stood still, at most. */
  readonly pause: number;
}

/** A new histogram each time: one that is enabled again counts the time it was off as a pause. */
async function watched(work: () => Promise<Result>): Promise<Watched> {
  const pauses = monitorEventLoopDelay({ resolution: 5 });
  let memory = 0;
  const look = (): void => {
    memory = Math.max(memory, process.memoryUsage.rss());
  };
  const watch = setInterval(look, 50);
  pauses.enable();
  try {
    const result = await work();
    look();
    return { ...result, memory, pause: pauses.max };
  } finally {
    pauses.disable();
    clearInterval(watch);
  }
}

/** The fills of several pairs at once, as the deployment runs them, by one process. */
async function ours(
  influx: TestInflux,
  url: string,
  symbols: readonly MarketSymbol[],
  bucket: string,
): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
  const config = loadConfig(
    {
      DATA_DIR: folder,
      STORE: 'influx',
      INFLUXDB_URL: influx.url,
      INFLUXDB_TOKEN: influx.token,
      INFLUXDB_ORG: influx.org,
      INFLUXDB_BUCKET: bucket,
      SYMBOLS: symbols.join(','),
      TIMEFRAMES: '1h',
    },
    null,
  );
  const stores = await openStores(config, 'simulated');
  const exchange = await openExchange(config, stores, url);
  await exchange.markets();
  const { gapLedger, pairState, dataQuality } = stores.state;
  const ports = { exchange, candles: stores.candles, gapLedger, pairState, dataQuality, clock: systemClock };
  const result = await watched(async () => {
    const started = performance.now();
    const done = await Promise.all(
      symbols.map((symbol) => fill(ports, { pair: { symbol, timeframe }, from: SINCE, asOf: UNTIL })),
    );
    const candles = done.reduce((sum, { stored }) => sum + stored, 0);
    return { candles, seconds: (performance.now() - started) / 1000 };
  });
  await exchange.close();
  await stores.close();
  rmSync(folder, { recursive: true });
  return result;
}

async function theirs(
  influx: TestInflux,
  url: string,
  symbols: readonly MarketSymbol[],
  bucket: string,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
  const { orgs } = (await (
    await fetch(`${influx.url}/api/v2/orgs`, { headers: { authorization: `Token ${influx.token}` } })
  ).json()) as { orgs: { id: string }[] };
  await fetch(`${influx.url}/api/v2/buckets`, {
    method: 'POST',
    headers: { authorization: `Token ${influx.token}` },
    body: JSON.stringify({ orgID: orgs[0]?.id, name: bucket, retentionRules: [] }),
  });
  const args = [
    script,
    url,
    influx.url,
    influx.token,
    influx.org,
    bucket,
    '1h',
    symbols.join(','),
    SINCE,
    UNTIL,
    folder,
  ];
  const { stdout } = await run(python, [...args.map(String), 'fill'], { maxBuffer: 1e8 });
  rmSync(folder, { recursive: true });
  return JSON.parse(stdout) as Result;
}

/** The simulated market in a process of its own, as an exchange would be. */
async function startMarket(symbols: readonly MarketSymbol[]): Promise<{ readonly url: string; close(): void }> {
  const args = ['--symbols', symbols.join(','), '--seed', '1', '--fixed', new Date(UNTIL).toISOString()];
  const child = spawn(process.execPath, [resolve('dist', 'src', 'market', 'main.js'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((answer) =>
    child.stdout.once('data', (data: Buffer) => answer(data.toString())),
  );
  return { url: line.slice(line.indexOf('http')).trim(), close: () => void child.kill() };
}

function print(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(52)} ${value.toLocaleString('en', { maximumFractionDigits: 1 })} ${unit}\n`);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function main(count: number, turns: number): Promise<void> {
  // As a worker does.
  collectEarly();
  const symbols = Array.from({ length: count }, (_, index) => parseSymbol(`COIN${index}/USDT`));
  const market = await startMarket(symbols);
  try {
    // The market makes its candles when first asked; that is not what is measured.
    for (const symbol of symbols)
      await fetch(`${market.url}/api/v3/klines?symbol=${symbol.replace('/', '')}&interval=1h&limit=1`);
    const absent = [python, script].find((path) => !existsSync(path));
    if (absent !== undefined) console.log(`the Python script is left out: ${absent} is not there`);
    const [a, b]: [Watched[], Result[]] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      // A server of its own: a file a week, as the script's buckets have it, is soon more than one server may hold open.
      const influx = await startInfluxd();
      try {
        a.push(await ours(influx, market.url, symbols, 'ours'));
        if (absent === undefined) b.push(await theirs(influx, market.url, symbols, 'theirs'));
      } finally {
        await influx.stop();
      }
    }
    report(count, a, b);
  } finally {
    market.close();
  }
}

function report(pairs: number, a: readonly Watched[], b: readonly Result[]): void {
  const total = (results: readonly Result[]) => results.reduce((sum, { candles }) => sum + candles, 0);
  const rates = (results: readonly Result[]) => results.map(({ candles, seconds }) => candles / seconds);
  print('load of the machine', loadavg()[0] ?? Number.NaN, 'processes');
  print(`candles filled, ${a.length} turns of ${pairs} pairs of 1h`, total(a), 'candles');
  print(`coin-predict, median of ${a.length}`, median(rates(a)), 'candles/s');
  if (b.length > 0) {
    print('  the script stored', total(b), 'candles');
    print(`python_pipeline.py fill, median of ${b.length}`, median(rates(b)), 'candles/s');
    const ratios = rates(a).map((rate, turn) => rate / (rates(b)[turn] ?? Number.NaN));
    print('ratio of each turn, median', median(ratios), 'times as fast');
  }
  print('our highest memory', Math.max(...a.map(({ memory }) => memory)) / 1e6, 'MB');
  print('longest pause of the event loop', Math.max(...a.map(({ pause }) => pause)) / 1e6, 'ms');
}

void main(Number(process.argv[2] ?? 2), Number(process.argv[3] ?? 14));
