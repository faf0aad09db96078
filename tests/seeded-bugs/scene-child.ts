/**
 * A night of the real pipeline in virtual time, in which everything happens that a rule is about: a fill over emptied,
 * reversed, repeated and poisoned pages, a hole the market soon mends and one it never does, a candle that changes, a
 * ban, forecasts that fail, a symbol that lags, one with too few days, an hour without candles, a change of champion.
 * Loaded by the seeded loader.
 * Arguments: folder, address of a Temporal server. Leaves `FOLDER/simulated`, `FOLDER/candles` and `FOLDER/requests.json`.
 */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../activities';
import { loadConfig } from '../../src/config/config';
import { createCcxtExchange } from '../../src/adapters/ccxt/ccxt-exchange';
import { PipelineError } from '../../src/domain/errors';
import { BACKGROUND_QUEUE, COMPUTE_QUEUE, SHADOW_QUEUE, TASK_QUEUE } from '../../src/domain/names';
import { parseTimeframe } from '../../src/domain/timeframe';
import { parseSymbol } from '../../src/domain/types';
import { familyNamed } from '../../src/forecasting/families';
import { createForecaster } from '../../src/forecasting/forecaster';
import { parseScenario } from '../../src/market/faults/fault-rules';
import { startMarket } from '../../src/market/market-server';
import type { Forecaster } from '../../src/ports/forecaster';
import { systemClock } from '../../src/ports/clock';
import { activityPorts } from '../../temporal/activity-ports';
import { cycleSchedules } from '../../temporal/schedules';
import { openStores } from '../../temporal/stores';
import type { Stores } from '../../temporal/stores';
import { driveVirtually } from '../../temporal/virtual-driver';
import { metadataOf } from '../ports/model-registry-contract';
import { at, FROM, HOUR, HOURS, START, SYMBOLS, writeSceneCandles } from './scene-candles';

const SOURCE = 'simulated';
const DIST = resolve(__dirname, '..', '..', 'dist');

const oneHour = (symbol: string) => ({ symbol, timeframe: '1h', path: 'klines' });
const FAULTS = [
  { fault: 'empty_page', ...oneHour('BTC/USDT'), after: 3, times: 1 },
  { fault: 'revised', ...oneHour('BTC/USDT'), with: { seconds: 1_800 }, from: at(2), until: at(5) },
  {
    fault: 'hole',
    ...oneHour('ETH/USDT'),
    with: { first: START + 1_300 * HOUR, last: START + 1_304 * HOUR },
    times: 2,
  },
  { fault: 'duplicates', ...oneHour('ETH/USDT'), times: 2 },
  { fault: 'reversed', ...oneHour('SOL/USDT'), times: 1 },
  { fault: 'poison', ...oneHour('SOL/USDT'), with: { value: 'high_below_low' }, times: 3 },
  { fault: 'without_newest', ...oneHour('SOL/USDT'), with: { slots: 2 }, until: at(4) },
  { fault: 'too_many_requests', path: 'klines', with: { seconds: 60 }, times: 1, from: at(6), until: at(7) },
];

/** The real one, but for the hours in which it fails. */
function failingForecaster(real: Forecaster): Forecaster {
  return {
    ...real,
    forecast: async (request, signal) => {
      const { pair, asOf } = request;
      if (pair.symbol === 'BTC/USDT' && pair.timeframe === '1h' && asOf > at(7) && asOf < at(9))
        throw new PipelineError('forecast_invalid', 'the scene wants it so');
      return real.forecast(request, signal);
    },
  };
}

const ONE_HOUR = parseTimeframe('1h');

const OTHER = { family: 'seasonal-naive', settings: {} };

/** From the second slot on a shadow forecasts beside the champion of 1h. */
async function setShadow({ state: { models } }: Stores, since: number): Promise<void> {
  const version = 'shadow-of-the-scene';
  if ((await models.shadow(ONE_HOUR)) !== null) return;
  await models.register(metadataOf(version, { timeframe: ONE_HOUR, fits: [] }));
  await models.setShadow({ timeframe: ONE_HOUR, version, since });
}

/** In the middle of the night 1h gets another champion, as a promotion leaves it. */
async function changeChampion({ state: { models } }: Stores, now: number): Promise<void> {
  const version = familyNamed(OTHER.family).version(OTHER.settings);
  const before = await models.champion(ONE_HOUR);
  if (before === null || now < at(4) || before.version === version) return;
  await models.register(metadataOf(version, { ...OTHER, timeframe: ONE_HOUR, fits: [] }));
  const change = { timeframe: ONE_HOUR, version, previous: before.version, at: now } as const;
  await models.changeChampion({ ...change, kind: 'promotion', by: 'operator', reason: 'the scene wants it so' });
}

async function main(folder: string, address: string): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
  const data = join(folder, 'candles');
  writeSceneCandles(data);
  const market = await startMarket({
    data,
    clock: { fixed: FROM },
    scenario: parseScenario({ faults: FAULTS }, 'the scene'),
  });
  const clock = { now: () => market.clock.now(), monotonic: () => systemClock.monotonic() };
  const settings = { SYMBOLS: SYMBOLS.join(','), TIMEFRAMES: '1h,1d' };
  const config = loadConfig({ DATA_DIR: folder, EXCHANGE: SOURCE, ...settings }, null);
  const stores = await openStores(config, SOURCE, clock);
  const exchange = await createCcxtExchange({
    id: 'binance',
    source: SOURCE,
    budget: stores.budget,
    clock,
    settleMs: config.settleMs,
    baseUrl: market.url,
    // One at a time: then none is under way when the ban is told.
    parallel: 1,
  });
  const workerFile = join(DIST, 'src', 'forecasting', 'worker.js');
  const forecaster = failingForecaster(createForecaster({ threads: 1, workerFile }));
  const shadowForecaster = createForecaster({ threads: 1, workerFile });
  const log = pino({ level: process.env.SCENE_LOG ?? 'silent' }, pino.destination(2));
  const requestCycle = async (): Promise<void> => {};
  const forecasters = { forecaster, shadowForecaster, trainingForecaster: shadowForecaster };
  const ports = activityPorts({ config, stores, exchange, ...forecasters, requestCycle, log, clock });
  const connection = await NativeConnection.connect({ address });
  const activities = {
    ...createActivities(ports),
    ...createComputeActivities(ports),
    ...createBackgroundActivities(ports),
  };
  const workflowBundle = { codePath: join(DIST, 'workflow-bundle.js') };
  const worker = await Worker.create({ connection, taskQueue: TASK_QUEUE, workflowBundle, activities });
  const compute = await Worker.create({ connection, taskQueue: COMPUTE_QUEUE, activities });
  const background = await Worker.create({ connection, taskQueue: BACKGROUND_QUEUE, activities });
  const shadow = await Worker.create({ connection, taskQueue: SHADOW_QUEUE, activities });
  const client = new Client({ connection: await Connection.connect({ address }) });
  const requests: object[] = [];
  const night = async (): Promise<void> => {
    const drive = {
      client,
      schedules: cycleSchedules(config.timeframes, config.scheduleOffsetMs),
      from: FROM + config.scheduleOffsetMs,
      to: at(HOURS) + config.scheduleOffsetMs,
      startsBehind: true,
      onDue: async (due: number) => market.clock.set(due),
    };
    for await (const run of driveVirtually(drive)) {
      // Retry-After counts by the pipeline's clock, which stands still during a slot.
      for (const request of market.requests().slice(requests.length)) requests.push({ ...request, at: run.due });
      log.info({ due: new Date(run.due).toISOString(), ...run.result }, 'slot');
      await setShadow(stores, run.due);
      await changeChampion(stores, run.due);
    }
  };
  await worker.runUntil(compute.runUntil(background.runUntil(shadow.runUntil(night()))));
  writeFileSync(join(folder, 'requests.json'), JSON.stringify(requests));
  const silent = market.faults.list().filter(({ fired }) => fired === 0);
  if (silent.length > 0) throw new Error(`never fired: ${silent.map(({ rule }) => rule.fault).join(', ')}`);
  const pair = { symbol: parseSymbol('ETH/USDT'), timeframe: ONE_HOUR };
  const beside = await stores.state.forecastLedger.latest(pair, 'shadow');
  if (beside === null && process.env.SEEDED_BUGS === '[]') throw new Error('the shadow never forecast');
  await shadowForecaster.close();
  await forecaster.close();
  await exchange.close();
  await stores.close();
  await connection.close();
  await client.connection.close();
  await market.close();
}

const [folder = '', address = ''] = process.argv.slice(2);
main(folder, address).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
