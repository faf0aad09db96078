/**
 * When a pair's state is worth telling (SPEC 8). A state is entered once, told again every few observations, and once
 * more loudly every sixty; whoever was told of it is told of its end. A state that is entered again soon after is told
 * of only if it stays, so that a flapping pair does not ring all day (I51). A pair of a symbol in quarantine ages by what
 * was told of its symbol: that is not told again, and of nothing else of it there are reminders (F74).
 */
import { eventOf } from './event';
import type { Event, EventFacts, EventKind } from './event';
import type { PairStatus, StatusVerdict } from './status';
import { MINUTE } from './timeframe';
import { pairKey } from './types';
import type { EpochMs, Pair } from './types';

/** Observations of one state between two reminders. */
export const REPEAT_EVERY = 3;
/** Observations of one state between two escalations. */
export const ESCALATE_EVERY = 60;
/** A state entered again within this time of the last telling is quiet until the time is over. */
export const FLAP_WINDOW_MS = 30 * MINUTE;

/** What is remembered of a pair between two observations. */
export interface PairWatch {
  readonly status: PairStatus;
  readonly since: EpochMs;
  /** Of this state, one after another; the first counts. */
  readonly observations: number;
  /** Key of the alert that somebody was told of; null while nobody was. */
  readonly alert: string | null;
  /** The state whose beginning was told last. */
  readonly lastTold: { readonly status: PairStatus; readonly at: EpochMs } | null;
  /** Key of the alert about a failed forecast, a failed export. */
  readonly degraded: string | null;
  readonly blocked: string | null;
}

export interface PairObservation {
  readonly pair: Pair;
  readonly at: EpochMs;
  readonly verdict: Pick<StatusVerdict, 'status' | 'degraded' | 'reason' | 'ageMinutes'>;
  /** False for a timeframe without prediction: what only concerns predictions never alarms there. */
  readonly predicts: boolean;
  /** The symbol's own alert says that nothing new of it comes. */
  readonly quarantined: boolean;
  /** Why the last forecast failed; null when it did not, or nothing is recorded of it. */
  readonly forecastFailure: string | null;
  /** Why the last export failed; null when it did not. */
  readonly exportBlock: string | null;
  readonly workflow: Event['workflow'];
}

export interface Observed<W> {
  readonly watch: W;
  readonly events: readonly Event[];
}

const ENTERED = ['hard_stale', 'corrupt', 'missing', 'insufficient_data'] as const;
const LASTING = ['hard_stale', 'corrupt', 'missing'] as const;

const NO_FORECAST = 'no forecast rests on its newest candles';

/** The next memory of a visible pair, and what is to be told. Pairs that are hidden or retired are not observed. */
export function observePair(before: PairWatch | null, seen: PairObservation): Observed<PairWatch> {
  const status = observeStatus(before, seen);
  const degraded = observeFlag(before?.degraded ?? null, seen, {
    begins: 'degraded',
    ends: 'degraded_end',
    reason: seen.predicts && seen.verdict.degraded ? (seen.forecastFailure ?? NO_FORECAST) : null,
  });
  const blocked = observeFlag(before?.blocked ?? null, seen, {
    begins: 'export_block',
    ends: 'export_block_end',
    reason: seen.exportBlock,
  });
  return {
    watch: { ...status.watch, degraded: degraded.watch, blocked: blocked.watch },
    events: [...status.events, ...degraded.events, ...blocked.events],
  };
}

/** The pair is hidden or retired, so nobody will see its alerts end: whoever was told of one is told that. */
export function unwatched(pair: Pair, { alert, degraded, blocked }: PairWatch, at: EpochMs): Event[] {
  const told = [alert, degraded, blocked].filter((key) => key !== null);
  return told.map((over) =>
    eventOf('unwatched', at, {
      key: `unwatched ${over}`,
      ...pair,
      alert: over,
      ends: over,
      detail: 'no longer watched',
    }),
  );
}

type StatusWatch = Omit<PairWatch, 'degraded' | 'blocked'>;

function observeStatus(before: PairWatch | null, seen: PairObservation): Observed<StatusWatch> {
  return before !== null && before.status === seen.verdict.status ? stayed(before, seen) : changed(before, seen);
}

/** Precedence: a transition is told before an escalation, an escalation before a repeat; one event an observation. */
function changed(before: PairWatch | null, seen: PairObservation): Observed<StatusWatch> {
  const { status } = seen.verdict;
  const watch = { status, since: seen.at, observations: 1, alert: null, lastTold: before?.lastTold ?? null };
  const over = before?.alert ?? null;
  const entered = ENTERED.find((word) => word === status);
  const alarms = entered !== undefined && (seen.predicts || entered !== 'insufficient_data');
  if (!alarms) {
    if (over === null || before === null) return { watch, events: [] };
    const recovery = eventAbout(seen, 'recovery', before.since, { from: before.status, alert: over, ends: over });
    return { watch, events: [recovery] };
  }
  const told = isQuiet(watch.lastTold, seen) || (seen.quarantined && status === 'hard_stale');
  // Whoever was told of the state before is still to be told of the end.
  if (told) return { watch: { ...watch, alert: over }, events: [] };
  const event = eventAbout(seen, entered, seen.at, { from: before?.status ?? null, ends: over });
  return { watch: { ...watch, alert: event.key, lastTold: { status, at: seen.at } }, events: [event] };
}

function stayed(before: PairWatch, seen: PairObservation): Observed<StatusWatch> {
  const observations = before.observations + 1;
  const watch = { ...before, observations };
  const kind = reminderOf(seen, observations);
  if (kind === null || (before.alert === null && isQuiet(before.lastTold, seen))) return { watch, events: [] };
  const key = `${kind} ${pairKey(seen.pair)} ${iso(before.since)} ${observations}`;
  const alert = before.alert ?? `${before.status} ${pairKey(seen.pair)} ${iso(before.since)}`;
  const lastTold = before.alert === null ? { status: before.status, at: seen.at } : before.lastTold;
  const event = eventAbout(seen, kind, before.since, { key, from: before.status, alert });
  return { watch: { ...watch, alert, lastTold }, events: [event] };
}

function reminderOf({ verdict: { status }, quarantined }: PairObservation, observations: number): EventKind | null {
  // Nothing brings it up to date, and its symbol's alert was told (F74).
  if (quarantined) return null;
  if (status === 'stale') return observations % REPEAT_EVERY === 0 ? 'stale_repeat' : null;
  const lasting = LASTING.find((word) => word === status);
  if (lasting === undefined) return null;
  if (observations % ESCALATE_EVERY === 0) return `${lasting}_escalated`;
  return observations % REPEAT_EVERY === 0 ? `${lasting}_repeat` : null;
}

function isQuiet(lastTold: PairWatch['lastTold'], seen: PairObservation): boolean {
  return lastTold !== null && lastTold.status === seen.verdict.status && seen.at - lastTold.at < FLAP_WINDOW_MS;
}

/** Something that is so or not: told when it begins and when it ends. `watch` is the key of its alert. */
function observeFlag(
  before: string | null,
  seen: PairObservation,
  { begins, ends, reason }: { readonly begins: EventKind; readonly ends: EventKind; readonly reason: string | null },
): Observed<string | null> {
  const from = seen.verdict.status;
  if (reason !== null && before !== null) return { watch: before, events: [] };
  if (reason !== null) {
    const event = eventAbout(seen, begins, seen.at, { from, detail: reason });
    return { watch: event.key, events: [event] };
  }
  if (before === null) return { watch: null, events: [] };
  const end = { from, alert: before, ends: before, detail: '' };
  return { watch: null, events: [eventAbout(seen, ends, seen.at, end)] };
}

function eventAbout(seen: PairObservation, kind: EventKind, since: EpochMs, facts: Partial<EventFacts>): Event {
  return eventOf(kind, seen.at, {
    key: `${kind} ${pairKey(seen.pair)} ${iso(seen.at)}`,
    symbol: seen.pair.symbol,
    timeframe: seen.pair.timeframe,
    to: seen.verdict.status,
    detail: seen.verdict.reason ?? '',
    ageMinutes: seen.verdict.ageMinutes,
    since,
    workflow: seen.workflow,
    ...facts,
  });
}

function iso(at: EpochMs): string {
  return new Date(at).toISOString();
}
