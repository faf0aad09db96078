// A deployment of hourly pairs for benches of whole cycles: real Temporal server (database file), real worker process, market
// simulator, SQLite; driven in virtual time, so that a boundary takes as long as its work.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIRST, load, OFFSET, startHourlyMarket } from './hourly-market.mjs';

const dist = join(import.meta.dirname, '..', 'dist');
const { inventedSymbols } = load('src/market/instrument.js');
const { parseTimeframe, HOUR } = load('src/domain/timeframe.js');
const { loadConfig } = load('src/config/config.js');
const { connectControl } = load('temporal/control.js');
const { cycleSchedules, deploymentSchedules } = load('temporal/schedules.js');
const { driveVirtually } = load('temporal/virtual-driver.js');
const { startDevelopmentServer } = load('temporal/development-server.js');
const { findTemporalBinary } = load('temporal/temporal-binary.js');

export const timeframe = parseTimeframe('1h');

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Its stores are filled; `runs` gives the cycles of so many boundaries after that, as they end. */
export async function startHourlyDeployment({ symbols: count, boundaries }) {
  const symbols = inventedSymbols(count);
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
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
    // NODE_OPTIONS=--max-old-space-size=200 shows whether memory is held, or not yet collected.
    env: { PATH: process.env.PATH, NODE_OPTIONS: process.env.NODE_OPTIONS ?? '', ...environment },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const stop = async () => {
    worker.kill('SIGTERM');
    await new Promise((resolve) => worker.once('exit', resolve));
    await control.close();
    await server.stop();
    await market.close();
    rmSync(folder, { recursive: true, force: true });
  };
  await new Promise((resolve) => worker.once('message', resolve));
  const drive = (from, to) =>
    driveVirtually({ client: control.client, schedules: cycleSchedules([timeframe], OFFSET), from, to });
  for await (const { result } of drive(FIRST, FIRST + OFFSET))
    console.error(`filled: ${result.newCandles} candles, ${result.outcome}`);
  return {
    client: control.client,
    config,
    dataDir: join(folder, 'data', 'simulated'),
    workerPid: worker.pid,
    runs: () => drive(FIRST + OFFSET, FIRST + boundaries * HOUR + OFFSET),
    stop,
  };
}
