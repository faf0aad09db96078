/** What a history may hold, how long it may grow, and that an acknowledged start is never lost. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WorkflowIdConflictPolicy } from '@temporalio/common';
import { cycleWorkflowId, TASK_QUEUE } from '../../src/domain/names';
import { HOUR, parseTimeframe } from '../../src/domain/timeframe';
import { startTestTemporal } from '../temporal';
import type { TestTemporal } from '../temporal';
import { newCandle, script } from './scripted-activities';

const tf = parseTimeframe('1h');
let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());

test('F27 a step that gives back more than 64 KiB fails by name, is not tried again, and the cycle goes on', async () => {
  const state = script(['BTC/USDT', 'ETH/USDT']);
  const row = [0, 1, 2, 3, 4, 5] as const;
  state.fetch = (symbol) => ({
    kind: 'candles',
    rows: Array.from({ length: symbol === 'BTC/USDT' ? 20_000 : 100 }, () => row),
    fetchedAt: 1,
    fresh: 1,
  });
  const result = await temporal.withWorkers(state.activities, async () =>
    temporal.client.workflow.execute('cycle', {
      workflowId: cycleWorkflowId(tf),
      taskQueue: TASK_QUEUE,
      args: [{ timeframe: '1h', asOf: 10 * HOUR + 5000 }],
    }),
  );
  expect(result.pairs.map(({ symbol, outcome }: { symbol: string; outcome: string }) => [symbol, outcome])).toEqual([
    ['BTC/USDT', 'failed'],
    ['ETH/USDT', 'published'],
  ]);
  expect(state.closed[0]?.failed).toEqual([{ symbol: 'BTC/USDT', code: 'payload_too_large' }]);
  expect(state.calls.filter((call) => call === 'fetch BTC/USDT')).toHaveLength(1);
}, 60_000);

test('F28 a cycle that is asked to go round for ever begins a new history long before the server ends it', async () => {
  const state = script(['BTC/USDT']);
  state.plan = { settleMs: 0 };
  await temporal.withWorkers(state.activities, async () => {
    const handle = await temporal.client.workflow.start('cycle', {
      workflowId: cycleWorkflowId(tf),
      taskQueue: TASK_QUEUE,
      args: [{ timeframe: '1h' }],
    });
    const first = handle.firstExecutionRunId;
    let longest = 0;
    // The run that follows may have ended already when the next signal comes.
    const unlessOver = () => {};
    for (let runId = first; runId === first; await delay(50)) {
      await handle.signal('again').catch(unlessOver);
      const described = await handle.describe();
      ({ runId } = described);
      longest = Math.max(longest, described.historyLength);
    }
    expect(longest).toBeGreaterThan(1_000);
    expect(longest).toBeLessThan(5_000);
    await handle.terminate('seen').catch(unlessOver);
  });
}, 180_000);

test('F28 a pair that is left when the history is long is tried on in a new one: the slot and the back-off go on', async () => {
  const symbols = Array.from({ length: 100 }, (_, k) => `C${k}/USDT`);
  const state = script(symbols);
  state.plan = { lagWaitsMs: [], retryWaitsMs: [1] };
  let there = false;
  state.fetch = () => (there ? newCandle : { kind: 'lagging' });
  state.gate = () => ({ verdict: 'pass', due: there ? 'forecast' : 'none', stored: 500 });
  await temporal.withWorkers(state.activities, async () => {
    const handle = await temporal.client.workflow.start('cycle', {
      workflowId: cycleWorkflowId(tf),
      taskQueue: TASK_QUEUE,
      args: [{ timeframe: '1h' }],
    });
    const first = handle.firstExecutionRunId;
    for (;;) {
      const { runId, status } = await handle.describe();
      if (runId !== first || status.name !== 'RUNNING') break;
      await delay(100);
    }
    there = true;
    expect(await handle.result()).toMatchObject({ outcome: 'published', rounds: 2, newCandles: 100 });
    const begun = (await temporal.client.workflow.getHandle(handle.workflowId).fetchHistory()).events?.[0];
    const [input] = begun?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
    const { passes } = JSON.parse(Buffer.from(input?.data ?? []).toString()) as { passes: number };
    expect(passes).toBeGreaterThan(1);
  });
  expect(state.closed.map(({ round, outcome }) => [round, outcome])).toEqual([
    [1, 'idle'],
    [2, 'published'],
  ]);
}, 180_000);

test('F07 I13 P15 every start that was acknowledged before the server is killed ends: it keeps a file, in WAL and synced', async () => {
  const command = readFileSync(`/proc/${temporal.server.pid}/cmdline`, 'utf8').split('\0');
  expect(command).toEqual(expect.arrayContaining(['--db-filename', 'journal_mode=WAL', 'synchronous=FULL']));
  expect(statSync(join(temporal.folder, 'temporal.db-wal')).size).toBeGreaterThan(0);

  const acknowledged = await Promise.all(
    Array.from({ length: 40 }, async (_, k) => {
      const workflowId = `kept-${k}`;
      await temporal.client.workflow.start('retention', {
        workflowId,
        taskQueue: TASK_QUEUE,
        args: [{ asOf: HOUR }],
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
      });
      return workflowId;
    }),
  );
  await temporal.crash(100);
  await temporal.withWorkers(script(['BTC/USDT']).activities, async () => {
    for (const workflowId of acknowledged) await temporal.client.workflow.getHandle(workflowId).result();
  });
}, 120_000);
