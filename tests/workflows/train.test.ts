import { MODEL_REPORT, TASK_QUEUE, trainingId } from '../../src/domain/names';
import { parseTimeframe } from '../../src/domain/timeframe';
import { startTestTemporal } from '../temporal';
import type { TestTemporal } from '../temporal';
import { failure, script } from './scripted-activities';
import type { Script } from './scripted-activities';

let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());

/** A search whose failure may pass another time. */
const PASSING = failure('training_failed', 'wait', 600_000);

const run = (state: Script, type = 'train', input: object = {}): Promise<unknown> =>
  temporal.withWorkers(state.activities, () =>
    temporal.client.workflow.execute(type, {
      workflowId: type === 'train' ? trainingId(parseTimeframe('1h')) : MODEL_REPORT,
      taskQueue: TASK_QUEUE,
      args: [{ timeframe: '1h', ...input }],
    }),
  );

describe('the training workflow', () => {
  test('a symbol that fails is left out and told: the outcome is partial', async () => {
    const state = script([]);
    state.failures.set('snapshotCandles ETH/USDT', failure('insufficient_data'));
    expect(await run(state)).toMatchObject({
      outcome: 'partial',
      version: 'v2',
      trained: ['BTC/USDT'],
      reason: 'naive v2 forecasts as shadow; ETH/USDT left out: scripted insufficient_data',
      failed: [{ symbol: 'ETH/USDT', reason: 'scripted insufficient_data' }],
    });
    expect(state.calls).toContain('closeTraining partial');
    expect(state.calls).not.toContain('fitSymbol ETH/USDT');
  }, 60_000);

  test('one that fails for good is recorded at once, without another try', async () => {
    const state = script([]);
    state.failures.set('searchForRecipe', failure('insufficient_data'));
    expect(await run(state)).toMatchObject({ outcome: 'failed', version: null, reason: 'scripted insufficient_data' });
    expect(state.calls.filter((call) => call === 'searchForRecipe')).toHaveLength(1);
    expect(state.calls).toContain('closeTraining failed');
  }, 60_000);

  test('one that fails for a passing reason is tried again after the waits, and recorded when they are used up', async () => {
    const state = script([]);
    state.failures.set('searchForRecipe', PASSING);
    expect(await run(state)).toMatchObject({ outcome: 'failed', reason: 'scripted training_failed' });
    // The first try and one after each of the two waits.
    expect(state.calls.filter((call) => call === 'searchForRecipe')).toHaveLength(3);
  }, 60_000);

  test.each([
    ['for good it is not tried again', failure('store_corrupt'), 1],
    ['and one may pass it is tried again', PASSING, 3],
  ])(
    'when every symbol fails, %s',
    async (_, other, times) => {
      const state = script([]);
      state.failures.set('snapshotCandles BTC/USDT', failure('insufficient_data'));
      state.failures.set('snapshotCandles ETH/USDT', other);
      expect(await run(state)).toMatchObject({ outcome: 'failed' });
      expect(state.calls.filter((call) => call === 'snapshotCandles BTC/USDT')).toHaveLength(times);
    },
    60_000,
  );

  test('in virtual time, which stands still, it is tried as often without a wait', async () => {
    const state = script([]);
    const planned = { ...state.activities };
    state.activities.planTraining = async (input) => {
      const plan = await planned.planTraining(input);
      return plan.verdict === 'train' ? { ...plan, retryWaitsMs: [600_000, 1_800_000] } : plan;
    };
    state.failures.set('searchForRecipe', PASSING);
    expect(await run(state, 'train', { asOf: 1_000_000 })).toMatchObject({ outcome: 'failed', asOf: 1_000_000 });
    expect(state.calls.filter((call) => call === 'searchForRecipe')).toHaveLength(3);
  }, 60_000);

  test('a refused trigger trains nothing', async () => {
    const state = script([]);
    expect(await run(state, 'train', { trigger: 'shock', observations: 1 })).toMatchObject({ outcome: 'refused' });
    expect(state.calls).toEqual(['planTraining']);
  }, 60_000);

  test('the report promotes under the lock of the champion, and starts the training that drift calls for', async () => {
    const state = script([]);
    const result = await run(state, 'reportModels', { asOf: 1_000_000 });
    expect(result).toMatchObject({ done: ['1h: promote v2', '1h: train, drift'] });
    expect(state.calls).toEqual(
      expect.arrayContaining(['reportModels', 'planChange', 'smokeCheck', 'movePointer', 'planTraining']),
    );
  }, 60_000);
});
