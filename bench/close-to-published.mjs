// Close to published over simulated boundaries: node bench/close-to-published.mjs [boundaries] [symbols]
// Real Temporal server (database file), real worker process, market simulator, SQLite; virtual time, so that a boundary
// takes as long as its work. Latency = the schedule's offset after the close + the cycle's start to its committed manifest.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIRST, load, OFFSET, quantile, seconds, startHourlyMarket } from './hourly-market.mjs';

const dist = join(import.meta.dirname, '..', 'dist');
const { inventedSymbols } = load('src/market/instrument.js');
const { parseTimeframe, HOUR } = load('src/domain/timeframe.js');
const { loadConfig } = load('src/config/config.js');
const { connectControl } = load('temporal/control.js');
const { cycleSchedules, deploymentSchedules } = load('temporal/schedules.js');
const { driveVirtually } = load('temporal/virtual-driver.js');
const { openStores } = load('temporal/stores.js');
const { startDevelopmentServer } = load('temporal/development-server.js');
const { findTemporalBinary } = load('temporal/temporal-binary.js');

const boundaries = Number(process.argv[2] ?? 100);
const symbols = inventedSymbols(Number(process.argv[3] ?? 5));
const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
const timeframe = parseTimeframe('1h');

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const market = await startHourlyMarket(folder, symbols, boundaries);
const binary = await findTemporalBinary({
  configured: process.env.TEMPORAL_BIN,
  cacheDir: join(dist, '..', '.cache'),
  tell: console.error,
});
const server = await startDevelopmentServer({
  binary,
  databaseFile: join(folder, 'temporal.db'),
  logFile: join(folder, 'temporal.log'),
  port: await freePort(),
  uiPort: null,
  namespace: 'default',
});
const environment = {
  DATA_DIR: join(folder, 'data'),
  EXCHANGE: 'simulated',
  EXCHANGE_URL: market.url,
  TEMPORAL_ADDRESS: server.address,
  SYMBOLS: symbols.join(','),
  TIMEFRAMES: '1h',
  LOG_LEVEL: 'error',
};
const config = loadConfig(environment, null);
const control = await connectControl({
  address: server.address,
  namespace: 'default',
  schedules: deploymentSchedules(config),
});
for (const { id } of await control.applySchedules()) await control.pause(id, 'bench');
const worker = spawn(process.execPath, [join(dist, 'temporal', 'cli.js'), 'worker', '-o', 'json'], {
  env: { PATH: process.env.PATH, ...environment },
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
});
await new Promise((resolve) => worker.once('message', resolve));

try {
  const schedules = cycleSchedules([timeframe], OFFSET);
  // The first slot fills the stores; it is not measured.
  for await (const run of driveVirtually({ client: control.client, schedules, from: FIRST, to: FIRST + OFFSET })) {
    console.error(`filled: ${run.result.newCandles} candles, ${run.result.outcome}`);
  }
  const started = performance.now();
  let published = 0;
  for await (const { result } of driveVirtually({
    client: control.client,
    schedules,
    from: FIRST + OFFSET,
    to: FIRST + boundaries * HOUR + OFFSET,
  })) {
    published += Number(result.outcome === 'published');
  }
  const elapsed = performance.now() - started;
  const stores = await openStores(config, 'simulated');
  const runs = (await stores.state.runLog.recent(timeframe, boundaries)).filter((run) => run.end !== null);
  await stores.close();
  const cycles = runs.map((run) => run.end.firstPassAt - run.startedAt).toSorted((a, b) => a - b);
  console.log(
    JSON.stringify({
      boundaries: cycles.length,
      published,
      symbols: symbols.length,
      settle_seconds: config.settleMs / 1000,
      offset_seconds: OFFSET / 1000,
      cycle_seconds: {
        p50: seconds(quantile(cycles, 0.5)),
        p95: seconds(quantile(cycles, 0.95)),
        max: seconds(cycles.at(-1)),
      },
      close_to_published_seconds: {
        p50: seconds(OFFSET + quantile(cycles, 0.5)),
        p95: seconds(OFFSET + quantile(cycles, 0.95)),
        max: seconds(OFFSET + cycles.at(-1)),
      },
      cycles_a_second: Number((cycles.length / (elapsed / 1000)).toFixed(2)),
    }),
  );
} finally {
  worker.kill('SIGTERM');
  await new Promise((resolve) => worker.once('exit', resolve));
  await control.close();
  await server.stop();
  await market.close();
  rmSync(folder, { recursive: true, force: true });
}
