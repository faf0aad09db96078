/** The daily report over real stores: what the ledger says decides, is kept, and is carried out. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../../activities';
import { MODEL_REPORT, TASK_QUEUE } from '../../../src/domain/names';
import { PipelineError } from '../../../src/domain/errors';
import { DAY, HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import type { ForecastRole, ForecastScore } from '../../../src/ports/forecast-ledger';
import { modelsDocumentSchema } from '../../../src/web/ops-documents';
import { metadataOf } from '../../ports/model-registry-contract';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 480 * HOUR;
const PAIR = pairOf('BTC/USDT', '1h');
const { timeframe } = PAIR;
const CHAMPION = 'range-volatility-told';
const NAIVE = 'naive-told';
const SHADOW = 'shadow';
const ORIGINS = 240;
const measured = { ...metadataOf('x').metrics, inference_ms: 50 };

let temporal: TestTemporal;
let pipeline: Pipeline;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', CHAMPION: 'range-volatility' });
  pipeline.exchange.setCandles(PAIR, candlesFrom('1h', START, 484));
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  await models().register(metadataOf(SHADOW, { settings: {}, fits: [], metrics: measured }));
  await models().setShadow({ timeframe, version: SHADOW, since: START });
});
afterEach(() => pipeline.stop());

const models = () => pipeline.stores.state.models;

/** Scores of 240 origins that have closed, or of some of them; `loss` may hang on the origin's number. */
async function scored(
  role: ForecastRole,
  version: string,
  loss: (origin: number) => number,
  inside80 = 0.8,
  { first = 0, end = ORIGINS } = {},
) {
  const scores: ForecastScore[] = [];
  for (let origin = first; origin < end; origin++) {
    for (let step = 1; step <= 24; step++) {
      scores.push({
        pair: PAIR,
        role,
        modelVersion: version,
        dataThrough: NOW - (25 + origin) * HOUR,
        step,
        actual: 100,
        absoluteError: 1,
        symmetricError: loss(origin),
        pinball: loss(origin),
        inside50: true,
        // A fixed share of the steps, spread evenly.
        inside80: (origin * 24 + step) % 100 < 100 * inside80,
        inside95: true,
        directionRight: null,
      });
    }
  }
  await pipeline.stores.state.forecastLedger.recordScores(scores);
}

const wave = (origin: number): number => 0.01 + 0.002 * Math.sin(origin / 7);

function report(asOf = NOW + 6_000): Promise<{ timeframes: { verdict: string; reason: string }[]; done: string[] }> {
  const activities = {
    ...createActivities(pipeline.ports),
    ...createComputeActivities(pipeline.ports),
    ...createBackgroundActivities(pipeline.ports),
  };
  return temporal.withWorkers(activities, () =>
    temporal.client.workflow.execute('reportModels', {
      workflowId: MODEL_REPORT,
      taskQueue: TASK_QUEUE,
      args: [{ asOf }],
    }),
  );
}

const document = async () =>
  modelsDocumentSchema.parse(JSON.parse(await readFile(join(pipeline.stores.folder.ops, 'models.json'), 'utf8')));

describe('the daily report on models', () => {
  test('a shadow that is better beyond chance is promoted, with every criterion kept and shown to operators', async () => {
    await scored('champion', CHAMPION, wave);
    await scored('naive', NAIVE, (origin) => 1.2 * wave(origin));
    await scored('shadow', SHADOW, (origin) => wave(origin) * (0.94 + 0.02 * (origin % 2)));
    const result = await report();
    expect(result).toMatchObject({ timeframes: [{ verdict: 'PROMOTE' }], done: [`1h: promote ${SHADOW}`] });
    expect(await models().champion(timeframe)).toMatchObject({ version: SHADOW, kind: 'promotion', by: 'automatic' });
    const [decision] = await models().events(timeframe, { kind: 'decision', limit: 1 });
    expect(decision).toMatchObject({ verdict: 'PROMOTE', facts: { basis: 'ledger', origins: ORIGINS } });
    expect(decision?.criteria.every(({ passed }) => passed)).toBe(true);
    expect((await document()).timeframes[0]).toMatchObject({
      champion: { version: SHADOW },
      last_decision: { outcome: 'passed', model_version: SHADOW, basis: 'ledger' },
    });
  }, 60_000);

  test('I34 what passes while a rollback has frozen the timeframe is decided and kept, and nothing is changed', async () => {
    await scored('champion', CHAMPION, wave);
    await scored('shadow', SHADOW, (origin) => 0.9 * wave(origin) + 1e-5 * (origin % 3));
    const change = { timeframe, at: START, kind: 'rollback', by: 'operator', reason: 'odd' } as const;
    await models().register(metadataOf('odd'));
    await models().changeChampion({ ...change, version: 'odd', previous: CHAMPION, kind: 'promotion' });
    await models().changeChampion({ ...change, version: CHAMPION, previous: 'odd' });
    expect(await report()).toMatchObject({ timeframes: [{ verdict: 'PROMOTE', change: null }], done: [] });
    expect((await models().champion(timeframe))?.version).toBe(CHAMPION);
  }, 60_000);

  test('a shadow that is as good is kept waiting, one without origins and holdout is no evidence', async () => {
    await scored('champion', CHAMPION, wave);
    expect((await report()).timeframes[0]?.verdict).toBe('INSUFFICIENT_EVIDENCE');
    await scored('shadow', SHADOW, (origin) => wave(origin) * (0.99 + 0.03 * Math.cos(origin)));
    const after = await report();
    expect(after.timeframes[0]?.verdict).toMatch(/KEEP|INSUFFICIENT/);
    expect(after.done).toEqual([]);
  }, 60_000);

  test('a champion that is not better than naive makes room for it, recorded, under the same pointer', async () => {
    await scored('champion', CHAMPION, (origin) => 1.01 * wave(origin));
    await scored('naive', NAIVE, wave);
    expect(await report()).toMatchObject({ done: [`1h: naive ${NAIVE}`] });
    expect(await models().champion(timeframe)).toMatchObject({
      version: NAIVE,
      previous: CHAMPION,
      kind: 'naive',
      by: 'automatic',
      reason: `not better than naive over ${ORIGINS} origins: loss 1.010 of naive's`,
    });
  }, 60_000);

  test('bands that hold too little are drift, counted report by report', async () => {
    await scored('champion', CHAMPION, wave, 0.6);
    await report();
    const [drift] = await models().events(timeframe, { kind: 'drift', limit: 1 });
    expect(drift).toMatchObject({ verdict: 'drift', criteria: [{ name: 'coverage' }] });
    expect((await document()).timeframes[0]?.drift).toMatchObject([{ name: 'coverage', alarming: true }]);
    const [trigger] = await models().events(timeframe, { kind: 'trigger', limit: 1 });
    expect(trigger).toMatchObject({ verdict: 'refused', reason: 'drift: observed 1 of 2 times in a row' });
    // A day later one more origin has closed: that is another observation.
    await scored('champion', CHAMPION, wave, 0.6, { first: -1, end: 0 });
    expect(await report(NOW + DAY)).toMatchObject({ done: ['1h: train, drift'] });
    const [second] = await models().events(timeframe, { kind: 'trigger', limit: 1 });
    expect(second).toMatchObject({ verdict: 'train', reason: 'drift, observed 2 times in a row' });
  }, 60_000);

  test('S23 a promotion that is refused is kept, shown and told, and the champion makes room for naive where it must', async () => {
    await scored('champion', CHAMPION, (origin) => 1.06 * wave(origin));
    await scored('naive', NAIVE, (origin) => 1.05 * wave(origin));
    const forecast = pipeline.forecaster.forecast.bind(pipeline.forecaster);
    pipeline.forecaster.forecast = async (request, signal) => {
      const { settings } = request.recipe;
      if (settings.refused === true) throw new PipelineError('forecast_invalid', 'step 1 is negative');
      return forecast(request, signal);
    };
    await models().register(metadataOf('odd', { settings: { refused: true }, fits: [], metrics: measured }));
    await models().setShadow({ timeframe, version: 'odd', since: START });
    await scored('shadow', 'odd', (origin) => wave(origin) * (0.94 + 0.02 * (origin % 2)));
    expect(await report()).toMatchObject({ timeframes: [{ verdict: 'PROMOTE' }], done: [`1h: naive ${NAIVE}`] });
    const [, refusal] = await models().events(timeframe, { kind: 'change', limit: 2 });
    const reason = 'odd gives no valid forecast of BTC/USDT 1h: step 1 is negative';
    expect(refusal).toMatchObject({ verdict: 'refused', version: 'odd', by: 'automatic', reason });
    const told = (await pipeline.stores.state.outbox.events(0, 9)).map(({ event }) => event);
    expect(told.filter(({ kind }) => kind === 'change_refused')).toMatchObject([
      { timeframe, detail: `model odd: ${reason} (automatic)`, workflow: { id: 'champion-1h' } },
    ]);
    expect((await document()).timeframes[0]?.last_decision).toMatchObject({
      outcome: 'passed',
      reason: `every criterion holds; not made champion: ${reason}`,
    });
  }, 60_000);

  test('a champion that is not better than naive makes room for it though promotions are left to operators', async () => {
    Object.assign(pipeline.ports.settings, { automaticPromotion: false });
    await scored('champion', CHAMPION, (origin) => 1.06 * wave(origin));
    await scored('naive', NAIVE, (origin) => 1.05 * wave(origin));
    await scored('shadow', SHADOW, (origin) => wave(origin) * (0.94 + 0.02 * (origin % 2)));
    expect(await report()).toMatchObject({ timeframes: [{ verdict: 'PROMOTE' }], done: [`1h: naive ${NAIVE}`] });
  }, 60_000);

  test('what fails for one timeframe is told, and the others are judged', async () => {
    const hourly = timeframe;
    const daily = parseTimeframe('1d');
    Object.assign(pipeline.ports.settings, { timeframes: [hourly, daily] });
    await models().register(metadataOf('days', { timeframe: daily, fits: [] }));
    const first = { timeframe: daily, version: 'days', previous: null, at: START, kind: 'first' } as const;
    await models().changeChampion({ ...first, by: 'configuration', reason: 'CHAMPION' });
    jest.spyOn(models(), 'shadow').mockRejectedValueOnce(new PipelineError('model_corrupt', 'planted'));
    const { timeframes } = await report();
    jest.restoreAllMocks();
    expect(timeframes.map(({ verdict }) => verdict)).toEqual(['FAILED', 'NO_SHADOW']);
    const [failed] = await models().events(hourly, { kind: 'report', limit: 1 });
    expect(failed).toMatchObject({ verdict: 'failed', reason: 'not judged: planted' });
    const told = (await pipeline.stores.state.outbox.events(0, 9)).map(({ event }) => event);
    expect(told).toMatchObject([
      { kind: 'report_failed', timeframe: hourly, detail: 'not judged: planted (automatic)' },
    ]);
    expect((await document()).timeframes).toHaveLength(2);
  }, 60_000);

  test('a change that was decided against another champion than there is now is refused', async () => {
    await scored('champion', CHAMPION, wave);
    await scored('shadow', SHADOW, (origin) => wave(origin) * (0.94 + 0.02 * (origin % 2)));
    const freeze = models().freeze.bind(models());
    jest.spyOn(models(), 'freeze').mockImplementation(async (of) => {
      if ((await models().champion(of))?.version === CHAMPION) {
        await models().register(metadataOf('by-hand', { settings: {}, fits: [] }));
        const change = { timeframe, version: 'by-hand', previous: CHAMPION, at: NOW + 1, kind: 'promotion' } as const;
        await models().changeChampion({ ...change, by: 'operator', reason: 'while the report was made' });
      }
      return freeze(of);
    });
    expect(await report()).toMatchObject({ done: [] });
    jest.restoreAllMocks();
    expect((await models().champion(timeframe))?.version).toBe('by-hand');
    const [refusal] = await models().events(timeframe, { kind: 'change', limit: 1 });
    expect(refusal?.reason).toBe(`it was decided against ${CHAMPION}, and by-hand is champion of 1h now`);
  }, 60_000);

  test('a champion that is fitted again keeps its record: it is judged on the forecasts of all its fits', async () => {
    for (const version of ['fit-1', 'fit-2']) await models().register(metadataOf(version, { family: 'ets', fits: [] }));
    const at = START + HOUR;
    const change = { timeframe, by: 'automatic', reason: 'better', at } as const;
    await models().changeChampion({ ...change, version: 'fit-1', previous: CHAMPION, kind: 'promotion' });
    await models().changeChampion({ ...change, version: 'fit-2', previous: 'fit-1', at: NOW, kind: 'refit' });
    await scored('champion', 'fit-1', wave, 0.6, { first: 24 });
    await scored('champion', 'fit-2', wave, 0.6, { end: 24 });
    // Fitted again between two forecasts of the same candles.
    await scored('champion', 'fit-1', wave, 0.6, { first: 23, end: 24 });
    await scored('shadow', SHADOW, (origin) => wave(origin) * (0.94 + 0.02 * (origin % 2)));
    expect((await report()).done).toContain(`1h: promote ${SHADOW}`);
    const [drift] = await models().events(timeframe, { kind: 'drift', limit: 1 });
    expect(drift).toMatchObject({ verdict: 'drift', version: 'fit-1' });
    expect(drift?.criteria.map(({ name }) => name)).toContain('coverage');
  }, 60_000);

  test.each([
    ['less than the training that led to its promotion measured is no drift', 0.02, []],
    ['much more than that is drift, however much the first training measured', 0.008, ['loss']],
  ])('of a recipe trained again and again, a loss of %s', async (_, loss, signs) => {
    const first = { ...metadataOf('x').metrics, loss: signs.length === 0 ? 0.008 : 0.02 };
    await models().register(metadataOf('again', { settings: {}, fits: [], metrics: first }));
    const change = { timeframe, by: 'automatic', reason: 'better', previous: CHAMPION, kind: 'promotion' } as const;
    await models().changeChampion({ ...change, version: 'again', at: START + HOUR });
    const started = { timeframe, kind: 'shadow', verdict: 'started', version: 'again', by: 'automatic' } as const;
    const event = { ...started, reason: 'trained', criteria: [] };
    await models().record({ ...event, key: 'before', at: START, facts: { loss } });
    await models().record({ ...event, key: 'after', at: START + 2 * HOUR, facts: { loss: 1e-6 } });
    await scored('champion', 'again', () => 0.0125);
    await report();
    const [drift] = await models().events(timeframe, { kind: 'drift', limit: 1 });
    expect(drift?.criteria.map(({ name }) => name)).toEqual(signs);
  });
});
