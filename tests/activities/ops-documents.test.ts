/** What `alerts.json` says of alerts that fire for long, over a real state store. */
import { join } from 'node:path';
import { createRollUpDay } from '../../activities/monitor';
import { createWriteOpsDocuments } from '../../activities/ops-documents';
import type { ActivityPorts } from '../../activities/ports';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import { eventOf } from '../../src/domain/event';
import type { Event, EventFacts, EventKind } from '../../src/domain/event';
import type { MonitorMemory } from '../../src/domain/monitor-memory';
import { DAY, MINUTE, parseTimeframe } from '../../src/domain/timeframe';
import { systemClock } from '../../src/ports/clock';
import type { AlertsDocument } from '../../src/web/ops-documents';
import { inActivity } from '../activity-context';
import { closedAfterEach, temporaryFolders } from '../ports/store-fixtures';
import { NOTHING_SEEN } from '../../src/domain/monitor-memory';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const BEGIN = Date.UTC(2024, 0, 1);
const PLAN = { receivers: ['slack'], perMinute: 1000 };

let state: StateStore;
let ports: ActivityPorts;
let alerts: AlertsDocument;
beforeEach(async () => {
  state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  const opsDocuments = {
    write: async (name: string, text: string) => {
      if (name === 'alerts.json') alerts = JSON.parse(text) as AlertsDocument;
    },
  };
  const settings = { slaObjective: 0.999 };
  ports = { ...state, clock: systemClock, settings, notifiers: [], opsDocuments } as unknown as ActivityPorts;
});

const about = (kind: EventKind, at: number, facts: Partial<EventFacts> = {}): Event =>
  eventOf(kind, at, { key: `${kind} 1`, detail: `why ${kind}`, ...facts });
const watch = { status: 'fresh', since: BEGIN, observations: 1, alert: null, lastTold: null } as const;

/** A round that tells these, whose messages all arrive. */
async function round(asOf: number, memory: MonitorMemory, events: readonly Event[] = []): Promise<void> {
  await state.monitor.commitRound({ asOf, memory, events }, PLAN);
  for (const messageKey of await state.outbox.pending(1000))
    await state.outbox.settle({ messageKey, receiver: 'slack', state: 'delivered', error: null, changedAt: asOf });
}

async function firingAt(asOf: number): Promise<AlertsDocument['firing']> {
  await inActivity(() => createWriteOpsDocuments(ports)({ asOf }));
  return alerts.firing;
}

const flagged: MonitorMemory = {
  ...NOTHING_SEEN,
  pairs: { 'BTC/USDT 1h': { ...watch, degraded: 'degraded 1', blocked: 'export_block 1' } },
  manifest: 'manifest_failure 1',
  untrained: { '1h': 'training_overdue 1' },
};
const FLAGS = ['degraded', 'export_block', 'manifest_failure', 'training_overdue'] as const;
const TOLD = { notified: 1, last_notified_at: '2024-01-01T00:00:00Z', delivery: 'delivered' };

test('an alert that was told once fires as long as it holds, however many events and days ago that was', async () => {
  const insufficient = { ...watch, status: 'insufficient_data', alert: 'insufficient_data 1' } as const;
  const memory = {
    ...flagged,
    pairs: { ...flagged.pairs, 'ETH/USDT 1h': { ...insufficient, degraded: null, blocked: null } },
  };
  const kinds = ['insufficient_data', ...FLAGS] as const;
  await round(
    BEGIN,
    memory,
    kinds.map((kind) => about(kind, BEGIN)),
  );
  const noise = Array.from({ length: 5_001 }, (_, k) => about('overrun', BEGIN + MINUTE, { key: `overrun ${k}` }));
  await state.events.record(noise);
  for (const asOf of [BEGIN + 2 * MINUTE, BEGIN + 20 * DAY]) {
    const firing = await firingAt(asOf);
    expect(firing.map(({ event }) => event).toSorted()).toEqual([...kinds].toSorted());
    for (const alert of firing) {
      const shown = { detail: `why ${alert.event}`, since: '2024-01-01T00:00:00Z', ...TOLD };
      expect(alert).toMatchObject(shown);
    }
  }
});

test('what began an alert outlives the other events while it fires, its message too, and not longer', async () => {
  await round(BEGIN, flagged, [...FLAGS.map((kind) => about(kind, BEGIN)), about('drift', BEGIN)]);
  await round(BEGIN + 100 * DAY, flagged);
  const rollUp = (asOf: number) => inActivity(() => createRollUpDay(ports)({ asOf }));
  await rollUp(BEGIN + 100 * DAY);
  expect((await firingAt(BEGIN + 100 * DAY)).map(({ event, delivery }) => `${event} ${delivery}`)).toEqual(
    FLAGS.map((kind) => `${kind} delivered`),
  );
  expect(await state.outbox.told('drift 1')).toBeNull();
  await round(BEGIN + 101 * DAY, NOTHING_SEEN);
  await rollUp(BEGIN + 101 * DAY);
  expect(await state.outbox.events(0, 10)).toEqual([]);
});

test('commits of a cycle that failed long ago fire until one succeeds', async () => {
  const key = 'manifest_failure 1M';
  await state.events.record([about('manifest_failure', BEGIN, { key, timeframe: parseTimeframe('1M') })]);
  await round(BEGIN + MINUTE, NOTHING_SEEN);
  expect(await firingAt(BEGIN + 8 * DAY)).toMatchObject([{ key, notified: 1, detail: 'why manifest_failure' }]);
  await state.events.record([about('manifest_recovery', BEGIN + 8 * DAY, { key: 'over', alert: key, ends: key })]);
  expect(await firingAt(BEGIN + 8 * DAY)).toEqual([]);
});

test('the newest event of an alert speaks for it, and its messages are counted but for the muted', async () => {
  const key = 'hard_stale 1';
  const memory = {
    ...NOTHING_SEEN,
    pairs: { 'BTC/USDT 1h': { ...watch, status: 'hard_stale', alert: key, degraded: null, blocked: null } as const },
  };
  await round(BEGIN, memory, [about('hard_stale', BEGIN)]);
  const repeat = (n: number, at: number) =>
    about('hard_stale_repeat', at, { key: `repeat ${n}`, alert: key, detail: `time ${n}`, since: BEGIN });
  await round(BEGIN + MINUTE, memory, [repeat(1, BEGIN + MINUTE)]);
  await state.outbox.mute({ at: BEGIN + 2 * MINUTE, until: BEGIN + DAY, reason: 'a move' });
  await round(BEGIN + 3 * MINUTE, memory, [repeat(2, BEGIN + 3 * MINUTE)]);
  expect(await firingAt(BEGIN + 4 * MINUTE)).toMatchObject([
    {
      event: 'hard_stale_repeat',
      detail: 'time 2',
      since: '2024-01-01T00:00:00Z',
      notified: 2,
      last_notified_at: '2024-01-01T00:01:00Z',
      delivery: 'muted',
    },
  ]);
});
