import { cycleWorkflowId, shadowWorkflowId, TASK_QUEUE } from '../../src/domain/names';
import { parseTimeframe } from '../../src/domain/timeframe';
import { startTestTemporal } from '../temporal';
import type { TestTemporal } from '../temporal';
import { newCandle, script } from './scripted-activities';

const tf = parseTimeframe('1h');
let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());

const runCycle = () =>
  temporal.client.workflow.execute('cycle', {
    workflowId: cycleWorkflowId(tf),
    taskQueue: TASK_QUEUE,
    args: [{ timeframe: '1h' }],
  });

describe('the shadow beside a cycle', () => {
  test('I33 a cycle ends while its shadow still runs, and the next one leaves that alone', async () => {
    const state = script(['BTC/USDT']);
    state.plan = { shadow: true };
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    state.hold = async (stage) => {
      if (stage === 'shadowForecast') await released;
    };
    await temporal.withWorkers(state.activities, async () => {
      expect(await runCycle()).toMatchObject({ outcome: 'published', generation: 1 });
      expect(await runCycle()).toMatchObject({ outcome: 'published', generation: 2 });
      release();
      const result: unknown = await temporal.client.workflow.getHandle(shadowWorkflowId(tf)).result();
      expect(result).toEqual({ forecast: ['BTC/USDT'], failed: [] });
    });
    expect(state.calls.filter((call) => call.startsWith('shadowForecast'))).toHaveLength(1);
    expect(state.calls.indexOf('manifest')).toBeLessThan(state.calls.indexOf('shadowForecast BTC/USDT'));
  }, 60_000);

  test('it starts once for all pairs, when no candle is awaited any more: it forecasts from what the champion did', async () => {
    const state = script(['BTC/USDT', 'ETH/USDT']);
    state.plan = { shadow: true };
    let asked = 0;
    state.fetch = (symbol) => (symbol === 'ETH/USDT' || ++asked > 1 ? newCandle : { kind: 'lagging' });
    await temporal.withWorkers(state.activities, async () => {
      await runCycle();
      await temporal.client.workflow.getHandle(shadowWorkflowId(tf)).result();
    });
    expect(state.calls.filter((call) => call === 'shadowForecast BTC/USDT')).toHaveLength(1);
    expect(state.calls.indexOf('export BTC/USDT')).toBeLessThan(state.calls.indexOf('shadowForecast BTC/USDT'));
  }, 60_000);

  test('without a shadow model nothing is started', async () => {
    const state = script(['BTC/USDT']);
    await temporal.withWorkers(state.activities, runCycle);
    expect(state.calls.filter((call) => call.startsWith('shadowForecast'))).toEqual([]);
  }, 60_000);

  test('I33 a shadow whose activity fails ends by itself, told', async () => {
    const state = script(['BTC/USDT']);
    state.plan = { shadow: true };
    state.hold = async (stage) => {
      if (stage === 'shadowForecast') throw new Error('broken');
    };
    await temporal.withWorkers(state.activities, async () => {
      expect(await runCycle()).toMatchObject({ outcome: 'published' });
      const result: unknown = await temporal.client.workflow.getHandle(shadowWorkflowId(tf)).result();
      expect(result).toMatchObject({ forecast: [], failed: [{ symbol: 'BTC/USDT' }] });
    });
  }, 60_000);
});
