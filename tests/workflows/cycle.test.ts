import { EventEmitter, once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { cycleWorkflowId, TASK_QUEUE } from '../../src/domain/names';
import { HOUR, lastBoundary, parseTimeframe } from '../../src/domain/timeframe';
import type { CycleArguments, CycleResult } from '../../workflows/cycle';
import { startTestTemporal } from '../temporal';
import type { TestTemporal } from '../temporal';
import { failure, newCandle, script } from './scripted-activities';
import type { Script } from './scripted-activities';

const tf = parseTimeframe('1h');
const SYMBOLS = ['BTC/USDT', 'ETH/USDT', 'XRP/USDT'];
let temporal: TestTemporal;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());

async function runCycle(state: Script, input: Partial<CycleArguments> = {}): Promise<CycleResult> {
  return temporal.withWorkers(state.activities, async () =>
    temporal.client.workflow.execute('cycle', {
      workflowId: cycleWorkflowId(tf),
      taskQueue: TASK_QUEUE,
      args: [{ timeframe: '1h', asOf: 10 * HOUR + 5000, ...input }],
    }),
  );
}

/** Fills wait until the function that it gives is called. */
function holdFill({ activities }: Script): () => void {
  const fills = new EventEmitter();
  const released = once(fills, 'released');
  const fillPages = activities.fillPages.bind(activities);
  activities.fillPages = async (input) => {
    await released;
    return fillPages(input);
  };
  return () => void fills.emit('released');
}

const outcomes = (result: CycleResult) => Object.fromEntries(result.pairs.map((pair) => [pair.symbol, pair.outcome]));

describe('one round of a cycle', () => {
  test('takes every pair through fetch, write, repair, gate, forecast and export, then commits the manifest', async () => {
    const state = script(['BTC/USDT']);
    const result = await runCycle(state);
    expect(state.calls).toEqual([
      'openCycle',
      ...['fetch', 'write', 'repair', 'gate', 'forecast', 'export'].map((stage) => `${stage} BTC/USDT`),
      'manifest',
    ]);
    expect(result).toMatchObject({ outcome: 'published', generation: 1, newCandles: 1, rounds: 1 });
  });

  test('I17 a pair that fails for good neither stops nor delays the others, and the manifest is still committed', async () => {
    const state = script(SYMBOLS);
    state.fetch = (symbol) =>
      symbol === 'ETH/USDT'
        ? failure('bad_symbol', 'permanent')
        : { kind: 'candles', rows: [], fetchedAt: 1, fresh: 1 };
    const result = await runCycle(state);
    expect(outcomes(result)).toEqual({ 'BTC/USDT': 'published', 'ETH/USDT': 'failed', 'XRP/USDT': 'published' });
    expect(result).toMatchObject({ outcome: 'partial', generation: 1 });
    expect(state.calls.filter((call) => call === 'fetch ETH/USDT')).toHaveLength(1);
    expect(state.closed[0]?.failed).toEqual([{ symbol: 'ETH/USDT', code: 'bad_symbol' }]);
  });

  test('a passing failure is tried three times within each pass: the first, and two more without waits in virtual time', async () => {
    const state = script(['BTC/USDT']);
    state.failures.set('write BTC/USDT', failure('store_unavailable'));
    const result = await runCycle(state);
    expect(state.calls.filter((call) => call === 'write BTC/USDT')).toHaveLength(9);
    expect(state.calls.filter((call) => call === 'manifest')).toHaveLength(3);
    expect(outcomes(result)).toEqual({ 'BTC/USDT': 'failed' });
  });

  test('I42 a failed forecast keeps the last good one: the pair is exported as degraded', async () => {
    const state = script(['BTC/USDT']);
    state.failures.set('forecast BTC/USDT', failure('forecast_invalid', 'permanent'));
    const exported: unknown[] = [];
    const exportPairs = state.activities.export.bind(state.activities);
    state.activities.export = async (input) => {
      exported.push(input.degraded);
      return exportPairs(input);
    };
    const result = await runCycle(state);
    expect(outcomes(result)).toEqual({ 'BTC/USDT': 'degraded' });
    expect(exported).toEqual([['BTC/USDT']]);
  });

  test('I41 a refused gate exports the refusal and asks for no forecast', async () => {
    const state = script(['BTC/USDT']);
    state.gate = () => ({ verdict: 'refused', reason: '10 of 240 candles', stored: 10 });
    state.activities.export = async (input) =>
      input.symbols.map((symbol) => ({
        symbol,
        ok: true,
        value: { published: 'refused', dataThrough: null, bytes: 0 },
      }));
    const result = await runCycle(state);
    expect(state.calls).not.toContain('forecast BTC/USDT');
    expect(result.pairs).toEqual([{ symbol: 'BTC/USDT', outcome: 'insufficient_data', detail: '10 of 240 candles' }]);
  });

  test('nothing new and nothing due is an idle cycle without forecast or export', async () => {
    const state = script(SYMBOLS);
    state.fetch = () => ({ kind: 'up_to_date' });
    state.gate = () => ({ verdict: 'pass', due: 'none', stored: 500 });
    const result = await runCycle(state);
    expect(result.outcome).toBe('idle');
    expect(state.calls.some((call) => call.startsWith('export') || call.startsWith('forecast'))).toBe(false);
  });

  test('under the virtual driver a long gap is filled inside the cycle, then published', async () => {
    const state = script(['BTC/USDT']);
    state.fetch = () => ({ kind: 'fill', reason: 'full_fill_earliest' });
    const result = await runCycle(state);
    expect(state.calls).toEqual(
      expect.arrayContaining(['fillPages BTC/USDT', 'settleFill BTC/USDT', 'export BTC/USDT']),
    );
    expect(result).toMatchObject({ outcome: 'published', newCandles: 1000 });
    expect(state.requested).toEqual([]);
  });

  test('I14 a cycle that is ended by hand leaves its fill running: its slot, run again in virtual time, waits for it and publishes', async () => {
    const state = script(['BTC/USDT']);
    state.fetch = () => ({ kind: 'fill', reason: 'full_fill_earliest' });
    const scripted = state.activities;
    const fill = new EventEmitter();
    const begun = once(fill, 'begun');
    const activities: typeof scripted = {
      ...scripted,
      fillPages: async (input) => {
        fill.emit('begun');
        await delay(3_000);
        return scripted.fillPages(input);
      },
    };
    const result = await temporal.withWorkers(activities, async () => {
      const run = {
        workflowId: cycleWorkflowId(tf),
        taskQueue: TASK_QUEUE,
        args: [{ timeframe: '1h', asOf: 10 * HOUR + 5000 }] as [CycleArguments],
      };
      const first = await temporal.client.workflow.start('cycle', run);
      await begun;
      await first.terminate('by hand');
      return (await temporal.client.workflow.execute('cycle', run)) as CycleResult;
    });
    expect(outcomes(result)).toEqual({ 'BTC/USDT': 'published' });
    expect(state.calls).toContain('forecast BTC/USDT');
  });

  test('above 50 pairs a stage is one activity a group, and only the failed member of a group is tried again', async () => {
    const state = script(SYMBOLS);
    state.plan = { groupSize: 25 };
    let tries = 0;
    state.fetch = (symbol) =>
      symbol === 'XRP/USDT' && tries++ === 0
        ? failure('exchange_timeout')
        : { kind: 'candles', rows: [], fetchedAt: 1, fresh: 1 };
    const result = await runCycle(state);
    expect(state.calls.filter((call) => call.startsWith('fetch'))).toEqual([
      'fetch BTC/USDT',
      'fetch ETH/USDT',
      'fetch XRP/USDT',
      'fetch XRP/USDT',
    ]);
    expect(outcomes(result)).toEqual({ 'BTC/USDT': 'published', 'ETH/USDT': 'published', 'XRP/USDT': 'published' });
  });
});

describe('a cycle in real time', () => {
  const realTime = { asOf: undefined } as unknown as Partial<CycleArguments>;

  test('waits for an exchange that lags at the boundary, for a bounded time', async () => {
    const state = script(['BTC/USDT']);
    let asked = 0;
    state.fetch = () => (++asked < 3 ? { kind: 'lagging' } : { kind: 'candles', rows: [], fetchedAt: 1, fresh: 1 });
    expect(outcomes(await runCycle(state, realTime))).toEqual({ 'BTC/USDT': 'published' });
    const late = script(['BTC/USDT']);
    late.plan = { retryWaitsMs: [] };
    late.fetch = () => ({ kind: 'lagging' });
    late.gate = () => ({ verdict: 'pass', due: 'none', stored: 500 });
    expect(outcomes(await runCycle(late, realTime))).toEqual({ 'BTC/USDT': 'no_new_closed_candle' });
    // Judged and published once, when the waits are over.
    expect(late.calls).toEqual([
      'openCycle',
      ...['fetch', 'fetch', 'fetch', 'repair', 'gate'].map((stage) => `${stage} BTC/USDT`),
      'manifest',
    ]);
  });

  test('F31 a candle that comes after those waits is taken in the same slot, and nothing but the fetch is done until then', async () => {
    const state = script(['BTC/USDT', 'ETH/USDT']);
    let asked = 0;
    state.fetch = (symbol) => (symbol === 'ETH/USDT' || ++asked > 6 ? newCandle : { kind: 'lagging' });
    state.gate = (symbol) => ({
      verdict: 'pass',
      due: symbol === 'ETH/USDT' || asked > 6 ? 'forecast' : 'none',
      stored: 500,
    });
    expect(await runCycle(state, realTime)).toMatchObject({ outcome: 'published', newCandles: 2, generation: 3 });
    const done = (stage: string) => state.calls.filter((call) => call === stage).length;
    expect(['fetch', 'repair', 'gate', 'forecast', 'export'].map((stage) => done(`${stage} BTC/USDT`))).toEqual([
      7, 2, 2, 1, 1,
    ]);
    expect(done('manifest')).toBe(3);
    // Recorded before the candle that may never have come is waited for, and again with it.
    expect(state.closed.map(({ newCandles, failed }) => [newCandles, failed])).toEqual([
      [1, []],
      [2, []],
    ]);
  });

  test('I17 L06 a pair that lags delays no other: what is there is published first, and nothing is committed without news', async () => {
    const state = script(['BTC/USDT', 'ETH/USDT']);
    let asked = 0;
    state.fetch = (symbol) => (symbol === 'ETH/USDT' || ++asked > 2 ? newCandle : { kind: 'lagging' });
    expect(await runCycle(state, realTime)).toMatchObject({ outcome: 'published', generation: 2 });
    const second = state.calls.indexOf('fetch BTC/USDT', state.calls.indexOf('fetch BTC/USDT') + 1);
    expect(state.calls.indexOf('manifest')).toBeLessThan(second);
    const all = script(['BTC/USDT', 'ETH/USDT']);
    const late = new Map<string, number>();
    all.fetch = (symbol) => {
      late.set(symbol, (late.get(symbol) ?? 0) + 1);
      return late.get(symbol) === 1 ? { kind: 'lagging' } : newCandle;
    };
    expect(await runCycle(all, realTime)).toMatchObject({ outcome: 'published', generation: 1 });
    expect(all.closed).toHaveLength(1);
  });

  test('I17 F17 a pair whose step hangs delays no other: what is there is published after ten seconds', async () => {
    const state = script(['BTC/USDT', 'ETH/USDT']);
    state.hold = async (stage, symbol) => {
      // Not in one step: one without a heartbeat for ten seconds is given to another worker.
      if ((stage === 'fetch' || stage === 'repair') && symbol === 'BTC/USDT') await delay(7_000);
    };
    expect(await runCycle(state, realTime)).toMatchObject({ outcome: 'published', generation: 2 });
    expect(state.calls.indexOf('manifest')).toBeLessThan(state.calls.indexOf('gate BTC/USDT'));
    expect(state.closed[0]?.firstPassAt).toBeGreaterThan((state.closed[0]?.asOf ?? 0) + 13_000);
  });

  test('a pair that has candles goes on from them while a fill brings what lies before', async () => {
    const fillBeside = 'backward_gap';
    const state = script(['BTC/USDT']);
    state.fetch = () => ({ ...newCandle, fillBeside });
    const release = holdFill(state);
    await temporal.withWorkers(state.activities, async () => {
      const args = [{ timeframe: '1h' }] as [CycleArguments];
      const options = { workflowId: cycleWorkflowId(tf), taskQueue: TASK_QUEUE, args };
      expect(outcomes(await temporal.client.workflow.execute('cycle', options))).toEqual({ 'BTC/USDT': 'published' });
      release();
      await temporal.client.workflow.getHandle('fill-1h-BTC_USDT').result();
    });
    const virtual = script(['BTC/USDT']);
    virtual.fetch = () => ({ ...newCandle, fillBeside });
    expect(await runCycle(virtual)).toMatchObject({ outcome: 'published', newCandles: 1000 });
    expect(virtual.calls).not.toContain('write BTC/USDT');
  });

  test('F31 waits for the newest candle too when only those before it are there, and takes them when it does not come', async () => {
    const candles = { kind: 'candles', rows: [], fetchedAt: 1 } as const;
    const state = script(['BTC/USDT']);
    let asked = 0;
    state.fetch = () => (++asked < 3 ? { ...candles, fresh: 1, missing: 1 } : { ...candles, fresh: 2, missing: 0 });
    expect(outcomes(await runCycle(state, realTime))).toEqual({ 'BTC/USDT': 'published' });
    expect(asked).toBe(3);
    const late = script(['BTC/USDT']);
    late.plan = { retryWaitsMs: [] };
    late.fetch = () => ({ ...candles, fresh: 1, missing: 1 });
    expect(outcomes(await runCycle(late, realTime))).toEqual({ 'BTC/USDT': 'published' });
    expect(late.calls).toContain('write BTC/USDT');
  });

  test('a pair that failed in the first pass is tried again later, and its success commits a new manifest', async () => {
    const state = script(['BTC/USDT', 'ETH/USDT']);
    let exports = 0;
    const scripted = { ...state.activities };
    state.activities.export = async (input) => {
      if (input.symbols[0] === 'ETH/USDT' && exports++ < 3)
        state.failures.set('export ETH/USDT', failure('export_failed'));
      else state.failures.clear();
      return scripted.export(input);
    };
    const result = await runCycle(state, realTime);
    expect(outcomes(result)).toEqual({ 'BTC/USDT': 'published', 'ETH/USDT': 'published' });
    expect(result).toMatchObject({ generation: 2, outcome: 'published' });
    expect(state.calls.filter((call) => call === 'fetch BTC/USDT')).toHaveLength(1);
  });

  test('I14 a second start under the fixed ID is refused, and a tick that finds the cycle running makes it go round again', async () => {
    const state = script(['BTC/USDT']);
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    state.hold = async (stage) => {
      if (stage === 'gate' && state.closed.length === 0) await held;
    };
    const { client } = temporal;
    await temporal.withWorkers(state.activities, async () => {
      const options = { workflowId: cycleWorkflowId(tf), taskQueue: TASK_QUEUE };
      const first = await client.workflow.start('cycle', { ...options, args: [{ timeframe: '1h' }] });
      while (!state.calls.includes('gate BTC/USDT')) await delay(20);
      await expect(client.workflow.start('cycle', { ...options, args: [{ timeframe: '1h' }] })).rejects.toThrow(
        /already started/i,
      );
      const tick = await client.workflow.execute('cycleTick', {
        workflowId: 'cycle-1h-tick-test',
        taskQueue: TASK_QUEUE,
        args: [{ timeframe: '1h' }],
      });
      expect(tick).toEqual({ outcome: 'joined the running cycle' });
      release();
      expect(await first.result()).toMatchObject({ rounds: 2 });
    });
    expect(state.closed.map(({ round }) => round)).toEqual([1, 2]);
    expect(state.closed.every(({ asOf }) => lastBoundary(tf, asOf) > 0)).toBe(true);
  });

  test('a long gap becomes a fill of its own, and the cycle does not wait for it', async () => {
    const state = script(['BTC/USDT', 'ETH/USDT']);
    state.fetch = (symbol) =>
      symbol === 'BTC/USDT'
        ? { kind: 'fill', reason: 'full_fill_earliest' }
        : { kind: 'candles', rows: [], fetchedAt: 1, fresh: 1 };
    const release = holdFill(state);
    await temporal.withWorkers(state.activities, async () => {
      const result: CycleResult = await temporal.client.workflow.execute('cycle', {
        workflowId: cycleWorkflowId(tf),
        taskQueue: TASK_QUEUE,
        args: [{ timeframe: '1h' }],
      });
      expect(outcomes(result)).toEqual({ 'BTC/USDT': 'backfilling', 'ETH/USDT': 'published' });
      release();
      const report = await temporal.client.workflow.getHandle('fill-1h-BTC_USDT').result();
      expect(report).toMatchObject({ stored: 1000, becameReady: true });
    });
    expect(state.requested).toEqual(['fill of BTC/USDT 1h ended']);
  });

  test('an unknown timeframe fails the run at once with a sentence, instead of wedging it', async () => {
    await expect(runCycle(script(['BTC/USDT']), { timeframe: '1H' })).rejects.toMatchObject({
      cause: expect.objectContaining({ message: expect.stringContaining('"1H" is not a timeframe') }),
    });
  });
});
