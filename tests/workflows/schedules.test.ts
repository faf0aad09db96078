import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { ScheduleOptions } from '@temporalio/client';
import { RETENTION, TASK_QUEUE } from '../../src/domain/names';
import { parseTimeframe } from '../../src/domain/timeframe';
import { connectControl } from '../../temporal/control';
import type { TemporalControl } from '../../temporal/control';
import { reconcileSchedules } from '../../temporal/schedule-reconciler';
import { cycleSchedules, scheduleOptions } from '../../temporal/schedules';
import { startTestTemporal } from '../temporal';
import type { TestTemporal } from '../temporal';
import { script } from './scripted-activities';

const run = promisify(execFile);
let temporal: TestTemporal;
let control: TemporalControl;

beforeAll(async () => {
  temporal = await startTestTemporal();
  control = await connectControl({
    address: temporal.server.address,
    namespace: 'default',
    schedules: cycleSchedules(['1h', '1d'].map(parseTimeframe), 5000),
  });
}, 120_000);
afterAll(async () => {
  await control.close();
  await temporal.stop();
});

/** The schedule of 1h, but every two seconds. */
function everyTwoSeconds(id: string): ScheduleOptions {
  const [hourly] = cycleSchedules([parseTimeframe('1h')], 0);
  if (hourly === undefined) throw new Error('no schedule');
  return { ...scheduleOptions(hourly), scheduleId: id, spec: { intervals: [{ every: '2s' }] } };
}

describe('schedules on a real server', () => {
  test('I15 applying twice is the same as once, and a paused schedule stays paused with its reason', async () => {
    expect(await control.applySchedules()).toEqual([
      { id: 'cycle-1h', change: 'created' },
      { id: 'cycle-1d', change: 'created' },
    ]);
    await control.pause('cycle-1h', 'rolling back');
    expect((await control.applySchedules()).map(({ change }) => change)).toEqual(['updated', 'updated']);
    const views = await control.schedules();
    expect(views.map(({ id, paused }) => [id, paused])).toEqual([
      ['cycle-1d', false],
      ['cycle-1h', true],
    ]);
    expect(views[1]?.note).toBe('rolling back');
    expect(await Promise.all(['cycle-1h', 'cycle-1d', 'train-1h'].map((id) => control.isPaused(id)))).toEqual([
      true,
      false,
      false,
    ]);
    await control.resume('cycle-1h', 'done');
    expect((await control.schedules())[1]?.paused).toBe(false);
  });

  test('a schedule that is no longer wanted is removed, one of somebody else is left alone', async () => {
    await temporal.client.schedule.create({ ...everyTwoSeconds('foreign'), memo: {}, state: { paused: true } });
    await temporal.client.schedule.create({ ...everyTwoSeconds('cycle-4h'), state: { paused: true } });
    // Listing is eventually consistent.
    for (let tries = 0; tries < 50 && (await control.schedules()).length < 4; tries++) await delay(100);
    const changes = await control.applySchedules();
    expect(changes).toContainEqual({ id: 'cycle-4h', change: 'removed' });
    expect(changes.map(({ id }) => id)).not.toContain('foreign');
    await temporal.client.schedule.getHandle('foreign').delete();
  });

  test('an unknown schedule is one clear sentence', async () => {
    await expect(control.pause('cycle-5h', 'x')).rejects.toThrow('there is no schedule "cycle-5h"');
  });

  test('a schedule starts the cycle under its fixed ID, pause freezes it, and the plain temporal CLI triggers it', async () => {
    const state = script(['BTC/USDT']);
    const cycles = async () => {
      const { count } = await temporal.client.workflow.count('WorkflowType = "cycle" AND WorkflowId = "cycle-1h"');
      return count;
    };
    await temporal.withWorkers(state.activities, async () => {
      await reconcileSchedules(temporal.client, [everyTwoSeconds('fast')]);
      while (state.closed.length < 2) await delay(100);
      await control.pause('fast', 'frozen');
      await delay(500);
      const frozen = state.closed.length;
      await delay(3000);
      expect(state.closed).toHaveLength(frozen);
      await run(temporal.binary, ['schedule', 'trigger', '-s', 'fast', '--address', temporal.server.address]);
      for (let tries = 0; tries < 100 && state.closed.length === frozen; tries++) await delay(50);
      expect(state.closed).toHaveLength(frozen + 1);
    });
    expect(await cycles()).toBe(state.closed.length);
    await temporal.client.schedule.getHandle('fast').delete();
  }, 40_000);

  test('I14 a tick runs its job under the fixed ID, and leaves a running one alone', async () => {
    const state = script([]);
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    state.hold = () => released;
    const tick = (n: number) =>
      temporal.client.workflow.execute('tick', {
        workflowId: `tick-${n}`,
        taskQueue: TASK_QUEUE,
        args: [{ type: 'retention', workflowId: RETENTION, input: {}, kind: 'retention', summary: 'test' }],
      });
    await temporal.withWorkers(state.activities, async () => {
      const first = tick(1);
      while (!state.calls.includes('applyRetention')) await delay(20);
      expect(await tick(2)).toEqual({ outcome: 'already running' });
      release();
      expect(await first).toEqual({ outcome: 'ran' });
    });
    expect(state.calls).toEqual(['applyRetention']);
  }, 30_000);

  test('F29 a request reaches a running cycle, and starts one when none is running', async () => {
    const state = script(['BTC/USDT']);
    await temporal.withWorkers(state.activities, async () => {
      await Promise.all([1, 2, 3].map((n) => control.requestCycle(parseTimeframe('1d'), `request ${n}`)));
      await temporal.client.workflow.getHandle('cycle-1d').result();
    });
    expect(state.closed.length).toBeGreaterThanOrEqual(1);
    expect(new Set(state.closed.map(({ runId }) => runId)).size).toBeLessThanOrEqual(2);
  });

  test('a paused timeframe is frozen: a request for its cycle starts none', async () => {
    const state = script(['BTC/USDT']);
    await control.applySchedules();
    await control.pause('cycle-1d', 'frozen');
    await temporal.withWorkers(state.activities, async () => {
      await control.requestCycle(parseTimeframe('1d'), 'a fill ended');
      await delay(1000);
    });
    expect(state.calls).toEqual([]);
    await control.resume('cycle-1d', 'done');
  });

  test('the search attributes find the runs of a kind and timeframe', async () => {
    const found = async () =>
      (
        await temporal.client.workflow.count(
          'CoinKind = "cycle" AND CoinTimeframe = "1h" AND CoinOutcome = "published"',
        )
      ).count;
    for (let tries = 0; tries < 50 && (await found()) === 0; tries++) await delay(100);
    expect(await found()).toBeGreaterThan(0);
  });
});
