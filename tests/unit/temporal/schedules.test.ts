import { DAY, HOUR, MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { cycleSchedules, deploymentSchedules, nextDue, scheduleOptions } from '../../../temporal/schedules';
import { dueSlots } from '../../../temporal/virtual-driver';

const at = (text: string) => Date.parse(text);
const schedules = cycleSchedules(['1m', '1h', '1d', '1w', '1M'].map(parseTimeframe), 5000);
const byId = (id: string) => {
  const found = schedules.find((schedule) => schedule.id === id);
  if (found === undefined) throw new Error(id);
  return found;
};

describe('the schedules as data', () => {
  test('each is due 5 s after its boundary: Mondays for weeks, the first for months', () => {
    expect(nextDue(byId('cycle-1h'), at('2026-11-23T23:22:00Z'))).toBe(at('2026-11-24T00:00:05Z'));
    expect(nextDue(byId('cycle-1w'), at('2026-11-23T00:00:05Z'))).toBe(at('2026-11-30T00:00:05Z'));
    expect(nextDue(byId('cycle-1M'), at('2026-02-01T00:00:04Z'))).toBe(at('2026-02-01T00:00:05Z'));
    expect(nextDue(byId('cycle-1M'), at('2026-02-01T00:00:05Z'))).toBe(at('2026-03-01T00:00:05Z'));
  });

  test('weeks and months are calendar entries, because an interval counts from a Thursday and knows no months', () => {
    expect(scheduleOptions(byId('cycle-1w')).spec.calendars).toMatchObject([
      { dayOfWeek: 'MONDAY', hour: 0, second: 5 },
    ]);
    expect(scheduleOptions(byId('cycle-1M')).spec.calendars).toMatchObject([{ dayOfMonth: 1, hour: 0, second: 5 }]);
    expect(scheduleOptions(byId('cycle-1h')).spec.intervals).toEqual([{ every: HOUR, offset: 5000 }]);
  });

  test('P9 the catch-up window lies just under a period, so that only the latest missed boundary runs', () => {
    const windows = schedules.map((schedule) => scheduleOptions(schedule).policies?.catchupWindow);
    expect(windows).toEqual([55_000, HOUR - MINUTE, DAY - MINUTE, 7 * DAY - MINUTE, 28 * DAY - MINUTE]);
  });

  test('a tick can not wedge its schedule: it times out before two periods are over and never pauses on failure', () => {
    for (const schedule of schedules) {
      const { action, policies } = scheduleOptions(schedule);
      expect(action.workflowExecutionTimeout).toBeGreaterThan(0);
      expect(action).not.toHaveProperty('retry');
      expect(policies).toMatchObject({ overlap: 'SKIP', pauseOnFailure: false });
    }
  });

  test('everything but a cycle is started by a tick under the fixed ID that is its lock', () => {
    const all = deploymentSchedules({
      timeframes: [parseTimeframe('1h')],
      scheduleOffsetMs: 5000,
      rules: defaultRules,
    });
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const schedule of all.filter(({ run }) => run.type !== 'cycle')) {
      const { action } = scheduleOptions(schedule);
      expect(action).toMatchObject({ workflowType: 'tick', workflowId: `${schedule.id}-tick` });
      expect(action.args).toMatchObject([{ type: schedule.run.type, workflowId: schedule.run.workflowId }]);
    }
    const training = deploymentSchedules({
      timeframes: ['1m', '1h', '1w', '1M'].map(parseTimeframe),
      scheduleOffsetMs: 5000,
      rules: defaultRules,
    }).filter(({ run }) => run.type === 'train');
    expect(
      training.map((schedule) => [
        schedule.id,
        new Date(nextDue(schedule, at('2026-11-23T23:10:00Z'))).toISOString(),
        schedule.run.input,
      ]),
    ).toEqual([
      ['train-1h', '2026-11-24T00:35:00.000Z', { timeframe: '1h' }],
      ['train-1w', '2026-11-30T00:35:00.000Z', { timeframe: '1w' }],
      ['train-1M', '2026-12-01T00:35:00.000Z', { timeframe: '1M' }],
    ]);
    const retention = all.find(({ id }) => id === 'retention');
    expect(retention && nextDue(retention, at('2026-11-23T23:10:00Z'))).toBe(at('2026-11-24T00:10:00Z'));
  });

  test('the virtual driver runs the same slots in order of due time, shorter timeframes first where they meet', () => {
    const slots = [
      ...dueSlots([byId('cycle-1h'), byId('cycle-1d')], at('2026-11-23T22:30:00Z'), at('2026-11-24T01:00:05Z')),
    ];
    expect(slots.map(({ due, schedule }) => `${schedule.id} ${new Date(due).toISOString()}`)).toEqual([
      'cycle-1h 2026-11-23T23:00:05.000Z',
      'cycle-1h 2026-11-24T00:00:05.000Z',
      'cycle-1d 2026-11-24T00:00:05.000Z',
      'cycle-1h 2026-11-24T01:00:05.000Z',
    ]);
  });
});
