import type { AlertMessage } from '../domain/alert-messages';
import type { Event, EventKind } from '../domain/event';
import type { EpochMs } from '../domain/types';

/**
 * - `pending`        not sent yet, or not known to be
 * - `delivered`      the receiver said so
 * - `undeliverable`  given up: the receiver is gone, or did not take it for a day
 * - `muted`          held back by a mute
 */
export type DeliveryState = 'pending' | 'delivered' | 'undeliverable' | 'muted';

export interface Delivery {
  readonly messageKey: string;
  readonly receiver: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly error: string | null;
  readonly changedAt: EpochMs;
}

export interface ReceiverRecord {
  readonly name: string;
  /** Set when the receiver said that it is gone (410); nothing is sent until a test reaches it again. */
  readonly disabledAt: EpochMs | null;
  readonly lastSuccessAt: EpochMs | null;
  readonly lastFailureAt: EpochMs | null;
  readonly lastError: string | null;
}

export interface Mute {
  readonly at: EpochMs;
  readonly until: EpochMs;
  readonly reason: string;
}

/** An event and what became of its message; `logged` when no receiver is configured. */
export interface ToldEvent {
  readonly event: Event;
  readonly messageKey: string | null;
  readonly delivery: DeliveryState | 'logged';
  /** Some receiver has it, whatever became of it at the others. */
  readonly reached: boolean;
}

export interface EventChoice {
  readonly to?: EpochMs;
  /** Absent: of every kind. */
  readonly kinds?: readonly EventKind[];
}

export interface ToldAlert {
  readonly first: Event;
  readonly newest: ToldEvent;
  /** Messages of its newest 5,000 events, without those that a mute held back. */
  readonly messages: number;
  readonly lastMessageAt: EpochMs | null;
}

/** Messages that were decided on, until each receiver has them. */
export interface AlertOutbox {
  message(key: string): Promise<AlertMessage | null>;
  /** The deliveries of a message. */
  deliveries(messageKey: string): Promise<Delivery[]>;
  /**
   * Keys of messages with a pending delivery, oldest first. When there are more than `limit`, those that were not tried
   * yet are taken first, then those whose last attempt is longest ago: a receiver that is down starves no other.
   */
  pending(limit: number): Promise<string[]>;
  /** Pending deliveries by receiver. */
  pendingCounts(): Promise<ReadonlyMap<string, number>>;
  /** Records an attempt. A delivered one stays delivered: false when it was. */
  settle(delivery: Omit<Delivery, 'attempts'>): Promise<boolean>;
  receivers(): Promise<ReceiverRecord[]>;
  recordReceiver(
    name: string,
    outcome: 'success' | 'failure' | 'gone',
    at: EpochMs,
    error: string | null,
  ): Promise<void>;
  /** Those in [from, to), newest first. */
  events(from: EpochMs, limit: number, only?: EventChoice): Promise<ToldEvent[]>;
  /** What was told of an alert, whatever its age; null when nothing was. */
  told(alert: string): Promise<ToldAlert | null>;
  /** Holds messages back until then; every mute is kept with its reason (I56). One that ends now lifts the one in force. */
  mute(mute: Mute): Promise<void>;
  /** The newest mute, in force or over. */
  lastMute(): Promise<Mute | null>;
}
