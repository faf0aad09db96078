/**
 * Which messages tell of which events. Events of one kind share a message, so that a hundred pairs failing at once are
 * one message with a count; reminders are grouped by timeframe. No more messages a minute than allowed: the last one
 * then sums up everything that had no message of its own (I52).
 */
import { EVENT_TABLE, meaningOf, SEVERITIES, subjectOf } from './event';
import type { Event, EventKind, Severity } from './event';
import { MINUTE } from './timeframe';
import type { EpochMs } from './types';

/** What is sent. Plain JSON; holds no secret and no address. */
export interface AlertMessage {
  /** Deduplication key: a receiver that gets one twice has got the same thing. */
  readonly key: string;
  readonly at: EpochMs;
  /** Null: a summary of several kinds. */
  readonly kind: EventKind | null;
  readonly severity: Severity;
  /** One line. */
  readonly title: string;
  /** One line an event, the first ones; `count` tells how many there are. */
  readonly lines: readonly string[];
  readonly count: number;
  /** The first subjects, like `BTC/USDT 1h`. */
  readonly subjects: readonly string[];
  /** Files under docs/runbooks. */
  readonly runbooks: readonly string[];
  readonly workflow: Event['workflow'];
}

export interface PlannedMessage {
  readonly message: AlertMessage;
  readonly events: readonly Event[];
}

export interface PlanInput {
  readonly at: EpochMs;
  /** Messages made in the minute before `at`. */
  readonly recent: number;
  /** Most messages a minute. */
  readonly perMinute: number;
}

/** An event told this long after it was seen waited for the end of a mute. */
const LATE_MS = 5 * MINUTE;
/** Events named in one message. */
const LINES = 10;
const SUBJECTS = 100;

/** Messages for the events that have none yet. Events that find no room wait for the next minute. */
export function planMessages(events: readonly Event[], { at, recent, perMinute }: PlanInput): PlannedMessage[] {
  const groups = [...groupBy(events, groupKey)].toSorted(([, a], [, b]) => gravest(a) - gravest(b));
  const room = Math.max(0, perMinute - recent);
  if (groups.length === 0 || room === 0) return [];
  if (groups.length <= room) return groups.map(([key, group]) => planned(key, group, at));
  const own = groups.slice(0, room - 1);
  const rest = groups.slice(room - 1).flatMap(([, group]) => group);
  return [...own.map(([key, group]) => planned(key, group, at)), summary(rest, at)];
}

function groupKey({ kind, timeframe }: Event): string {
  return EVENT_TABLE[kind].phase === 'goes on' && timeframe !== null ? `${kind}-${timeframe}` : kind;
}

function groupBy(events: readonly Event[], keyOf: (event: Event) => string): Map<string, Event[]> {
  const groups = new Map<string, Event[]>();
  for (const event of events) groups.set(keyOf(event), [...(groups.get(keyOf(event)) ?? []), event]);
  return groups;
}

function gravest(events: readonly Event[]): number {
  return Math.min(...events.map(({ severity }) => SEVERITIES.indexOf(severity)));
}

function planned(group: string, events: readonly Event[], at: EpochMs): PlannedMessage {
  const [first] = events;
  if (first === undefined) throw new RangeError('a message needs an event');
  const meanings = new Set(events.map(meaningOf));
  const meaning = meanings.size === 1 ? meaningOf(first) : EVENT_TABLE[first.kind].meaning;
  const title = events.length === 1 ? `${subjectOf(first)}: ${meaning}` : `${events.length} times: ${meaning}`;
  return messageOf(group, events, { at, kind: first.kind, title });
}

function summary(events: readonly Event[], at: EpochMs): PlannedMessage {
  const counts = [...groupBy(events, ({ kind }) => kind)].map(([kind, { length }]) => `${length} ${kind}`);
  const title = `${events.length} more events: ${counts.join(', ')}`;
  return messageOf('summary', events, { at, kind: null, title });
}

function messageOf(
  group: string,
  events: readonly Event[],
  head: Pick<AlertMessage, 'at' | 'kind' | 'title'>,
): PlannedMessage {
  const severity = SEVERITIES[gravest(events)] ?? 'info';
  const runbooks = events.map(({ kind }) => EVENT_TABLE[kind].runbook).filter((file) => file !== null);
  const message: AlertMessage = {
    ...head,
    key: `${group}-${compactTime(head.at)}`,
    severity,
    lines: events.slice(0, LINES).map((event) => lineOf(event, head.at)),
    count: events.length,
    subjects: events.slice(0, SUBJECTS).map(subjectOf),
    runbooks: [...new Set(runbooks)],
    workflow: events.find(({ workflow }) => workflow !== null)?.workflow ?? null,
  };
  return { message, events };
}

/** `BTC/USDT 1h: fresh -> hard_stale, data is 131 min old, since 2024-01-01T00:00:00Z: the reason`. */
function lineOf(event: Event, told: EpochMs): string {
  const { from, to, since, at, detail } = event;
  // Told long after, the age of then says nothing, and how long it has been so does.
  const late = told - at >= LATE_MS;
  const ageMinutes = late ? null : event.ageMinutes;
  const change = from === null && to === null ? null : from === to ? to : `${from ?? 'new'} -> ${to ?? 'unknown'}`;
  const age = ageMinutes === null ? null : `data is ${Math.floor(ageMinutes)} min old`;
  const lasted =
    since === at && !late ? null : `since ${seconds(since)}, ${Math.floor(((late ? told : at) - since) / MINUTE)} min`;
  const facts = [change, age, lasted].filter((part) => part !== null).join(', ');
  return [subjectOf(event), facts, detail]
    .filter((part) => part !== '')
    .join(': ')
    .slice(0, 500);
}

function seconds(at: EpochMs): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `20240101T000005.123Z`: fit for a workflow ID. */
function compactTime(at: EpochMs): string {
  return new Date(at).toISOString().replaceAll(/[-:]/g, '');
}

/** A message by hand, to see whether receivers are reached. */
export function testMessage(at: EpochMs): AlertMessage {
  return {
    key: `test-${compactTime(at)}`,
    at,
    kind: null,
    severity: 'info',
    title: 'This is a test of the alerts: nothing is wrong.',
    lines: [],
    count: 0,
    subjects: [],
    runbooks: [],
    workflow: null,
  };
}
