/**
 * What simulated lives once went wrong by, as scenes by hand: which faults a kept life draws changes with every call of a port
 * that the program adds or drops, these do not.
 */
import type { GateResult } from '../../../activities/contract';
import { DAY, HOUR } from '../../../src/domain/timeframe';
import { before, group, once, pairOf } from './activities-by-hand';

jest.mock('@temporalio/workflow', () => jest.requireActual<object>('./simulated-workflow'));
jest.mock('@temporalio/activity', () => jest.requireActual<object>('./simulated-activity'));

beforeAll(() => {
  jest.spyOn(globalThis, 'setInterval').mockImplementation(() => 0 as unknown as NodeJS.Timeout);
});
afterAll(() => jest.restoreAllMocks());

test('a forecast that was issued and not exported, beside a history that was, is exported by the next round', async () => {
  const { life, input } = await before('forecast');
  await once(life, 0, 'export', { ...input, degraded: [] });
  await once(life, 0, 'forecast', input);
  const gate = (await once(life, 0, 'gate', group(life))) as { readonly value: GateResult }[];
  expect(gate).toMatchObject([{ value: { verdict: 'pass', due: 'export' } }]);
});

test('I16 a symbol whose fill lasted an hour is ready since it turned so: it owes no boundary from before', async () => {
  const { life, input } = await before('settleFill');
  const turns = life.time.now;
  await once(life, 0, 'settleFill', { ...input, asOf: turns - HOUR, virtual: false });
  const states = await life.stores.pairState.symbolStates();
  const state = states.find(({ symbol }) => symbol === pairOf(life).symbol);
  expect(state?.activation).toBe('ready');
  expect(state?.since).toBeGreaterThanOrEqual(turns);
});

test('I25 P10 an export that hung, was given up and done again takes nothing of its own run back, whichever call hung', async () => {
  for (let n = 0; ; n++) {
    const { life, input } = await before('write');
    const through = async (): Promise<number> => {
      const row = (await life.stores.publication.rows()).find(({ symbol }) => symbol === pairOf(life).symbol);
      return row?.dataThrough ?? 0;
    };
    // No cycle of the schedule comes between.
    life.server.downUntil = life.time.now + DAY;
    const same = { ...group(life), degraded: [] };
    life.worker(0).planned.push({ fault: 'hang', after: n });
    await once(life, 0, 'export', same);
    if (life.worker(0).planned.length > 0) {
      expect(n).toBeGreaterThan(10);
      break;
    }
    await once(life, 1, 'write', input);
    await once(life, 1, 'export', same);
    let reached = await through();
    expect(reached).toBeGreaterThan(0);
    // As long as a call may hang.
    for (let minute = 0; minute < 62; minute++) {
      await life.pass(1);
      const now = await through();
      expect([n, now]).toEqual([n, Math.max(now, reached)]);
      reached = now;
    }
  }
});
