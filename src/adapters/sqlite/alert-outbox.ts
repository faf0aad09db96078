import { sql } from 'kysely';
import type { AlertMessage } from '../../domain/alert-messages';
import type { Event } from '../../domain/event';
import type { EpochMs } from '../../domain/types';
import type {
  AlertOutbox,
  Delivery,
  DeliveryState,
  EventChoice,
  Mute,
  ReceiverRecord,
  ToldAlert,
  ToldEvent,
} from '../../ports/alert-outbox';
import type { StateConnection, StateDatabase } from './state-database';

/** What a message with several receivers has come to, worst first. */
const WORST_FIRST: readonly DeliveryState[] = ['undeliverable', 'pending', 'muted', 'delivered'];

export class SqliteAlertOutbox implements AlertOutbox {
  constructor(private readonly state: StateDatabase) {}

  async message(key: string): Promise<AlertMessage | null> {
    const row = await this.state.read((db) =>
      db.selectFrom('alert_message').select('message').where('key', '=', key).executeTakeFirst(),
    );
    return row === undefined ? null : (JSON.parse(row.message) as AlertMessage);
  }

  async deliveries(messageKey: string): Promise<Delivery[]> {
    return this.state.read((db) =>
      db
        .selectFrom('alert_delivery')
        .select(['message_key as messageKey', 'receiver', 'state', 'attempts', 'error', 'changed_at as changedAt'])
        .where('message_key', '=', messageKey)
        .orderBy('receiver')
        .execute(),
    );
  }

  async pending(limit: number): Promise<string[]> {
    const rows = await this.state.read((db) =>
      db
        .selectFrom('alert_delivery')
        .innerJoin('alert_message', 'alert_message.key', 'alert_delivery.message_key')
        .select(['alert_message.key', 'alert_message.at'])
        .where('alert_delivery.state', '=', 'pending')
        .groupBy('alert_message.key')
        .orderBy(({ fn, eb }) => eb(fn.min('alert_delivery.attempts'), '>', 0))
        .orderBy(({ fn }) => fn.min('alert_delivery.changed_at'))
        .orderBy('alert_message.key')
        .limit(limit)
        .execute(),
    );
    return rows.toSorted((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1)).map(({ key }) => key);
  }

  async pendingCounts(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.state.read((db) =>
      db
        .selectFrom('alert_delivery')
        .select(({ fn }) => ['receiver', fn.countAll<number>().as('count')])
        .where('state', '=', 'pending')
        .groupBy('receiver')
        .execute(),
    );
    return new Map(rows.map(({ receiver, count }) => [receiver, count]));
  }

  async settle({ messageKey, receiver, state, error, changedAt }: Omit<Delivery, 'attempts'>): Promise<boolean> {
    const { numUpdatedRows } = await this.state.write((db) =>
      db
        .updateTable('alert_delivery')
        .set({ state, error, changed_at: changedAt, attempts: sql`attempts + 1` })
        .where((where) => where.and({ message_key: messageKey, receiver }))
        .where('state', '<>', 'delivered')
        .executeTakeFirst(),
    );
    return numUpdatedRows > 0n;
  }

  async receivers(): Promise<ReceiverRecord[]> {
    return this.state.read((db) =>
      db
        .selectFrom('alert_receiver')
        .select([
          'name',
          'disabled_at as disabledAt',
          'last_success_at as lastSuccessAt',
          'last_failure_at as lastFailureAt',
          'last_error as lastError',
        ])
        .orderBy('name')
        .execute(),
    );
  }

  async recordReceiver(
    name: string,
    outcome: 'success' | 'failure' | 'gone',
    at: EpochMs,
    error: string | null,
  ): Promise<void> {
    const never = { disabled_at: null, last_success_at: null, last_failure_at: null, last_error: null };
    const values =
      outcome === 'success'
        ? { last_success_at: at, disabled_at: null }
        : { last_failure_at: at, last_error: error, ...(outcome === 'gone' ? { disabled_at: at } : {}) };
    await this.state.write((db) =>
      db
        .insertInto('alert_receiver')
        .values({ name, ...never, ...values })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
        .execute(),
    );
  }

  async events(
    from: EpochMs,
    limit: number,
    { to = Number.MAX_SAFE_INTEGER, kinds }: EventChoice = {},
  ): Promise<ToldEvent[]> {
    return this.state.read(async (db) => {
      const inTime = toldEvents(db).where('event.at', '>=', from).where('event.at', '<', to);
      const chosen = kinds === undefined ? inTime : inTime.where('event.kind', 'in', kinds);
      const rows = await chosen.orderBy('event.at', 'desc').orderBy('event.key').limit(limit).execute();
      return rows.map(toldEventOf);
    });
  }

  async told(alert: string): Promise<ToldAlert | null> {
    return this.state.read(async (db) => {
      const endOf = async (order: 'asc' | 'desc'): Promise<ToldEvent | null> => {
        const key = db.selectFrom('event').select('event.key').where(ALERT, '=', alert);
        const end = key.orderBy('event.at', order).limit(1);
        const row = await toldEvents(db).where('event.key', '=', end).executeTakeFirst();
        return row === undefined ? null : toldEventOf(row);
      };
      const [newest, first] = [await endOf('desc'), await endOf('asc')];
      if (newest === null || first === null) return null;
      const counted = await db
        .selectFrom(
          db
            .selectFrom('event')
            .where(ALERT, '=', alert)
            .select(['event.at', 'event.message_key'])
            .orderBy('event.at', 'desc')
            .limit(EVENTS_COUNTED)
            .as('own'),
        )
        .where((own) =>
          own.not(
            own.exists(
              own
                .selectFrom('alert_delivery')
                .select('receiver')
                .whereRef('alert_delivery.message_key', '=', 'own.message_key')
                .where('state', '=', 'muted'),
            ),
          ),
        )
        .where('own.message_key', 'is not', null)
        .select(({ fn }) => [
          fn.count<number>('own.message_key').distinct().as('messages'),
          fn.max<EpochMs | null>('own.at').as('lastMessageAt'),
        ])
        .executeTakeFirstOrThrow();
      return { first: first.event, newest, ...counted };
    });
  }

  async mute(mute: Mute): Promise<void> {
    await this.state.write((db) => db.insertInto('alert_mute').values(mute).execute());
  }

  async lastMute(): Promise<Mute | null> {
    const row = await this.state.read((db) =>
      db.selectFrom('alert_mute').select(['at', 'until', 'reason']).orderBy('at', 'desc').limit(1).executeTakeFirst(),
    );
    return row ?? null;
  }
}

/** An alert that lasts for months has a reminder every few minutes. */
const EVENTS_COUNTED = 5_000;
/** As the index has it. */
const ALERT = sql<string>`json_extract(event.event, '$.alert')`;

function toldEvents(db: StateConnection) {
  return db
    .selectFrom('event')
    .leftJoin('alert_delivery', 'alert_delivery.message_key', 'event.message_key')
    .select(({ fn }) => [
      'event.key',
      'event.event',
      'event.message_key as messageKey',
      fn<string | null>('group_concat', ['alert_delivery.state']).as('states'),
    ])
    .groupBy('event.key');
}

function toldEventOf({
  event,
  messageKey,
  states,
}: {
  readonly event: string;
  readonly messageKey: string | null;
  readonly states: string | null;
}): ToldEvent {
  return {
    event: JSON.parse(event) as Event,
    messageKey,
    delivery: messageKey === null ? 'pending' : worstOf(states),
    reached: states?.split(',').includes('delivered') ?? false,
  };
}

function worstOf(states: string | null): DeliveryState | 'logged' {
  const found = new Set(states?.split(','));
  return WORST_FIRST.find((state) => found.has(state)) ?? 'logged';
}
