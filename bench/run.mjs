// npm run bench [-- overload fill cycle forecast backtest store fill-influx recovery]: each part prints a table; the machine is part of every figure.
// Two things are compared only within one run, in turns (ABAB), by medians.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const load = (path) => require(join(root, 'dist', path));
const candles = resolve(root, process.env.CANDLES_DIR ?? '../shared/data', 'ohlcv');
const peers = resolve(root, process.env.PEERS_DIR ?? '../shared/bench', 'forecast_peers.py');
const venv = join(root, '.cache', 'bench-venv');
const python = join(venv, 'bin', 'python');

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const round = (value, digits = 4) => Number(value.toFixed(digits));
const print = (title, rows) => {
  console.log(`\n${title}  (${cpus().length} cores, load ${loadavg()[0].toFixed(1)})`);
  console.table(rows);
};

/** A folder of its own, removed when the work is done. */
async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The Python peers' interpreter, installed once; null, said plainly, when it can not be had. */
async function pythonPeers() {
  if (existsSync(python)) return python;
  try {
    await run('python3', ['-m', 'venv', venv]);
    await run(
      python,
      ['-m', 'pip', 'install', '--quiet', 'prophet', 'pandas', 'numpy', 'statsforecast', 'ccxt', 'influxdb-client'],
      {
        timeout: 900_000,
      },
    );
    return python;
  } catch (error) {
    console.log(
      `the Python peers could not be installed, so they are left out: ${String(error.message).split('\n')[0]}`,
    );
    return null;
  }
}

/** One symbol's whole 1h history from the simulated market: our fill, and the loop of a Python script. */
async function fillSqlite() {
  const { startMarket } = load('src/market/market-server.js');
  const { loadConfig } = load('src/config/config.js');
  const { openStores, openExchange } = load('temporal/stores.js');
  const { fill: fillPair } = load('src/ingest/fill.js');
  const { systemClock } = load('src/ports/clock.js');
  const { parseTimeframe } = load('src/domain/timeframe.js');
  const peer = await pythonPeers();
  const timeframe = parseTimeframe('1h');
  const [since, until] = [Date.UTC(2017, 7, 17, 4), Date.UTC(2025, 0, 1)];
  const market = await startMarket({ symbols: ['BTC/USDT'], seed: 1, clock: { fixed: until } });
  // The market makes its candles when first asked; that is not what is measured.
  await fetch(`${market.url}/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1`);
  const ours = () =>
    inFolder(async (folder) => {
      const config = loadConfig({ DATA_DIR: folder, SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' }, null);
      const stores = await openStores(config, 'simulated');
      const exchange = await openExchange(config, stores, market.url);
      await exchange.markets();
      const { gapLedger, pairState, dataQuality } = stores.state;
      const ports = { exchange, candles: stores.candles, gapLedger, pairState, dataQuality, clock: systemClock };
      const started = performance.now();
      const { stored } = await fillPair(ports, { pair: { symbol: 'BTC/USDT', timeframe }, from: since, asOf: until });
      const seconds = (performance.now() - started) / 1000;
      await exchange.close();
      await stores.close();
      return { candles: stored, seconds };
    });
  const theirs = () =>
    inFolder(async (folder) => {
      const { stdout } = await run(peer, [
        join(root, 'bench', 'fill-loop.py'),
        market.url,
        'BTC/USDT',
        '1h',
        String(since),
        String(until),
        join(folder, 'candles.db'),
      ]);
      return JSON.parse(stdout);
    });
  const [a, b] = [[], []];
  for (let turn = 0; turn < 3; turn++) {
    a.push(await ours());
    if (peer !== null) b.push(await theirs());
  }
  await market.close();
  const row = (name, runs) => ({
    fill: name,
    candles: runs[0].candles,
    seconds: round(median(runs.map(({ seconds }) => seconds)), 2),
    candles_a_second: Math.round(median(runs.map(({ candles: count, seconds }) => count / seconds))),
  });
  print('fill of BTC/USDT 1h, medians of 3 in turns', [
    row('coin-predict', a),
    ...(b.length > 0 ? [row('python ccxt loop, sqlite3', b)] : []),
  ]);
}

/** Whole cycles of 5 and of 100 pairs, through Temporal in virtual time and as bare calls of the same activities, in turns. */
async function cycle() {
  const rows = [];
  const asked = [
    [process.env.BOUNDARIES ?? '100', '5'],
    ['5', '100'],
  ];
  for (const [boundaries, symbols] of asked) {
    const printed = { 'close-to-published.mjs': [], 'cycle-without-temporal.mjs': [] };
    for (let turn = 0; turn < 2; turn++) {
      for (const [file, runs] of Object.entries(printed)) {
        const { stdout } = await run(process.execPath, [join(root, 'bench', file), boundaries, symbols], {
          maxBuffer: 1e8,
        });
        runs.push(JSON.parse(stdout.trim().split('\n').at(-1)));
      }
    }
    for (const [file, runs] of Object.entries(printed)) {
      const best = (part, key) => (part in runs[0] ? Math.min(...runs.map((one) => one[part][key])) : '-');
      rows.push({
        cycle: file === 'close-to-published.mjs' ? 'with Temporal' : 'without',
        boundaries,
        symbols,
        cycle_p50: best('cycle_seconds', 'p50'),
        cycle_p95: best('cycle_seconds', 'p95'),
        published_p50: best('close_to_published_seconds', 'p50'),
        published_p95: best('close_to_published_seconds', 'p95'),
      });
    }
  }
  print('cycles of 1h, one new candle each, seconds; the better of two runs in turns', rows);
}

/** A bench that is written in TypeScript, compiled with the tests' settings and run by itself. */
async function compiled(file, ...args) {
  const out = join(root, '.cache', 'bench');
  await run(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    join(root, 'tsconfig.json'),
    '--outDir',
    out,
  ]);
  const running = run(process.execPath, [join(out, 'bench', file), ...args], { cwd: root, maxBuffer: 1e8 });
  running.child.stderr.pipe(process.stderr);
  const { stdout } = await running;
  console.log(`\n${stdout.trim()}`);
}

/** Fit and predict of each family. */
const forecast = () => compiled('forecast-families.js');
/** Both candle stores with five million rows each, or CANDLES. */
const store = () => compiled('store.js', process.env.CANDLES ?? '5000000');

/** Seconds until published again after a kill or a freeze (L11). */
const recovery = () => compiled('recovery.js');

/** Fill into InfluxDB, beside a Python script on the same server. */
const fillInflux = async () => {
  await pythonPeers();
  await compiled('fill-influx.js');
};

/** Fills into both stores. */
async function fill() {
  await fillSqlite();
  await fillInflux();
}

/** Our backtest, and the Python peers on the same series, origins and window. */
async function backtest() {
  const only = (process.env.ONLY ?? 'BTC,ETH').split(',');
  const origins = process.env.ORIGINS ?? '6';
  const there = existsSync(peers);
  if (!there) console.log(`the Python peers are left out: ${peers} is not there (PEERS_DIR)`);
  const peer = there ? await pythonPeers() : null;
  for (const timeframe of ['1h', '1d']) {
    await inFolder(async (folder) => {
      for (const file of readdirSync(candles)) {
        if (only.some((base) => file === `${base}_USDT-${timeframe}.csv.gz`))
          symlinkSync(join(candles, file), join(folder, file));
      }
      const size = ['--origins', origins, '--window', '500'];
      const { stdout } = await run(
        process.execPath,
        [
          join(root, 'bin', 'coin-predict.js'),
          'backtest',
          '--data',
          folder,
          '--timeframe',
          timeframe,
          ...size,
          '-o',
          'json',
        ],
        { maxBuffer: 1e8 },
      ).catch((error) => {
        // 8: a family failed somewhere; what all gave is judged.
        if (error.code === 8) return error;
        throw error;
      });
      const rows = JSON.parse(stdout).rows.map(({ family, n, mae_ratio, pinball_ratio, cov80, cov95, seconds }) => ({
        model: family,
        n,
        pinball: round(pinball_ratio),
        mae: round(mae_ratio),
        cov80: round(cov80),
        cov95: round(cov95),
        seconds: round(seconds),
      }));
      if (peer !== null) {
        const out = join(folder, 'peers.json');
        await run(peer, [peers, folder, timeframe, origins, '500', out], { maxBuffer: 1e8, timeout: 900_000 });
        for (const [name, row] of Object.entries(JSON.parse(readFileSync(out, 'utf8')))) {
          if ('pinball_ratio' in row)
            rows.push({
              model: `python ${name}`,
              n: row.n,
              pinball: round(row.pinball_ratio),
              mae: round(row.mae_ratio),
              cov80: round(row.cov80),
              cov95: round(row.cov95),
              seconds: round(row.sec),
            });
        }
      }
      print(
        `backtest ${timeframe}, ${only.join(' ')}, ${origins} origins each, window 500; ratios to naive-conformal`,
        rows,
      );
    });
  }
}

/** A step of load beyond what the public server can answer (L13). */
const overload = () => import('./overload.mjs');

const parts = { overload, fill, cycle, forecast, backtest, store, 'fill-influx': fillInflux, recovery };
const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : Object.keys(parts)) {
  const part = parts[name];
  if (part === undefined) {
    console.error(`there is no part "${name}": use ${Object.keys(parts).join(' ')}`);
    process.exitCode = 2;
  } else await part();
}
