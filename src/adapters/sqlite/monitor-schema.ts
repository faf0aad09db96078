/** Tables of the monitor: its memory, the events, the messages that tell of them, and the probes. */
import type { EventKind } from '../../domain/event';
import type { EpochMs } from '../../domain/types';
import type { DeliveryState } from '../../ports/alert-outbox';
import type { Migration } from './migration';

export interface MonitorMemoryTable {
  /** Always 1: there is one monitor. */
  id: number;
  as_of: EpochMs;
  /** JSON of a MonitorMemory. */
  memory: string;
}

export interface EventTable {
  key: string;
  kind: EventKind;
  at: EpochMs;
  /** JSON of an Event. */
  event: string;
  /** Null while no message tells of it. */
  message_key: string | null;
}

export interface MessageTable {
  key: string;
  at: EpochMs;
  /** JSON of an AlertMessage. */
  message: string;
}

export interface DeliveryTable {
  message_key: string;
  receiver: string;
  state: DeliveryState;
  attempts: number;
  error: string | null;
  changed_at: EpochMs;
}

export interface ReceiverTable {
  name: string;
  disabled_at: EpochMs | null;
  last_success_at: EpochMs | null;
  last_failure_at: EpochMs | null;
  last_error: string | null;
}

export interface MuteTable {
  at: EpochMs;
  until: EpochMs;
  reason: string;
}

export interface ProbeTable {
  at: EpochMs;
  probes: number;
  good: number;
  fault: string | null;
}

export interface SlaDayTable {
  day: string;
  /** JSON of the SlaFigures. */
  figures: string;
}

export interface MonitorSchema {
  monitor_memory: MonitorMemoryTable;
  event: EventTable;
  alert_message: MessageTable;
  alert_delivery: DeliveryTable;
  alert_receiver: ReceiverTable;
  alert_mute: MuteTable;
  probe: ProbeTable;
  sla_day: SlaDayTable;
}

export const MONITOR_MIGRATION: Migration = {
  version: 7,
  name: 'monitor',
  statements: [
    `CREATE TABLE monitor_memory (
      id INTEGER PRIMARY KEY CHECK (id = 1), as_of INTEGER NOT NULL, memory TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE event (
      key TEXT PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL, message_key TEXT
    ) STRICT`,
    'CREATE INDEX event_untold ON event (at) WHERE message_key IS NULL',
    'CREATE INDEX event_by_time ON event (at)',
    `CREATE TABLE alert_message (key TEXT PRIMARY KEY, at INTEGER NOT NULL, message TEXT NOT NULL) STRICT`,
    'CREATE INDEX alert_message_by_time ON alert_message (at)',
    `CREATE TABLE alert_delivery (
      message_key TEXT NOT NULL, receiver TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
      error TEXT, changed_at INTEGER NOT NULL, PRIMARY KEY (message_key, receiver)
    ) STRICT, WITHOUT ROWID`,
    `CREATE INDEX alert_delivery_pending ON alert_delivery (changed_at) WHERE state = 'pending'`,
    `CREATE TABLE alert_receiver (
      name TEXT PRIMARY KEY, disabled_at INTEGER, last_success_at INTEGER, last_failure_at INTEGER, last_error TEXT
    ) STRICT`,
    `CREATE TABLE alert_mute (at INTEGER PRIMARY KEY, until INTEGER NOT NULL, reason TEXT NOT NULL) STRICT`,
    `CREATE TABLE probe (
      at INTEGER PRIMARY KEY, probes INTEGER NOT NULL, good INTEGER NOT NULL, fault TEXT
    ) STRICT`,
    `CREATE TABLE sla_day (day TEXT PRIMARY KEY, figures TEXT NOT NULL) STRICT`,
  ],
};

/** An alert that fires for weeks, and the transitions of a month, are found among the reminders of a long outage. */
export const EVENT_INDEX_MIGRATION: Migration = {
  version: 11,
  name: 'events by alert and by kind',
  statements: [
    `CREATE INDEX event_by_alert ON event (json_extract(event, '$.alert'), at, message_key)`,
    'CREATE INDEX event_by_kind ON event (kind, at)',
  ],
};
