/**
 * Weeks and months have no ledger to speak of for years: there the gate judges by the training's walk-forward backtest, of as
 * many origins, and says so (SPEC 7). Real stores, search, registration, report and change; the models are told what to say.
 */
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../../activities';
import { PipelineError } from '../../../src/domain/errors';
import type { QuantileRow } from '../../../src/domain/quantiles';
import { parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { championWorkflowId, MODEL_REPORT, TASK_QUEUE, trainingId } from '../../../src/domain/names';
import type { Candle, TimeframeId } from '../../../src/domain/types';
import { RandomDraws } from '../../../src/market/random-draws';
import type { Forecaster } from '../../../src/ports/forecaster';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { openPipeline } from './pipeline';
import type { Pipeline } from './pipeline';

const SYMBOLS = ['BTC/USDT', 'ETH/USDT', 'XRP/USDT'];
/** Standard deviation of the move of one candle. */
const SPREAD = 0.05;
const NORMAL_QUANTILES = [-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96];
/** The only family whose bands are as wide as the moves; those of all others, the champion's among them, are far too wide. */
const FITTING = 'ets';

let temporal: TestTemporal;
let pipeline: Pipeline;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
afterEach(() => pipeline.stop());

/** The champion gives none of this symbol from the origin whose last candle has this close. */
let missing: { readonly symbol: string; readonly close: number } | null = null;

const toldForecaster: Forecaster = {
  candlesWanted: () => 100,
  versionOf: ({ family }) => `${family}-told`,
  forecast: async ({ pair, candles, steps, recipe: { family } }) => {
    const last = candles.at(-1)?.close ?? Number.NaN;
    if (family === 'prophet' && candles.length < 100) {
      throw new PipelineError('insufficient_data', `prophet needs 100 closed candles, and there are ${candles.length}`);
    }
    if (family === 'drift' && pair.symbol === missing?.symbol && last === missing.close) {
      throw new PipelineError('forecast_failed', 'no forecast from here');
    }
    const width = family === FITTING ? SPREAD : 8 * SPREAD;
    const quantiles = Array.from(
      { length: steps },
      (_, k) => NORMAL_QUANTILES.map((z) => last * Math.exp(z * width * Math.sqrt(k + 1))) as unknown as QuantileRow,
    );
    return { family, modelVersion: `${family}-told`, quantiles, milliseconds: 1 };
  },
  close: async () => {},
};

function candlesOf(timeframe: TimeframeId, symbol: string, count: number): Candle[] {
  const draws = new RandomDraws(`${symbol} ${timeframe}`);
  const first = shiftSlots(timeframe, Date.UTC(2017, 0, 2), 1);
  let open = 100;
  return Array.from({ length: count }, (_, k) => {
    const close = open * Math.exp(SPREAD * draws.normal(k));
    const candle = { open, close, high: 1.001 * Math.max(open, close), low: 0.999 * Math.min(open, close) };
    open = close;
    return { openTime: shiftSlots(timeframe, first, k), ...candle, volume: 1 };
  });
}

/** A deployment whose pairs of this timeframe have so many candles and no ledger, with a champion whose bands are too wide. */
async function openYoung(name: string, count: number) {
  const timeframe = parseTimeframe(name);
  pipeline = await openPipeline(temporal, { SYMBOLS: SYMBOLS.join(','), TIMEFRAMES: `1h,${name}` });
  const { ports, stores } = pipeline;
  Object.assign(ports, {
    forecaster: toldForecaster,
    shadowForecaster: toldForecaster,
    trainingForecaster: { ...toldForecaster, fit: async () => null },
  });
  Object.assign(ports.settings, { firstChampion: () => ({ family: 'drift', settings: {} }) });
  const clock = { now: 0 };
  for (const symbol of SYMBOLS.map(parseSymbol)) {
    const candles = candlesOf(timeframe, symbol, count);
    clock.now = shiftSlots(timeframe, candles.at(-1)?.openTime ?? 0, 1) + 60_000;
    await stores.candles.write({ symbol, timeframe }, candles, clock.now);
    await stores.state.pairState.setSymbolState({ symbol, activation: 'ready', since: clock.now, reason: null });
  }
  const activities = {
    ...createActivities(ports),
    ...createComputeActivities(ports),
    ...createBackgroundActivities(ports),
  };
  const run = (type: string, workflowId: string, args: object): Promise<unknown> =>
    temporal.client.workflow.execute(type, {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [{ ...args, asOf: clock.now }],
    });
  const { models } = stores.state;
  return { timeframe, clock, models, run, work: (work: () => Promise<void>) => temporal.withWorkers(activities, work) };
}

test.each([
  ['1w', 400, 52],
  ['1M', 111, 36],
] as const)(
  'a challenger of %s with %i candles is promoted on %i origins of its backtest, and the decision says so',
  async (name, count, origins) => {
    const { timeframe, clock, models, run, work } = await openYoung(name, count);
    await work(async () => {
      expect(await run('train', trainingId(timeframe), { timeframe })).toMatchObject({ outcome: 'done' });
      expect(await models.shadow(timeframe)).toMatchObject({ version: 'ets-told' });
      expect(await run('reportModels', MODEL_REPORT, {})).toMatchObject({ done: [`${name}: promote ets-told`] });
    });
    const promoted = await models.champion(timeframe);
    const [decision] = await models.events(timeframe, { kind: 'decision', limit: 1 });
    expect(decision).toMatchObject({ verdict: 'PROMOTE', facts: { basis: 'backtest', origins } });
    expect(decision?.criteria.find(({ name: criterion }) => criterion === 'p')?.value).toBeGreaterThan(0);
    const reason = `passed every criterion of the gate, on ${origins} origins of a walk-forward backtest: the ledger is young`;
    expect(promoted).toMatchObject({ version: 'ets-told', by: 'automatic', reason });
    // The same recipe wins again, against another champion: one version, judged on what this training measured.
    const [first] = await models.models(timeframe);
    if (first === undefined) throw new Error('no model');
    await models.register({ ...first, model_version: 'theta-told', family: 'theta', holdout_sha256: undefined });
    clock.now += 3_600_000;
    await work(async () => {
      const change = { timeframe, action: 'promote', version: 'theta-told', by: 'operator', reason: 'a mistake' };
      await run('changeChampion', championWorkflowId(timeframe), change);
      clock.now += 3_600_000;
      expect(await run('train', trainingId(timeframe), { timeframe })).toMatchObject({ version: 'ets-told' });
      expect(await run('reportModels', MODEL_REPORT, {})).toMatchObject({ done: [`${name}: promote ets-told`] });
    });
  },
  120_000,
);

test('I32 a champion that failed at one symbol of one origin is not compared: the means are over different forecasts', async () => {
  const { timeframe, models, run, work } = await openYoung('1w', 400);
  const [symbol = ''] = SYMBOLS;
  // Of the 52 origins, which end a horizon before the last candle, one in the middle.
  missing = { symbol, close: candlesOf(timeframe, symbol, 400).at(-50)?.close ?? NaN };
  await work(async () => {
    expect(await run('train', trainingId(timeframe), { timeframe })).toMatchObject({ outcome: 'done' });
    expect(await run('reportModels', MODEL_REPORT, {})).toMatchObject({ done: [] });
  });
  missing = null;
  const [decision] = await models.events(timeframe, { kind: 'decision', limit: 1 });
  expect(decision).toMatchObject({ facts: { basis: 'backtest', origins: 52 } });
  expect(decision?.criteria.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(['same targets']);
}, 120_000);

test('a family that needs more candles than a forecast is made from is judged where it has them', async () => {
  const { timeframe, models, run, work } = await openYoung('1w', 400);
  const recipe = { family: 'prophet', settings: {} };
  await work(async () => {
    const trained = run('train', trainingId(timeframe), { timeframe, recipe });
    expect(await trained).toMatchObject({ outcome: 'done', version: 'prophet-told' });
  });
  expect(await models.shadow(timeframe)).toMatchObject({ version: 'prophet-told' });
  expect(await models.model(timeframe, 'prophet-told')).toMatchObject({ metrics: { origins: 52 } });
}, 120_000);

test('a history too short for the family that was named says how much it needs', async () => {
  const { timeframe, run, work } = await openYoung('1M', 111);
  await work(async () => {
    const trained = run('train', trainingId(timeframe), { timeframe, recipe: { family: 'prophet', settings: {} } });
    expect(await trained).toMatchObject({
      outcome: 'failed',
      reason: 'no series has 100 candles before any of the origins and 24 after it',
    });
  });
}, 120_000);
