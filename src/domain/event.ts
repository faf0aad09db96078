/**
 * What the system tells an operator about: every kind of event, how grave it is and which runbook says what to do.
 * An alert begins with one event, may go on with others, and ends with one; some events only happen.
 */
import type { EpochMs, MarketSymbol, TimeframeId } from './types';

export const SEVERITIES = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface EventKindEntry {
  readonly severity: Severity;
  /** What the event is to its alert. */
  readonly phase: 'begins' | 'goes on' | 'ends' | 'happens';
  /** In words that follow a pair's or the system's name, true in whatever state it is; see `meaningOf`. */
  readonly meaning: string;
  /** File under docs/runbooks; null where nothing is left to do. */
  readonly runbook: string | null;
}

export const EVENT_TABLE = {
  hard_stale: entry('critical', 'begins', 'is past its hard limit and no longer served', 'hard-stale.md'),
  hard_stale_repeat: entry('critical', 'goes on', 'is still past its hard limit', 'hard-stale.md'),
  hard_stale_escalated: entry('critical', 'goes on', 'has long been past its hard limit', 'hard-stale.md'),
  corrupt: entry('critical', 'begins', 'has a published document that can not be trusted', 'corrupt.md'),
  corrupt_repeat: entry('critical', 'goes on', 'still has a document that can not be trusted', 'corrupt.md'),
  corrupt_escalated: entry('critical', 'goes on', 'has long had a document that can not be trusted', 'corrupt.md'),
  missing: entry('critical', 'begins', 'has no document to serve', 'missing.md'),
  missing_repeat: entry('critical', 'goes on', 'still has no document to serve', 'missing.md'),
  missing_escalated: entry('critical', 'goes on', 'has long had no document to serve', 'missing.md'),
  insufficient_data: entry('warning', 'begins', 'has too few candles to forecast', 'insufficient-data.md'),
  stale_repeat: entry('warning', 'goes on', 'is past its soft limit', 'stale.md'),
  recovery: entry('info', 'ends', 'the alert is over', null),
  unwatched: entry('info', 'ends', 'is hidden or no longer configured, so it is not watched any more', null),
  degraded: entry('warning', 'begins', 'the last forecast failed', 'degraded.md'),
  degraded_end: entry('info', 'ends', 'has a new forecast', null),
  export_block: entry('critical', 'begins', 'could not be exported and is blocked', 'export-block.md'),
  export_block_end: entry('info', 'ends', 'could be exported again', null),
  fill_stalled: entry('warning', 'begins', 'fills its history without progress', 'fill-stalled.md'),
  fill_resumed: entry('info', 'ends', 'is no longer stuck with its history', null),
  disk_level: entry('warning', 'happens', 'storage budget: the level changed', 'disk-level.md'),
  manifest_failure: entry('critical', 'begins', 'the manifest can not be published or trusted', 'manifest-failure.md'),
  manifest_recovery: entry('info', 'ends', 'the manifest is published again', null),
  store_unreachable: entry('critical', 'begins', 'the candle store can not be asked', 'store-unreachable.md'),
  store_reached: entry('info', 'ends', 'the candle store answers again', null),
  overrun: entry('warning', 'happens', 'a cycle took longer than its budget', 'overrun.md'),
  missed_boundary: entry('warning', 'happens', 'no cycle ran at a boundary', 'missed-boundary.md'),
  training_failed: entry('warning', 'happens', 'a training failed', 'training-failed.md'),
  training_overdue: entry('warning', 'begins', 'has had no new training for twice its schedule', 'training-overdue.md'),
  training_overdue_end: entry('info', 'ends', 'has been trained again', null),
  promotion: entry('info', 'happens', 'another model forecasts', 'promotion.md'),
  rollback: entry('info', 'happens', 'an earlier model forecasts again', 'rollback.md'),
  change_refused: entry('warning', 'happens', 'a change of the champion was refused', 'change-refused.md'),
  drift: entry('warning', 'happens', 'the model drifts', 'drift.md'),
  report_failed: entry('warning', 'happens', 'the models could not be judged in full', 'report-failed.md'),
  reconciliation_mismatch: entry(
    'warning',
    'happens',
    'the store differs from the exchange',
    'reconciliation-mismatch.md',
  ),
  symbol_quarantined: entry('warning', 'begins', 'is not asked for any more', 'symbol-quarantined.md'),
  symbol_released: entry('info', 'ends', 'is asked for again', null),
  receiver_disabled: entry('warning', 'happens', 'a receiver of alerts is gone', 'receiver-disabled.md'),
  mute_ended: entry('info', 'happens', 'alerts are sent again', 'mute-ended.md'),
} as const satisfies Record<string, EventKindEntry>;

export type EventKind = keyof typeof EVENT_TABLE;
export const EVENT_KINDS = Object.keys(EVENT_TABLE) as readonly EventKind[];

function entry(
  severity: Severity,
  phase: EventKindEntry['phase'],
  meaning: string,
  runbook: string | null,
): EventKindEntry {
  return { severity, phase, meaning, runbook };
}

/** What the event means to readers, in words that follow its subject: some kinds are not the same in every state. */
export function meaningOf({ kind, from, to }: Pick<Event, 'kind' | 'from' | 'to'>): string {
  const served = to === 'fresh' || to === 'stale';
  if (kind === 'recovery' && served) return from === 'stale' ? 'is up to date again' : 'can be served again';
  if (kind === 'degraded' && served) return 'serves an older forecast, because the last one failed';
  return EVENT_TABLE[kind].meaning;
}

/** Something that happened, told once however often it is recorded. */
export interface Event {
  /** Deduplication key: recording an event whose key is known changes nothing. */
  readonly key: string;
  readonly kind: EventKind;
  readonly severity: Severity;
  readonly at: EpochMs;
  /** Null when it is not about one symbol. */
  readonly symbol: MarketSymbol | null;
  /** Null when it is not about one timeframe. */
  readonly timeframe: TimeframeId | null;
  readonly from: string | null;
  readonly to: string | null;
  readonly detail: string;
  /** Age of the pair's data; null when that is not what it is about. */
  readonly ageMinutes: number | null;
  /** Since when it has been so. */
  readonly since: EpochMs;
  /** Key of the alert it begins, goes on with or ends; its own key when it only happened. */
  readonly alert: string;
  /** Key of the alert that is over with this event. */
  readonly ends: string | null;
  /** Where the Temporal Web UI shows more. */
  readonly workflow: { readonly id: string; readonly run: string | null } | null;
}

/** The parts of an event that have no natural default. */
export interface EventFacts extends Partial<Omit<Event, 'kind' | 'at'>> {
  readonly key: string;
  readonly detail: string;
}

/** An event with the table's severity, about nothing in particular, unless told otherwise. */
export function eventOf(kind: EventKind, at: EpochMs, facts: EventFacts): Event {
  return {
    kind,
    at,
    severity: EVENT_TABLE[kind].severity,
    symbol: null,
    timeframe: null,
    from: null,
    to: null,
    ageMinutes: null,
    since: at,
    alert: facts.key,
    ends: null,
    workflow: null,
    ...facts,
  };
}

/** Failures of a cycle's commit that no event among these has ended. The monitor's own are of no timeframe. */
export function failedCommits(events: readonly Event[]): Event[] {
  const over = new Set(events.map(({ ends }) => ends));
  return events.filter(
    ({ kind, timeframe, key }) => kind === 'manifest_failure' && timeframe !== null && !over.has(key),
  );
}

/**
 * Of the events that a mute held back, those that are to be told at its end: what began in it and is not over, for nothing
 * else may ever tell of it, and what was told before it and is over. `known` is in the order of time.
 */
export function owedAfterMute(known: readonly { readonly event: Event; readonly held: boolean }[]): Event[] {
  const over = new Set(known.map(({ event }) => event.ends));
  const heldAlerts = new Set(known.flatMap(({ event, held }) => (held && isBeginning(event) ? [event.key] : [])));
  const level = known.findLast(({ event }) => event.kind === 'disk_level');
  return known.flatMap(({ event, held }) => {
    if (!held) return [];
    if (event.kind === 'disk_level') return event === level?.event && event.to !== 'ok' ? [event] : [];
    if (isBeginning(event)) return over.has(event.alert) ? [] : [event];
    return EVENT_TABLE[event.kind].phase === 'ends' && !heldAlerts.has(event.alert) ? [event] : [];
  });
}

function isBeginning({ kind }: Event): boolean {
  return EVENT_TABLE[kind].phase === 'begins';
}

/** `BTC/USDT 1h`, `1h` or `the system`: what an event is about. */
export function subjectOf({ symbol, timeframe }: Pick<Event, 'symbol' | 'timeframe'>): string {
  return [symbol, timeframe].filter((part) => part !== null).join(' ') || 'the system';
}
