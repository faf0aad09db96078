// The cycle's activities called one after the other in this process: node bench/cycle-without-temporal.mjs [boundaries] [symbols]
// The same market, adapters, stores, threads and documents as bench/close-to-published.mjs; no server, no worker, no
// workflow: what is left when Temporal is taken away, and with it retries, histories and recovery.
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIRST, load, OFFSET, quantile, seconds, startHourlyMarket } from './hourly-market.mjs';

const { asyncLocalStorage, Context } = createRequire(import.meta.url)('@temporalio/activity');
const { createActivities, createComputeActivities } = load('activities/index.js');
const { inventedSymbols } = load('src/market/instrument.js');
const { HOUR, parseTimeframe } = load('src/domain/timeframe.js');
const { loadConfig } = load('src/config/config.js');
const { createForecaster } = load('src/forecasting/forecaster.js');
const { activityPorts } = load('temporal/activity-ports.js');
const { openExchange, openStores } = load('temporal/stores.js');
const { pino } = createRequire(import.meta.url)('pino');

const boundaries = Number(process.argv[2] ?? 100);
const symbols = inventedSymbols(Number(process.argv[3] ?? 5));
const timeframe = parseTimeframe('1h');
const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
const market = await startHourlyMarket(folder, symbols, boundaries);
const config = loadConfig(
  { DATA_DIR: join(folder, 'data'), EXCHANGE: 'simulated', SYMBOLS: symbols.join(','), TIMEFRAMES: '1h' },
  null,
);
const stores = await openStores(config, 'simulated');
const exchange = await openExchange(config, stores, market.url);
const forecaster = createForecaster({ threads: config.forecastThreads, timeLimitMs: config.forecastTimeoutMs });
const ports = activityPorts({
  config,
  stores,
  exchange,
  forecaster,
  requestCycle: async () => {},
  log: pino({ level: 'silent' }),
});
const activities = { ...createActivities(ports), ...createComputeActivities(ports) };

/** What an activity asks of its surroundings: its limits, a signal, and to be heard. */
const surroundings = new Context(
  { startToCloseTimeoutMs: 30_000 },
  new Promise(() => {}),
  new AbortController().signal,
  () => {},
);
const call = (name, input) => asyncLocalStorage.run(surroundings, () => activities[name](input));

/** The order of workflows/pair-chain.ts for pairs without trouble. Values by symbol. */
async function chain(group) {
  const input = (members) => ({ ...group, symbols: members });
  const values = (answers) => new Map(answers.map(({ symbol, value }) => [symbol, value]));
  const fetched = values(await call('fetch', group));
  for (const [symbol, { kind }] of fetched) {
    if (kind !== 'fill') continue;
    await call('fillPages', { symbol, timeframe, asOf: group.asOf });
    await call('settleFill', { symbol, timeframe, asOf: group.asOf });
  }
  const pages = [...fetched].flatMap(([symbol, page]) => (page.kind === 'candles' ? [{ symbol, ...page }] : []));
  if (pages.length > 0) await call('write', { ...input(pages.map(({ symbol }) => symbol)), pages });
  await call('repair', group);
  const judged = values(await call('gate', group));
  const due = group.symbols.filter((symbol) => judged.get(symbol)?.due === 'forecast');
  if (due.length > 0) await call('forecast', input(due));
  await call('export', { ...group, degraded: [] });
}

async function cycle(asOf, number) {
  const run = { workflowId: 'cycle-1h', runId: `direct-${number}`, round: 1, startedAt: Date.now() };
  const plan = await call('openCycle', { timeframe, asOf, trigger: 'bench', ...run });
  const base = { source: plan.source, timeframe, asOf, symbols: plan.symbols };
  const groups = [];
  for (let at = 0; at < plan.symbols.length; at += plan.groupSize)
    groups.push(plan.symbols.slice(at, at + plan.groupSize));
  await Promise.all(groups.map((members) => chain({ ...base, symbols: members })));
  await call('manifest', base);
  return Date.now() - run.startedAt;
}

try {
  await cycle(FIRST, 0);
  const times = [];
  for (let k = 1; k <= boundaries; k++) times.push(await cycle(FIRST + k * HOUR + OFFSET, k));
  const manifest = await stores.state.publication.rows();
  const through = manifest.filter((row) => row.dataThrough === FIRST + boundaries * HOUR).length;
  if (through !== symbols.length) throw new Error(`${through} of ${symbols.length} pairs were published to the end`);
  times.sort((a, b) => a - b);
  console.log(
    JSON.stringify({
      boundaries: times.length,
      symbols: symbols.length,
      cycle_seconds: {
        p50: seconds(quantile(times, 0.5)),
        p95: seconds(quantile(times, 0.95)),
        max: seconds(times.at(-1)),
      },
    }),
  );
} finally {
  await forecaster.close();
  await exchange.close();
  await stores.close();
  await market.close();
  rmSync(folder, { recursive: true, force: true });
}
