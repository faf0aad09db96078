// Peak memory of a training, whatever the history: node bench/training-memory.mjs [candles candles …]
// For each number of 1h candles of one symbol a store is filled by one process, and the training's activities (snapshot, search
// over all recipes, fit) run in another, whose highest resident memory is told, with its threads and libraries in it.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');
const require = createRequire(import.meta.url);
const load = (path) => require(join(root, 'dist', path));
const { loadConfig } = load('src/config/config.js');
const { HOUR, parseTimeframe } = load('src/domain/timeframe.js');
const { openStores } = load('temporal/stores.js');

const SOURCE = 'bench';
const FIRST = Date.UTC(1971, 0, 1);
const PAGE = 10_000;
const symbol = 'BTC/USDT';
const timeframe = parseTimeframe('1h');
const pair = { symbol, timeframe };
const run = promisify(execFile);
const [mode, ...rest] = process.argv.slice(2);

const configOf = (folder) =>
  // A small holdout: how many origins there are is not what is measured.
  loadConfig({ DATA_DIR: folder, SYMBOLS: symbol, TIMEFRAMES: '1h', MINIMUM_SAMPLES: '1h=60' }, null);

async function fill(folder, candles) {
  const stores = await openStores(configOf(folder), SOURCE);
  let open = 100;
  for (let from = 0; from < candles; from += PAGE) {
    const page = Array.from({ length: Math.min(PAGE, candles - from) }, (_, k) => {
      const close = open * Math.exp(0.01 * Math.sin((from + k) * 1.7) + 0.004 * Math.cos((from + k) * 0.31));
      const candle = { openTime: FIRST + (from + k) * HOUR, open, close, volume: 1 + (k % 7) };
      open = close;
      return { ...candle, high: Math.max(candle.open, close) * 1.002, low: Math.min(candle.open, close) * 0.998 };
    });
    await stores.candles.write(pair, page, FIRST + candles * HOUR);
  }
  await stores.state.pairState.setSymbolState({ symbol, activation: 'ready', since: FIRST, reason: null });
  await stores.close();
}

async function train(folder, candles) {
  const { asyncLocalStorage, Context } = require('@temporalio/activity');
  const { createActivities, createBackgroundActivities } = load('activities/index.js');
  const { createForecaster } = load('src/forecasting/forecaster.js');
  const { activityPorts } = load('temporal/activity-ports.js');
  const { pino } = require('pino');
  const config = configOf(folder);
  const stores = await openStores(config, SOURCE);
  const forecaster = createForecaster({ threads: 1, timeLimitMs: 120_000 });
  const ports = activityPorts({
    config,
    stores,
    forecaster,
    shadowForecaster: forecaster,
    trainingForecaster: forecaster,
    requestCycle: async () => {},
    log: pino({ level: 'silent' }),
  });
  const activities = { ...createActivities(ports), ...createBackgroundActivities(ports) };
  const signal = new AbortController().signal;
  const surroundings = new Context({ startToCloseTimeoutMs: 1_800_000 }, new Promise(() => {}), signal, () => {});
  const call = (name, input) => asyncLocalStorage.run(surroundings, () => activities[name](input));
  const atStart = process.resourceUsage().maxRSS;
  const started = performance.now();
  const task = { source: SOURCE, timeframe, symbol, asOf: FIRST + candles * HOUR + 60_000 };
  const plan = await call('planTraining', {
    ...{ timeframe, symbols: null, trigger: 'by hand', observations: 0 },
    ...{ asOf: task.asOf, runId: 'bench' },
  });
  if (plan.verdict !== 'train') throw new Error(plan.reason);
  const snapshot = await call('snapshotCandles', task);
  if (snapshot.rows !== candles) throw new Error(`the snapshot has ${snapshot.rows} of ${candles} candles`);
  const afterSnapshot = process.resourceUsage().maxRSS;
  const found = await call('searchForRecipe', { ...task, members: [{ symbol, snapshot }] });
  await call('fitSymbol', { ...task, snapshot, recipe: found.recipe });
  const seconds = (performance.now() - started) / 1000;
  const peak = process.resourceUsage().maxRSS;
  await forecaster.close();
  await stores.close();
  console.log(JSON.stringify({ candles, atStart, afterSnapshot, peak, seconds }));
}

async function measure(candles) {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
  try {
    const part = (name) => run(process.execPath, [import.meta.filename, name, folder, String(candles)]);
    await part('fill');
    const { atStart, afterSnapshot, peak, seconds } = JSON.parse((await part('train')).stdout);
    const megabytes = (kibibytes) => Math.round(kibibytes / 1024);
    return {
      candles,
      'MB at start': megabytes(atStart),
      'after the snapshot': megabytes(afterSnapshot),
      'at the peak': megabytes(peak),
      seconds: Number(seconds.toFixed(1)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (mode === 'fill') await fill(rest[0], Number(rest[1]));
else if (mode === 'train') await train(rest[0], Number(rest[1]));
else {
  const sizes = [mode, ...rest].filter(Boolean).map(Number);
  const rows = [];
  for (const candles of sizes.length > 0 ? sizes : [10_000, 500_000, 10_000, 500_000])
    rows.push(await measure(candles));
  console.log(`peak memory of a training of one symbol  (${cpus().length} cores, load ${loadavg()[0].toFixed(1)})`);
  console.table(rows);
}
