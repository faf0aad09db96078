/** The figures of a day, by hand-computed examples over a real state store. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createProbe, createRollUpDay } from '../../activities/monitor';
import type { ActivityPorts } from '../../activities/ports';
import { createHttpProbe } from '../../src/adapters/probe/http-probe';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import { eventOf } from '../../src/domain/event';
import type { EventKind } from '../../src/domain/event';
import { DAY, HOUR, MINUTE } from '../../src/domain/timeframe';
import { systemClock } from '../../src/ports/clock';
import { inActivity } from '../activity-context';
import { closedAfterEach, temporaryFolders } from '../ports/store-fixtures';
import { NOTHING_SEEN } from '../../src/domain/monitor-memory';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const MONDAY = Date.UTC(2024, 0, 1);
/** Twenty pairs without documents: one probe each, and the manifest. */
const MANIFEST = JSON.stringify({
  entries: Array.from({ length: 20 }, (_, k) => ({
    symbol: `S${k}/USDT`,
    timeframe: '1h',
    status: 'fresh',
    files: {},
  })),
});
const PLAN = { receivers: ['webhook'], perMinute: 1000 };

let state: StateStore;
beforeEach(async () => {
  state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
});

/** Keeps the figures of the day that ended before `asOf`. */
function rollUp(asOf: number) {
  const ports = { ...state, clock: systemClock } as unknown as ActivityPorts;
  return inActivity(() => createRollUpDay(ports)({ asOf }));
}
const probe = (at: number, probes: number, good: number) =>
  state.monitor.recordProbes({ at, probes, good, fault: good < probes ? 'planted' : null });
const figuresOf = async (day: string) => (await state.monitor.days(10)).find((one) => one.day === day)?.figures;

async function tell(kind: EventKind, at: number, changes: { since?: number; from?: string } = {}): Promise<void> {
  const event = { ...eventOf(kind, at, { key: `${kind} ${at}`, detail: kind }), ...changes };
  await state.monitor.commitRound({ asOf: at, memory: NOTHING_SEEN, events: [event] }, PLAN);
}

async function settleAll(how: 'delivered' | 'undeliverable'): Promise<void> {
  for (const messageKey of await state.outbox.pending(100)) {
    await state.outbox.settle({ messageKey, receiver: 'webhook', state: how, error: null, changedAt: MONDAY });
  }
}

test('1440 rounds of 11 probes, 20 of them with 2 bad: 15,800 of 15,840', async () => {
  for (let minute = 0; minute < 1440; minute++) await probe(MONDAY + minute * MINUTE, 11, minute < 20 ? 9 : 11);
  expect(await rollUp(MONDAY + DAY + 5 * MINUTE)).toEqual({ day: '2024-01-01', availability: 15_800 / 15_840 });
  expect(await figuresOf('2024-01-01')).toMatchObject({ probes: 15_840, goodProbes: 15_800 });
}, 120_000);

test('a day without a probe has no availability, which is not the same as 0 or 1', async () => {
  expect(await rollUp(MONDAY + DAY)).toEqual({ day: '2024-01-01', availability: null });
  expect(await figuresOf('2024-01-01')).toMatchObject({ probes: 0, goodProbes: 0, availability: null });
});

test('a day of bad probes only is 0', async () => {
  for (let k = 0; k < 3; k++) await probe(MONDAY + k * HOUR, 4, 0);
  expect((await rollUp(MONDAY + DAY)).availability).toBe(0);
});

test('a day begins with its first instant and ends before that of the next', async () => {
  await probe(MONDAY - 1, 100, 0);
  await probe(MONDAY, 4, 3);
  await probe(MONDAY + DAY - 1, 4, 4);
  await probe(MONDAY + DAY, 100, 0);
  expect((await rollUp(MONDAY + DAY)).availability).toBe(7 / 8);
  expect((await rollUp(MONDAY + 2 * DAY)).availability).toBe(0);
});

test('the day is the one that ended last, whenever in the next it is asked for', async () => {
  await probe(MONDAY + HOUR, 4, 3);
  for (const asOf of [MONDAY + DAY, MONDAY + DAY + HOUR, MONDAY + 2 * DAY - 1]) {
    expect(await rollUp(asOf)).toEqual({ day: '2024-01-01', availability: 0.75 });
  }
  expect(await state.monitor.days(10)).toHaveLength(1);
  expect((await rollUp(MONDAY + 2 * DAY)).day).toBe('2024-01-02');
});

test('a round that was missed is no probe: neither good nor bad', async () => {
  for (const hour of [0, 1, 5]) await probe(MONDAY + hour * HOUR, 4, 4);
  await probe(MONDAY + 6 * HOUR, 4, 2);
  expect((await rollUp(MONDAY + DAY)).availability).toBe(14 / 16);
});

test('a web server that is down for 12 of 24 hours makes 50 %, however much a good minute asks', async () => {
  const server = createServer((_, response) => response.end(MANIFEST));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (let hour = 0; hour < 24; hour++) {
    if (hour === 12) {
      server.closeAllConnections();
      server.close();
    }
    // Nothing is remembered but what the store holds: each round is of a monitor that has just started.
    const ports = { monitor: state.monitor, probe: createHttpProbe({ url: async () => base }) };
    const round = await inActivity(() =>
      createProbe(ports as unknown as ActivityPorts)({ asOf: MONDAY + hour * HOUR }),
    );
    expect(round).toEqual({ probes: 21, good: hour < 12 ? 21 : 0 });
  }
  expect((await rollUp(MONDAY + DAY)).availability).toBe(0.5);
});

test('I10 a round that is recorded twice counts once, and a day that is rolled up twice is the same', async () => {
  for (let k = 0; k < 2; k++) await probe(MONDAY + HOUR, 4, 1);
  const first = await rollUp(MONDAY + DAY);
  expect(first.availability).toBe(0.25);
  expect(await rollUp(MONDAY + DAY)).toEqual(first);
});

test('the transitions of the day alone: 4 unhealthy, 1 undelivered; two recoveries of 30 and 90 minutes', async () => {
  await tell('hard_stale', MONDAY - MINUTE);
  await tell('recovery', MONDAY + 29 * MINUTE, { since: MONDAY - MINUTE, from: 'hard_stale' });
  await tell('hard_stale', MONDAY + 2 * HOUR);
  await tell('hard_stale_repeat', MONDAY + 2.5 * HOUR);
  await tell('recovery', MONDAY + 3.5 * HOUR, { since: MONDAY + 2 * HOUR, from: 'hard_stale' });
  await tell('corrupt', MONDAY + 5 * HOUR);
  await tell('recovery', MONDAY + 9 * HOUR, { since: MONDAY + 5 * HOUR, from: 'corrupt' });
  await tell('insufficient_data', MONDAY + 10 * HOUR);
  await settleAll('delivered');
  await tell('missing', MONDAY + DAY - 1);
  await settleAll('undeliverable');
  await tell('missing', MONDAY + DAY);
  await rollUp(MONDAY + DAY + MINUTE);
  expect(await figuresOf('2024-01-01')).toMatchObject({
    unhealthyTransitions: 4,
    undeliveredTransitions: 1,
    alertMissRate: 0.25,
    recoveries: 2,
    mttrStaleMinutes: 60,
  });
});

test('however many reminders a long outage makes, the transitions before them are counted', async () => {
  await tell('hard_stale', MONDAY + HOUR);
  const reminders = Array.from({ length: 20_001 }, (_, k) =>
    eventOf('hard_stale_repeat', MONDAY + 2 * HOUR + k, { key: `repeat ${k}`, detail: '' }),
  );
  await state.events.record(reminders);
  await rollUp(MONDAY + DAY);
  expect(await figuresOf('2024-01-01')).toMatchObject({ unhealthyTransitions: 1 });
}, 60_000);

test('a message that arrives after its day was rolled up is counted by the next nights', async () => {
  await probe(MONDAY + HOUR, 4, 4);
  await tell('corrupt', MONDAY + DAY - MINUTE);
  await rollUp(MONDAY + DAY + 5 * MINUTE);
  expect(await figuresOf('2024-01-01')).toMatchObject({ undeliveredTransitions: 1, alertMissRate: 1 });
  await settleAll('delivered');
  expect((await rollUp(MONDAY + 2 * DAY + 5 * MINUTE)).day).toBe('2024-01-02');
  expect(await figuresOf('2024-01-01')).toMatchObject({ undeliveredTransitions: 0, alertMissRate: 0, probes: 4 });
});

test('a message that one of two receivers has is told, though the other never takes it', async () => {
  const event = eventOf('corrupt', MONDAY, { key: 'corrupt', detail: '' });
  const plan = { ...PLAN, receivers: ['slack', 'webhook'] };
  await state.monitor.commitRound({ asOf: MONDAY, memory: NOTHING_SEEN, events: [event] }, plan);
  const [messageKey = ''] = await state.outbox.pending(1);
  const settle = (receiver: string, how: 'delivered' | 'undeliverable') =>
    state.outbox.settle({ messageKey, receiver, state: how, error: null, changedAt: MONDAY });
  await settle('slack', 'undeliverable');
  await rollUp(MONDAY + DAY);
  expect(await figuresOf('2024-01-01')).toMatchObject({ undeliveredTransitions: 1 });
  await settle('webhook', 'delivered');
  await rollUp(MONDAY + DAY);
  expect(await figuresOf('2024-01-01')).toMatchObject({ unhealthyTransitions: 1, undeliveredTransitions: 0 });
});

test('days are kept when the probes and events behind them are forgotten', async () => {
  await probe(MONDAY + HOUR, 4, 3);
  await tell('corrupt', MONDAY + HOUR);
  await rollUp(MONDAY + DAY);
  await rollUp(MONDAY + 92 * DAY);
  expect(await state.monitor.probes(0, MONDAY + 100 * DAY)).toEqual([]);
  expect(await state.outbox.events(0, 10)).toEqual([]);
  expect(await figuresOf('2024-01-01')).toMatchObject({ availability: 0.75, unhealthyTransitions: 1 });
});
