import { planMessages } from '../../domain/alert-messages';
import type { PlannedMessage } from '../../domain/alert-messages';
import { eventOf, owedAfterMute } from '../../domain/event';
import type { Event } from '../../domain/event';
import type { MonitorMemory } from '../../domain/monitor-memory';
import { isAhead } from '../../domain/run-order';
import type { SlaFigures } from '../../domain/sla';
import { DAY, MINUTE } from '../../domain/timeframe';
import type { EpochMs } from '../../domain/types';
import type { DeliveryPlan, MonitorRound, MonitorStore, ProbeRound, SlaDay } from '../../ports/monitor-store';
import { insertEvents } from './event-log';
import type { StateConnection, StateDatabase } from './state-database';

/** Events taken into one round's messages; the rest waits for the next. */
const EVENTS_A_ROUND = 5_000;

export class SqliteMonitorStore implements MonitorStore {
  constructor(private readonly state: StateDatabase) {}

  async last(): Promise<{ readonly asOf: EpochMs; readonly memory: MonitorMemory } | null> {
    return this.state.read(lastOf);
  }

  async commitRound(
    { asOf, memory, events }: MonitorRound,
    plan: DeliveryPlan,
    now: EpochMs = Number.POSITIVE_INFINITY,
  ): Promise<boolean> {
    return this.state.write(async (db) => {
      const last = await lastOf(db);
      if (last !== null && last.asOf >= asOf && !isAhead(last.asOf, asOf, now)) return false;
      const row = { as_of: asOf, memory: JSON.stringify(memory) };
      await db
        .insertInto('monitor_memory')
        .values({ id: 1, ...row })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute();
      await insertEvents(db, events);
      const ended = await endOfMute(db, last?.asOf ?? null, asOf);
      await insertEvents(db, ended);
      for (const { since } of ended) await tellHeld(db, since);
      await makeMessages(db, asOf, plan);
      return true;
    });
  }

  async settleChanged(asOf: EpochMs): Promise<void> {
    await this.state.write(async (db) => {
      const last = await lastOf(db);
      if (last?.asOf !== asOf) return;
      const memory = JSON.stringify({ ...last.memory, changed: [] });
      await db.updateTable('monitor_memory').set({ memory }).execute();
    });
  }

  async recordProbes(round: ProbeRound): Promise<void> {
    await this.state.write((db) =>
      db
        .insertInto('probe')
        .values(round)
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
  }

  async probes(from: EpochMs, to: EpochMs): Promise<ProbeRound[]> {
    return this.state.read((db) =>
      db.selectFrom('probe').selectAll().where('at', '>=', from).where('at', '<', to).orderBy('at').execute(),
    );
  }

  async lastProbes(before: EpochMs): Promise<ProbeRound | null> {
    const newest = await this.state.read((db) =>
      db.selectFrom('probe').selectAll().where('at', '<', before).orderBy('at', 'desc').limit(1).executeTakeFirst(),
    );
    return newest ?? null;
  }

  async recordDay({ day, figures }: SlaDay): Promise<void> {
    const values = { figures: JSON.stringify(figures) };
    await this.state.write((db) =>
      db
        .insertInto('sla_day')
        .values({ day, ...values })
        .onConflict((conflict) => conflict.column('day').doUpdateSet(values))
        .execute(),
    );
  }

  async days(limit: number): Promise<SlaDay[]> {
    const rows = await this.state.read((db) =>
      db.selectFrom('sla_day').selectAll().orderBy('day', 'desc').limit(limit).execute(),
    );
    return rows.map(({ day, figures }) => ({ day, figures: JSON.parse(figures) as SlaFigures }));
  }

  async forget(before: EpochMs, firing: readonly string[]): Promise<void> {
    await this.state.write(async (db) => {
      // The event that begins an alert has the alert's key.
      await db.deleteFrom('event').where('at', '<', before).where('key', 'not in', firing).execute();
      const kept = await db.selectFrom('event').select('message_key').where('key', 'in', firing).execute();
      const old = db
        .selectFrom('alert_message')
        .select('key')
        .where('at', '<', before)
        .where(
          'key',
          'not in',
          kept.map(({ message_key: key }) => key).filter((key) => key !== null),
        );
      await db.deleteFrom('alert_delivery').where('message_key', 'in', old).execute();
      await db.deleteFrom('alert_message').where('key', 'in', old).execute();
      await db.deleteFrom('probe').where('at', '<', before).execute();
    });
  }
}

async function lastOf(db: StateConnection): Promise<{ readonly asOf: EpochMs; readonly memory: MonitorMemory } | null> {
  const row = await db.selectFrom('monitor_memory').select(['as_of', 'memory']).executeTakeFirst();
  if (row === undefined) return null;
  // What an earlier version did not watch is not there.
  const memory = JSON.parse(row.memory) as Omit<MonitorMemory, 'untrained' | 'store'> & Partial<MonitorMemory>;
  return { asOf: row.as_of, memory: { untrained: {}, store: null, ...memory } };
}

/** The end of a mute is told once, with what it held back. */
async function endOfMute(db: StateConnection, after: EpochMs | null, asOf: EpochMs): Promise<Event[]> {
  const [mute, ...earlier] = await db.selectFrom('alert_mute').selectAll().orderBy('at', 'desc').execute();
  if (mute === undefined || after === null || !(after < mute.until && mute.until <= asOf)) return [];
  // One that replaced another while it held goes on with it; the last may only have lifted it.
  let since = mute.at;
  for (const { at, until } of earlier) {
    if (until < since) break;
    since = at;
  }
  if (since === mute.until) return [];
  const { held } = await db
    .selectFrom('alert_message')
    .where('at', '>=', since)
    .where('at', '<=', mute.until)
    .select(({ fn }) => fn.countAll<number>().as('held'))
    .executeTakeFirstOrThrow();
  const key = `mute_ended ${new Date(mute.until).toISOString()}`;
  const detail = `muted for: ${mute.reason}; ${held} messages were held back ("alert list" shows them): what still is so is told now`;
  return [eventOf('mute_ended', asOf, { key, detail, since })];
}

/** What the mute that began at `since` held back and is not over has no message any more, so that it gets one now. */
async function tellHeld(db: StateConnection, since: EpochMs): Promise<void> {
  // A message that waited for its receiver when the mute began is held back too; none waits longer than a day.
  const known = await db
    .selectFrom('event')
    .select(['event', 'message_key'])
    .where('at', '>=', since - DAY)
    .orderBy('at')
    .orderBy('key')
    .execute();
  const muted = await db.selectFrom('alert_delivery').select('message_key').where('state', '=', 'muted').execute();
  const keys = new Set(muted.map(({ message_key: key }) => key));
  const events = known.map(({ event, message_key: message }) => ({
    event: JSON.parse(event) as Event,
    held: message !== null && keys.has(message),
  }));
  for (const { key } of owedAfterMute(events)) {
    await db.updateTable('event').set({ message_key: null }).where('key', '=', key).execute();
  }
}

async function makeMessages(db: StateConnection, asOf: EpochMs, plan: DeliveryPlan): Promise<void> {
  const untold = await db
    .selectFrom('event')
    .select('event')
    .where('message_key', 'is', null)
    .where('at', '<=', asOf)
    .orderBy('at')
    .orderBy('key')
    .limit(EVENTS_A_ROUND)
    .execute();
  const { recent } = await db
    .selectFrom('alert_message')
    .where('at', '>', asOf - MINUTE)
    .where('at', '<=', asOf)
    .select(({ fn }) => fn.countAll<number>().as('recent'))
    .executeTakeFirstOrThrow();
  const muted = await isMuted(db, asOf);
  const events = untold.map(({ event }) => JSON.parse(event) as Event);
  for (const planned of planMessages(events, { at: asOf, recent, perMinute: plan.perMinute })) {
    await keepMessage(db, planned, plan.receivers, muted ? 'muted' : 'pending');
  }
}

async function isMuted(db: StateConnection, asOf: EpochMs): Promise<boolean> {
  const mute = await db.selectFrom('alert_mute').selectAll().orderBy('at', 'desc').limit(1).executeTakeFirst();
  return mute !== undefined && mute.until > asOf;
}

async function keepMessage(
  db: StateConnection,
  { message, events }: PlannedMessage,
  receivers: readonly string[],
  state: 'pending' | 'muted',
): Promise<void> {
  const { key, at } = message;
  await db
    .insertInto('alert_message')
    .values({ key, at, message: JSON.stringify(message) })
    .execute();
  for (const event of events) {
    await db.updateTable('event').set({ message_key: key }).where('key', '=', event.key).execute();
  }
  for (const receiver of receivers) {
    const delivery = { message_key: key, receiver, state, attempts: 0, error: null, changed_at: at };
    await db.insertInto('alert_delivery').values(delivery).execute();
  }
}
