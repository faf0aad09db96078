/** Promotion and rollback over real stores and a real Temporal server; the models are told what to say. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../../activities';
import type { ChangeInput, SmokeInput } from '../../../activities/training-contract';
import { PipelineError } from '../../../src/domain/errors';
import { HOUR } from '../../../src/domain/timeframe';
import type { StartOutcome } from '../../../src/ports/control';
import { connectControl } from '../../../temporal/control';
import type { TemporalControl } from '../../../temporal/control';
import { championWorkflowId, TASK_QUEUE } from '../../../src/domain/names';
import { metadataOf } from '../../ports/model-registry-contract';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 480 * HOUR;
const PAIR = pairOf('BTC/USDT', '1h');
const { timeframe } = PAIR;
const FIRST = 'range-volatility-told';
const SECOND = 'second';
const CHANGES = ['planChange', 'smokeCheck', 'movePointer'] as const;

let temporal: TestTemporal;
let control: TemporalControl;
let pipeline: Pipeline;

beforeAll(async () => {
  temporal = await startTestTemporal();
  control = await connectControl({ address: temporal.server.address, namespace: 'default', schedules: [] });
}, 120_000);
afterAll(async () => {
  await control.close();
  await temporal.stop();
});
beforeEach(async () => {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', CHAMPION: 'range-volatility' });
  pipeline.exchange.setCandles(PAIR, candlesFrom('1h', START, 484));
  await pipeline.drive(['1h'], NOW, NOW + 5_000);
  for (const version of [SECOND, 'never']) {
    await models().register(metadataOf(version, { settings: {}, fits: [] }));
  }
});
afterEach(() => pipeline.stop());

const models = () => pipeline.stores.state.models;
const activities = () => ({
  ...createActivities(pipeline.ports),
  ...createComputeActivities(pipeline.ports),
  ...createBackgroundActivities(pipeline.ports),
});

/** As the CLI does it: start, wait, and the sentence of a refusal. */
async function change(action: 'promote' | 'rollback', version: string): Promise<unknown> {
  const start = await control.changeChampion({ timeframe, action, version, reason: `test ${action}` });
  return temporal.withWorkers(activities(), async () =>
    control.changeResult(start).catch((error: unknown) => {
      if (error instanceof PipelineError) return `${error.code}: ${error.message}`;
      throw error;
    }),
  );
}

function automatic(version: string, overrides: object = {}): Promise<unknown> {
  return temporal.withWorkers({ ...activities(), ...overrides }, () =>
    temporal.client.workflow.execute('changeChampion', {
      workflowId: championWorkflowId(timeframe),
      taskQueue: TASK_QUEUE,
      args: [{ timeframe, action: 'promote', version, by: 'automatic', reason: 'gate', asOf: NOW + 1 }],
    }),
  );
}

describe('changing the champion', () => {
  test('the first champion is the configured recipe, recorded as such', async () => {
    expect(await models().history(timeframe)).toMatchObject([
      { version: FIRST, previous: null, kind: 'first', by: 'configuration' },
    ]);
  });

  test('a promotion is tried, moves the pointer, asks for the cycle, is told once, and the next documents are the new model', async () => {
    const asked: string[] = [];
    Object.assign(pipeline.ports, {
      requestCycle: async (tf: string, reason: string) => void asked.push(`${tf} ${reason}`),
    });
    expect(await change('promote', SECOND)).toMatchObject({ version: SECOND, previous: FIRST, checked: 1 });
    expect(asked).toEqual(['1h promote: test promote']);
    const shown = await readFile(join(pipeline.stores.folder.ops, 'models.json'), 'utf8');
    expect(JSON.parse(shown)).toMatchObject({ timeframes: [{ champion: { version: SECOND } }] });
    const told = (await pipeline.stores.state.outbox.events(0, 9)).map(({ event }) => event);
    expect(told.filter(({ kind }) => kind === 'promotion')).toMatchObject([
      { from: FIRST, to: SECOND, detail: 'model second: test promote (operator)', workflow: { id: 'champion-1h' } },
    ]);
    await pipeline.drive(['1h'], NOW + 5_000, NOW + HOUR + 5_000);
    expect((await pipeline.prediction('BTC/USDT 1h')).model.version).toBe(SECOND);
    expect(await pipeline.breaches()).toEqual([]);
  });

  test('an export that fails right after a promotion is made up for by the next run, not with the next candle', async () => {
    await change('promote', SECOND);
    const failing = jest.spyOn(pipeline.ports.publisher, 'exportPair');
    failing.mockRejectedValue(new PipelineError('store_unavailable', 'planted'));
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    expect((await pipeline.prediction('BTC/USDT 1h')).model.version).toBe(FIRST);
    failing.mockRestore();
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    expect((await pipeline.prediction('BTC/USDT 1h')).model.version).toBe(SECOND);
  });

  test('I34 F91 a rollback brings the earlier model back and freezes automatic promotion until it is lifted', async () => {
    await change('promote', SECOND);
    expect(await change('rollback', FIRST)).toMatchObject({ version: FIRST, previous: SECOND });
    expect(await models().freeze(timeframe)).toMatchObject({ version: SECOND, reason: 'test rollback' });
    await expect(automatic('never')).rejects.toThrow();
    expect((await models().champion(timeframe))?.version).toBe(FIRST);
    await models().unfreeze(timeframe, NOW, 'looked at');
    expect(await automatic('never')).toMatchObject({ version: 'never' });
  });

  test('I34 F91 a rollback that comes between the plan of an automatic change and its move stops it', async () => {
    await change('promote', SECOND);
    const own = activities();
    const smokeCheck = async (input: SmokeInput) => {
      const back = { timeframe, version: FIRST, previous: SECOND, at: NOW + 2, kind: 'rollback' } as const;
      await models().changeChampion({ ...back, by: 'operator', reason: 'odd bands' });
      return own.smokeCheck(input);
    };
    await expect(automatic('never', { smokeCheck })).rejects.toThrow();
    expect((await models().history(timeframe)).map(({ version }) => version)).toEqual([FIRST, SECOND, FIRST]);
  });

  test('F91 what can not be done is refused in one sentence, and the champion stays', async () => {
    expect(await change('rollback', 'missing')).toBe(
      'change_refused: there is no model missing of 1h: "model history 1h" lists them',
    );
    expect(await change('rollback', FIRST)).toBe(`change_refused: ${FIRST} is the champion of 1h already`);
    expect(await change('rollback', 'never')).toBe(
      'change_refused: never was never champion of 1h, so there is nothing to roll back to: promote it instead',
    );
    expect(await models().history(timeframe)).toHaveLength(1);
  });

  test('S23 what an operator was refused is kept: who, what, when and why, and nobody else is told', async () => {
    await change('rollback', 'never');
    expect(await models().events(timeframe, { kind: 'change', limit: 1 })).toMatchObject([
      {
        verdict: 'refused',
        version: 'never',
        by: 'operator',
        reason: 'never was never champion of 1h, so there is nothing to roll back to: promote it instead',
        facts: { action: 'rollback', code: 'change_refused', asked: 'test rollback' },
      },
    ]);
    const told = (await pipeline.stores.state.outbox.events(0, 9)).map(({ event }) => event.kind);
    expect(told).not.toContain('change_refused');
  });

  test('F90 I33 a model that gives no valid forecast, or whose file is damaged, never becomes champion', async () => {
    const fits = [{ ...metadataOf('x').fits[0], file_sha256: 'b'.repeat(64) }] as ReturnType<typeof metadataOf>['fits'];
    await models().register(metadataOf('damaged', { settings: {}, fits }));
    expect(await change('promote', 'damaged')).toMatch(
      /^change_refused: damaged gives no valid forecast of BTC\/USDT 1h: the model file/,
    );
    pipeline.forecaster.failure = new PipelineError('forecast_invalid', 'step 1 is negative');
    expect(await change('promote', SECOND)).toMatch(
      /^change_refused: second gives no valid forecast .* step 1 is negative$/,
    );
    // Too few candles for its family, or fitted by an older version of it.
    for (const code of ['insufficient_data', 'invalid_input'] as const) {
      pipeline.forecaster.failure = new PipelineError(code, 'it can not');
      expect(await change('promote', SECOND)).toMatch(/^change_refused: second gives no valid forecast .* it can not$/);
    }
    expect(await models().history(timeframe)).toHaveLength(1);
  });

  test('only symbols that were tried count, and a model that can be tried on none never becomes champion', async () => {
    const own = activities();
    const withYoung = async (input: ChangeInput) => ({
      ...(await own.planChange(input)),
      symbols: [PAIR.symbol, pairOf('ETH/USDT', '1h').symbol],
    });
    expect(await automatic(SECOND, { planChange: withYoung })).toMatchObject({ version: SECOND, checked: 1 });
    const rules = { ...pipeline.ports.settings.rules(timeframe), minimumSamples: 10_000 };
    Object.assign(pipeline.ports.settings, { rules: () => rules });
    expect(await change('promote', 'never')).toBe(
      'change_refused: never can not be tried: no ready symbol has the 10000 candles of 1h that a forecast needs',
    );
    expect((await models().champion(timeframe))?.version).toBe(SECOND);
  });

  test.each(CHANGES.flatMap((step) => ['before', 'after'].map((when) => [when, step] as const)))(
    'F89 I31 a failure %s %s leaves the old champion or the new one, and the change is made once',
    async (when, step) => {
      let failed = false;
      const seen = new Set<string | undefined>();
      const own: Record<string, (input: never) => Promise<unknown>> = { ...activities() };
      const disturbed = async (input: never): Promise<unknown> => {
        const result = failed || when === 'after' ? await own[step]?.(input) : undefined;
        seen.add((await models().champion(timeframe))?.version);
        if (failed) return result;
        failed = true;
        throw ApplicationFailure.create({ message: 'the worker died', nonRetryable: false });
      };
      expect(await automatic(SECOND, { [step]: disturbed })).toMatchObject({ version: SECOND, previous: FIRST });
      for (const version of seen) expect([FIRST, SECOND]).toContain(version);
      expect((await models().history(timeframe)).map(({ version }) => version)).toEqual([SECOND, FIRST]);
    },
    60_000,
  );

  test('I19 one change at a time: a second request is told which run holds the lock', async () => {
    const request = { timeframe, action: 'promote', version: SECOND, reason: 'first' } as const;
    const first: StartOutcome = await control.changeChampion(request);
    expect(await control.changeChampion({ ...request, action: 'rollback' })).toEqual({
      ...first,
      kind: 'already_running',
    });
    await temporal.withWorkers(activities(), () => control.changeResult(first));
  });
});
