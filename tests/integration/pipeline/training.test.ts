/** A training over real stores, a real Temporal server and real threads: snapshot, search, fit, shadow. */
import { readdir } from 'node:fs/promises';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../../activities';
import type { SearchInput } from '../../../activities/training-contract';
import { TASK_QUEUE, trainingId } from '../../../src/domain/names';
import { PipelineError } from '../../../src/domain/errors';
import { HOUR } from '../../../src/domain/timeframe';
import { createForecaster } from '../../../src/forecasting/forecaster';
import type { Forecaster } from '../../../src/ports/forecaster';
import { randomWalk } from '../../unit/forecasting/random-walk';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { openWorkshop } from '../forecasting/compiled';
import type { Workshop } from '../forecasting/compiled';
import { openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const PAIR = pairOf('BTC/USDT', '1h');
const { timeframe } = PAIR;
/** Half a year of hours would be usual; this is just enough for both halves of the search. */
const CANDLES = randomWalk(timeframe, 1_100);
const START = CANDLES[0]?.openTime ?? Number.NaN;
const NOW = START + 1_100 * HOUR;

let temporal: TestTemporal;
let workshop: Workshop;
let pipeline: Pipeline;
let trainer: ReturnType<typeof createForecaster>;

beforeAll(async () => {
  temporal = await startTestTemporal();
  workshop = openWorkshop();
  // The champion is naive with a window nobody searches, so that the search finds something better.
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', MINIMUM_SAMPLES: '1h=60' });
  trainer = createForecaster({ threads: 2, workerFile: workshop.workerFile, timeLimitMs: 120_000 });
  Object.assign(pipeline.ports, { trainingForecaster: trainer, forecaster: trainer, shadowForecaster: trainer });
  Object.assign(pipeline.ports.settings, {
    firstChampion: () => ({ family: 'naive', settings: { window: 30 } }),
  });
  pipeline.exchange.setCandles(PAIR, CANDLES);
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
}, 240_000);
afterAll(async () => {
  await trainer.close();
  await pipeline.stop();
  workshop.remove();
  await temporal.stop();
});

const models = () => pipeline.stores.state.models;
const train = (input: object, overrides: object = {}) =>
  temporal.withWorkers(
    {
      ...createActivities(pipeline.ports),
      ...createComputeActivities(pipeline.ports),
      ...createBackgroundActivities(pipeline.ports),
      ...overrides,
    },
    () =>
      temporal.client.workflow.execute('train', {
        workflowId: trainingId(timeframe),
        taskQueue: TASK_QUEUE,
        args: [{ timeframe, asOf: NOW + 6_000, ...input }],
      }) as Promise<unknown>,
  );

describe('a training', () => {
  test('snapshots, searches, and what wins forecasts as shadow, with its metadata and without touching the champion', async () => {
    const champion = await models().champion(timeframe);
    const result = (await train({})) as { outcome: string; version: string; trained: string[] };
    expect(result).toMatchObject({ outcome: 'done', trained: ['BTC/USDT'], failed: [] });
    expect(await models().shadow(timeframe)).toMatchObject({ version: result.version, since: NOW + 6_000 });
    expect(await models().champion(timeframe)).toEqual(champion);
    const model = await models().model(timeframe, result.version);
    expect(model).toMatchObject({
      origin: 'training',
      parent: champion?.version,
      code_version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
      fits: [{ symbol: 'BTC/USDT', data_from: START, data_through: NOW, row_count: 1_100 }],
      metrics: { origins: 60 },
    });
    expect(model?.metrics.loss).toBeLessThan(model?.metrics.champion_loss ?? 0);
    const files = await readdir(pipeline.stores.folder.snapshots);
    expect(files).toEqual([`BTC_USDT-1h.${model?.fits[0]?.snapshot_sha256}.csv.gz`]);
    expect(await models().events(timeframe, { kind: 'training', limit: 1 })).toMatchObject([
      { verdict: 'done', version: result.version, by: 'operator', facts: { trigger: 'by hand', failed: '' } },
    ]);
  }, 240_000);

  test('the next cycle forecasts beside the champion with the trained model', async () => {
    const shadow = await models().shadow(timeframe);
    pipeline.exchange.setCandles(PAIR, randomWalk(timeframe, 1_101));
    await pipeline.drive(['1h'], NOW + 5_000, NOW + HOUR + 5_000);
    const { forecastLedger } = pipeline.stores.state;
    const own = await forecastLedger.latest(PAIR, 'shadow');
    expect(own).toMatchObject({ modelVersion: shadow?.version, dataThrough: NOW + HOUR });
    expect((await forecastLedger.latest(PAIR, 'champion'))?.modelVersion).not.toBe(shadow?.version);
  }, 120_000);

  test('an event is refused with its reason while the newest model is young; both are recorded', async () => {
    const reason = 'the newest model is 1.0 h old, and is left alone for 12 h';
    expect(await train({ trigger: 'drift', observations: 2, asOf: NOW + HOUR })).toMatchObject({
      outcome: 'refused',
      reason,
    });
    expect(await models().events(timeframe, { kind: 'trigger', limit: 2 })).toMatchObject([
      { verdict: 'refused', reason: `drift: ${reason}`, by: 'automatic' },
      { verdict: 'train', reason: 'by hand', by: 'operator' },
    ]);
  }, 60_000);

  test('S23 what an event calls for is refused and recorded while the schedule of trainings is paused', async () => {
    const asked: string[] = [];
    const schedulePaused = async (id: string): Promise<boolean> => asked.push(id) > 0;
    const reason = 'the schedule of its trainings is paused';
    const running = Object.assign(pipeline.ports, { schedulePaused });
    for (const trigger of ['candles', 'drift', 'shock'] as const) {
      const at = NOW + 100 * HOUR;
      expect(await train({ trigger, observations: 2, asOf: at })).toMatchObject({ outcome: 'refused', reason });
      expect(await models().events(timeframe, { kind: 'trigger', limit: 1 })).toMatchObject([
        { verdict: 'refused', reason: `${trigger}: ${reason}` },
      ]);
    }
    expect(new Set(asked)).toEqual(new Set(['train-1h']));
    Object.assign(running, { schedulePaused: async () => false });
  }, 60_000);

  test('a symbol that is not there is a bad request, and nothing is trained', async () => {
    await expect(train({ symbols: ['ETH/USDT'] })).rejects.toThrow();
    expect(await models().events(timeframe, { kind: 'training', limit: 9 })).toHaveLength(1);
  }, 60_000);

  test.each([
    ['is the same every time is not repeated', new PipelineError('forecast_invalid', 'step 1 is negative'), 1],
    ['may pass is repeated twice', new PipelineError('forecast_timeout', 'no answer within 1 s'), 3],
  ])(
    'a search whose failure %s, and says why',
    async (_, failure, times) => {
      const failing: Pick<Forecaster, 'forecast'> = {
        forecast: async (request, signal) => {
          if (request.recipe.family === 'drift') throw failure;
          return trainer.forecast(request, signal);
        },
      };
      Object.assign(pipeline.ports, { trainingForecaster: { ...trainer, ...failing } });
      const own = createBackgroundActivities(pipeline.ports);
      const searchForRecipe = jest.fn((input: SearchInput) => own.searchForRecipe(input));
      const result = await train({ recipe: { family: 'drift', settings: {} } }, { searchForRecipe });
      const reason = `no recipe of 1h gave every forecast it was asked for: drift failed 30 of its forecasts, first: ${failure.message}`;
      expect(result).toMatchObject({ outcome: 'failed', reason });
      expect(searchForRecipe).toHaveBeenCalledTimes(times);
    },
    120_000,
  );
});
