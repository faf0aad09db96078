import { failedCommits } from '../../domain/event';
import type { Event } from '../../domain/event';
import type { EpochMs } from '../../domain/types';
import type { EventLog } from '../../ports/event-log';
import type { StateConnection, StateDatabase } from './state-database';

export class SqliteEventLog implements EventLog {
  constructor(private readonly state: StateDatabase) {}

  async record(events: readonly Event[]): Promise<void> {
    if (events.length > 0) await this.state.write((db) => insertEvents(db, events));
  }

  async failedCommits(from: EpochMs): Promise<Event[]> {
    const rows = await this.state.read((db) =>
      db
        .selectFrom('event')
        .select('event')
        .where('at', '>=', from)
        .where('kind', 'in', ['manifest_failure', 'manifest_recovery'])
        .orderBy('at')
        .orderBy('key')
        .execute(),
    );
    return failedCommits(rows.map(({ event }) => JSON.parse(event) as Event));
  }
}

/** Within the transaction of the state change that the events tell of. */
export async function insertEvents(db: StateConnection, events: readonly Event[]): Promise<void> {
  for (const event of events) {
    await db
      .insertInto('event')
      .values({ key: event.key, kind: event.kind, at: event.at, event: JSON.stringify(event), message_key: null })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
