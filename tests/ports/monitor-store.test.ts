import { join } from 'node:path';
import { eventOf } from '../../src/domain/event';
import type { Event, EventKind } from '../../src/domain/event';
import { HOUR, MINUTE, parseTimeframe } from '../../src/domain/timeframe';
import type { LifecycleKind } from '../../src/ports/model-registry';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import type { MonitorRound } from '../../src/ports/monitor-store';
import { closedAfterEach, temporaryFolders } from './store-fixtures';
import { NOTHING_SEEN } from '../../src/domain/monitor-memory';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const AT = Date.UTC(2024, 0, 1, 12);
const PLAN = { receivers: ['slack', 'webhook'], perMinute: 10 };

let path: string;
let state: StateStore;

beforeEach(async () => {
  path = join(temporaryFolder(), 'state.db');
  state = closed(await openStateStore(path));
});

const event = (kind: EventKind, n = 1, at = AT): Event =>
  eventOf(kind, at, { key: `${kind} ${n}`, detail: `detail ${n}` });
const round = (at: number, ...events: Event[]): MonitorRound => ({ asOf: at, memory: NOTHING_SEEN, events });
const kinds = async (limit = 100): Promise<string[]> => {
  const keys = await state.outbox.pending(limit);
  return (await Promise.all(keys.map((key) => state.outbox.message(key)))).map((message) => message?.kind ?? 'summary');
};

describe('a round of the monitor', () => {
  test('I50 memory, events and messages are there together, also after the process has gone', async () => {
    const memory = { ...NOTHING_SEEN, manifest: 'some alert' };
    expect(await state.monitor.commitRound({ asOf: AT, memory, events: [event('corrupt')] }, PLAN)).toBe(true);
    await state.close();
    const again = closed(await openStateStore(path));
    expect(await again.monitor.last()).toEqual({ asOf: AT, memory });
    const [key] = await again.outbox.pending(10);
    expect(await again.outbox.message(key ?? '')).toMatchObject({ kind: 'corrupt', count: 1 });
    expect((await again.outbox.deliveries(key ?? '')).map(({ receiver, state: is }) => [receiver, is])).toEqual([
      ['slack', 'pending'],
      ['webhook', 'pending'],
    ]);
  });

  test('I50 a round that fails in the middle leaves nothing of itself', async () => {
    const twice = { ...PLAN, receivers: ['slack', 'slack'] };
    await expect(state.monitor.commitRound(round(AT, event('corrupt')), twice)).rejects.toThrow();
    expect(await state.monitor.last()).toBeNull();
    expect(await state.outbox.events(0, 10)).toEqual([]);
  });

  test('I10 the same round again, or an older one that comes late, changes nothing', async () => {
    await state.monitor.commitRound(round(AT, event('corrupt')), PLAN);
    expect(await state.monitor.commitRound(round(AT, event('missing')), PLAN)).toBe(false);
    expect(await state.monitor.commitRound(round(AT - MINUTE, event('missing')), PLAN)).toBe(false);
    expect(await kinds()).toEqual(['corrupt']);
  });

  test('events that other parts record are told by the next round, once', async () => {
    await state.events.record([event('promotion'), event('promotion')]);
    await state.events.record([event('promotion')]);
    await state.monitor.commitRound(round(AT), PLAN);
    await state.events.record([event('promotion')]);
    await state.monitor.commitRound(round(AT + MINUTE), PLAN);
    expect(await kinds()).toEqual(['promotion']);
  });

  test('I52 what finds no room in this minute is told in the next', async () => {
    const one = { ...PLAN, perMinute: 1 };
    await state.monitor.commitRound(round(AT, event('corrupt'), event('missing')), one);
    await state.monitor.commitRound(round(AT + 1_000, event('drift')), one);
    expect(await kinds()).toEqual(['summary']);
    await state.monitor.commitRound(round(AT + MINUTE), one);
    expect(await kinds()).toEqual(['summary', 'drift']);
  });

  test('without receivers an event counts as logged', async () => {
    await state.monitor.commitRound(round(AT, event('corrupt')), { ...PLAN, receivers: [] });
    expect(await state.outbox.pending(10)).toEqual([]);
    expect(await state.outbox.events(0, 10)).toMatchObject([{ delivery: 'logged', event: { kind: 'corrupt' } }]);
  });
});

test('I50 what happens to models is told with the change itself; decisions that change nothing are not', async () => {
  const plain = { timeframe: parseTimeframe('1h'), at: AT, version: 'v2', criteria: [], facts: {} };
  const record = (kind: LifecycleKind, verdict: string) =>
    state.models.record({ ...plain, key: `${kind} ${verdict}`, kind, verdict, by: 'automatic', reason: 'why' });
  const quiet = [
    ['decision', 'KEEP'],
    ['drift', 'calm'],
    ['training', 'done'],
    ['change', 'first'],
    ['change', 'refit'],
  ] as const;
  for (const [kind, verdict] of quiet) await record(kind, verdict);
  expect(await state.outbox.events(0, 10)).toEqual([]);
  for (const verdict of ['promotion', 'naive', 'rollback']) await record('change', verdict);
  for (const verdict of ['failed', 'partial', 'failed']) await record('training', verdict);
  await record('drift', 'drift');
  await record('change', 'refused');
  await record('report', 'failed');
  const told = (await state.outbox.events(0, 10)).map(({ event: { kind } }) => kind);
  expect(told.toSorted()).toEqual([
    'change_refused',
    'drift',
    'promotion',
    'promotion',
    'report_failed',
    'rollback',
    'training_failed',
    'training_failed',
  ]);
  const [one] = await state.outbox.events(0, 1);
  expect(one?.event).toMatchObject({ timeframe: '1h', detail: 'model v2: why (automatic)' });
});

describe('deliveries', () => {
  const settle = (receiver: string, is: 'pending' | 'delivered' | 'undeliverable', error: string | null = null) =>
    state.outbox.settle({ messageKey: key, receiver, state: is, error, changedAt: AT });
  let key = '';

  beforeEach(async () => {
    await state.monitor.commitRound(round(AT, event('corrupt')), PLAN);
    [key = ''] = await state.outbox.pending(1);
  });

  test('a message waits until every receiver has it; what was delivered stays so', async () => {
    await settle('slack', 'pending', 'HTTP 500');
    await settle('slack', 'delivered');
    expect(await state.outbox.pending(10)).toEqual([key]);
    await settle('webhook', 'undeliverable', 'gone');
    await settle('slack', 'pending', 'late');
    expect(await state.outbox.pending(10)).toEqual([]);
    expect(await state.outbox.deliveries(key)).toMatchObject([
      { receiver: 'slack', state: 'delivered', attempts: 2 },
      { receiver: 'webhook', state: 'undeliverable', error: 'gone' },
    ]);
    expect(await state.outbox.events(0, 1)).toMatchObject([{ delivery: 'undeliverable' }]);
  });

  test('where not all find room, those that nobody has tried come first, then the one tried longest ago: a dead receiver starves none', async () => {
    const two = { ...PLAN, perMinute: 100 };
    await state.monitor.commitRound(round(AT + MINUTE, event('missing', 2, AT + MINUTE)), two);
    const [, second = ''] = await state.outbox.pending(2);
    await settle('slack', 'delivered');
    await settle('webhook', 'pending', 'HTTP 404');
    await state.monitor.commitRound(round(AT + 2 * MINUTE, event('drift', 3, AT + 2 * MINUTE)), two);
    expect(await kinds()).toEqual(['corrupt', 'missing', 'drift']);
    expect(await kinds(1)).toEqual(['missing']);
    expect(await kinds(2)).toEqual(['missing', 'drift']);
    for (const receiver of ['slack', 'webhook']) {
      await state.outbox.settle({ messageKey: second, receiver, state: 'pending', error: 'x', changedAt: AT - 1 });
    }
    expect(await kinds(1)).toEqual(['drift']);
    expect(await kinds(2)).toEqual(['missing', 'drift']);
  });

  test('a receiver that is gone stays disabled until it is reached', async () => {
    await state.outbox.recordReceiver('slack', 'gone', AT, '410');
    expect(await state.outbox.receivers()).toMatchObject([{ name: 'slack', disabledAt: AT, lastSuccessAt: null }]);
    await state.outbox.recordReceiver('slack', 'success', AT + 1, null);
    expect(await state.outbox.receivers()).toMatchObject([{ disabledAt: null, lastSuccessAt: AT + 1 }]);
  });
});

describe('a mute', () => {
  test('holds messages back, and its end is told once with what it held', async () => {
    await state.monitor.commitRound(round(AT), PLAN);
    await state.outbox.mute({ at: AT, until: AT + HOUR, reason: 'moving the disk' });
    await state.monitor.commitRound(round(AT + MINUTE, event('corrupt', 1, AT + MINUTE)), PLAN);
    expect(await state.outbox.pending(10)).toEqual([]);
    expect(await state.outbox.events(0, 10)).toMatchObject([{ delivery: 'muted' }]);
    await state.monitor.commitRound(round(AT + HOUR), PLAN);
    await state.monitor.commitRound(round(AT + HOUR + MINUTE), PLAN);
    expect(await kinds()).toEqual(['corrupt', 'mute_ended']);
    const [ended] = await state.outbox.events(AT + HOUR, 1);
    expect(ended?.event.detail).toBe(
      'muted for: moving the disk; 1 messages were held back ("alert list" shows them): what still is so is told now',
    );
  });

  test('whose end comes tells what began in it and still is so, grouped, and the ends of what was told before it; the rest stays untold', async () => {
    const ending = (kind: EventKind, n: number, ends: string, at: number): Event =>
      eventOf(kind, at, { key: `${kind} ${n}`, detail: '', alert: ends, ends });
    const level = (from: string, to: string, at: number): Event =>
      eventOf('disk_level', at, { key: `disk_level ${to} ${at}`, detail: '', from, to });
    await state.monitor.commitRound(round(AT, event('degraded', 1), event('training_overdue', 1)), PLAN);
    for (const key of await state.outbox.pending(10)) {
      for (const receiver of PLAN.receivers) {
        await state.outbox.settle({ messageKey: key, receiver, state: 'delivered', error: null, changedAt: AT });
      }
    }
    await state.outbox.mute({ at: AT + 1, until: AT + HOUR, reason: 'a move' });
    const at = AT + MINUTE;
    const begun = [
      event('export_block', 1, at),
      event('export_block', 2, at),
      event('fill_stalled', 1, at),
      event('insufficient_data', 1, at),
      event('overrun', 1, at),
      level('ok', 'block', at),
    ];
    await state.monitor.commitRound(round(at, ...begun), PLAN);
    const over = [
      ending('fill_resumed', 1, 'fill_stalled 1', at + MINUTE),
      ending('degraded_end', 1, 'degraded 1', at),
    ];
    await state.monitor.commitRound(round(at + MINUTE, ...over), PLAN);
    expect(await state.outbox.pending(10)).toEqual([]);
    // What ends with the mute is not told to begin.
    const last = ending('recovery', 1, 'insufficient_data 1', AT + HOUR);
    await state.monitor.commitRound(round(AT + HOUR, last), PLAN);
    expect((await kinds()).toSorted()).toEqual([
      'degraded_end',
      'disk_level',
      'export_block',
      'mute_ended',
      'recovery',
    ]);
    const blocks = (await state.outbox.pending(10)).find((key) => key.startsWith('export_block'));
    expect(await state.outbox.message(blocks ?? '')).toMatchObject({
      count: 2,
      lines: [
        'the system: since 2024-01-01T12:01:00Z, 59 min: detail 1',
        'the system: since 2024-01-01T12:01:00Z, 59 min: detail 2',
      ],
    });
    await state.monitor.commitRound(round(AT + HOUR + MINUTE), PLAN);
    expect(await state.outbox.pending(10)).toHaveLength(5);
  });

  test('that was made longer and then lifted by hand tells what was held since it began, not what a mute before it held', async () => {
    await state.monitor.commitRound(round(AT), PLAN);
    const muted = async (from: number, until: number, reason: string) => state.outbox.mute({ at: from, until, reason });
    await muted(AT, AT + MINUTE, 'before');
    await state.monitor.commitRound(round(AT + 1_000, event('missing', 1, AT + 1_000)), PLAN);
    await state.monitor.commitRound(round(AT + 2 * MINUTE), PLAN);
    await muted(AT + 3 * MINUTE, AT + HOUR, 'a move');
    await state.monitor.commitRound(round(AT + 4 * MINUTE, event('corrupt', 1, AT + 4 * MINUTE)), PLAN);
    await muted(AT + 5 * MINUTE, AT + 2 * HOUR, 'a longer move');
    await muted(AT + 6 * MINUTE, AT + 6 * MINUTE, 'ended by hand');
    await state.monitor.commitRound(round(AT + 7 * MINUTE), PLAN);
    const [ended] = await state.outbox.events(AT + 7 * MINUTE, 1);
    expect(ended?.event).toMatchObject({ kind: 'mute_ended', since: AT + 3 * MINUTE });
    expect(ended?.event.detail).toContain('; 1 messages were held back');
  });

  test('I56 every mute is kept; the newest holds, so one that ends now lifts it', async () => {
    await state.outbox.mute({ at: AT, until: AT + HOUR, reason: 'a' });
    await state.outbox.mute({ at: AT + 1, until: AT + 1, reason: 'ended' });
    expect(await state.outbox.lastMute()).toEqual({ at: AT + 1, until: AT + 1, reason: 'ended' });
    await state.monitor.commitRound(round(AT + MINUTE, event('corrupt')), PLAN);
    expect(await kinds()).toEqual(['corrupt']);
  });
});

test('probes are kept once a time, days for good, and old events are removed', async () => {
  const probe = { at: AT, probes: 4, good: 3, fault: 'x' };
  await state.monitor.recordProbes(probe);
  await state.monitor.recordProbes({ ...probe, good: 4 });
  expect(await state.monitor.probes(AT, AT + 1)).toEqual([probe]);
  expect(await state.monitor.lastProbes(AT)).toBeNull();
  expect(await state.monitor.lastProbes(AT + 1)).toEqual(probe);
  await state.monitor.commitRound(round(AT, event('corrupt')), PLAN);
  await state.monitor.forget(AT + 1, []);
  expect(await state.monitor.probes(0, AT + 1)).toEqual([]);
  expect(await state.outbox.events(0, 10)).toEqual([]);
  expect(await state.outbox.pending(10)).toEqual([]);
});
