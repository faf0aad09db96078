/** The daily report over real stores: what the ledger says decides, is kept, and is carried out. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../../activities';
import { MODEL_REPORT, TASK_QUEUE } from '../../../src/domain/names';
import { HOUR } from '../../../src/domain/timeframe';
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
  const metrics = { ...metadataOf('x').metrics, inference_ms: 50 };
  await models().register(metadataOf(SHADOW, { settings: {}, fits: [], metrics }));
  await models().setShadow({ timeframe, version: SHADOW, since: START });
});
afterEach(() => pipeline.stop());

const models = () => pipeline.stores.state.models;

/** Scores of 240 origins that have closed; `loss` may hang on the origin's number. */
async function scored(role: ForecastRole, version: string, loss: (origin: number) => number, inside80 = 0.8) {
  const scores: ForecastScore[] = [];
  for (let origin = 0; origin < ORIGINS; origin++) {
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

function report(): Promise<{ timeframes: { verdict: string; reason: string }[]; done: string[] }> {
  const activities = {
    ...createActivities(pipeline.ports),
    ...createComputeActivities(pipeline.ports),
    ...createBackgroundActivities(pipeline.ports),
  };
  return temporal.withWorkers(activities, () =>
    temporal.client.workflow.execute('reportModels', {
      workflowId: MODEL_REPORT,
      taskQueue: TASK_QUEUE,
      args: [{ asOf: NOW + 6_000 }],
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
  }, 60_000);

  test.each([
    ['less than the training that led to its promotion measured is no drift', 0.02, []],
    ['much more than that is drift, however much the first training measured', 0.008, ['loss']],
  ])('of a recipe trained again and again, a loss of %s', async (_, measured, signs) => {
    const first = { ...metadataOf('x').metrics, loss: signs.length === 0 ? 0.008 : 0.02 };
    await models().register(metadataOf('again', { settings: {}, fits: [], metrics: first }));
    const change = { timeframe, by: 'automatic', reason: 'better', previous: CHAMPION, kind: 'promotion' } as const;
    await models().changeChampion({ ...change, version: 'again', at: START + HOUR });
    const started = { timeframe, kind: 'shadow', verdict: 'started', version: 'again', by: 'automatic' } as const;
    const event = { ...started, reason: 'trained', criteria: [] };
    await models().record({ ...event, key: 'before', at: START, facts: { loss: measured } });
    await models().record({ ...event, key: 'after', at: START + 2 * HOUR, facts: { loss: 1e-6 } });
    await scored('champion', 'again', () => 0.0125);
    await report();
    const [drift] = await models().events(timeframe, { kind: 'drift', limit: 1 });
    expect(drift?.criteria.map(({ name }) => name)).toEqual(signs);
  });
});
