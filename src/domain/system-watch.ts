/** What the monitor remembers of things that are not one pair's state: storage, manifest, store, trainings, fills. */
import { eventOf } from './event';
import type { Event } from './event';
import { FLAP_WINDOW_MS } from './alert-transitions';
import type { Observed } from './alert-transitions';
import { trainingId } from './names';
import { trainingOverdueAt } from './retrain';
import type { StorageLevel } from './storage-budget';
import { MINUTE } from './timeframe';
import { pairKey } from './types';
import type { EpochMs, Pair, TimeframeId } from './types';

/** A fill whose stored candles do not change for this long is told of. */
export const FILL_STALLED_MS = 30 * MINUTE;

export interface DiskWatch {
  /** As it was told last; `ok` before anything was. */
  readonly level: StorageLevel;
  readonly since: EpochMs;
  /** When each level was told last. */
  readonly told?: Partial<Record<StorageLevel, EpochMs>>;
}

/**
 * Every change of level is told once; `ok` at the first look is nothing to tell. A level that was told shortly before is told
 * again only if it stays (F96).
 */
export function observeDisk(
  before: DiskWatch | null,
  level: StorageLevel,
  detail: string,
  at: EpochMs,
): Observed<DiskWatch> {
  const last = before ?? { level: 'ok', since: at };
  const told = last.told ?? {};
  const from = last.level;
  const quiet = at - (told[level] ?? Number.NEGATIVE_INFINITY) < FLAP_WINDOW_MS;
  if (from === level || quiet) return { watch: last, events: [] };
  const severity = level === 'ok' ? 'info' : level === 'warn' ? 'warning' : 'critical';
  const event = eventOf('disk_level', at, {
    key: `disk_level ${level} ${new Date(at).toISOString()}`,
    severity,
    from,
    to: level,
    detail,
  });
  return { watch: { level, since: at, told: { ...told, [level]: at } }, events: [event] };
}

/** Key of the alert that the manifest is late or can not be read; null while it is neither. */
export type ManifestWatch = string | null;

/** `problem`: why the manifest on disk is not to be trusted or too old; null when it is well. */
export function observeManifest(before: ManifestWatch, problem: string | null, at: EpochMs): Observed<ManifestWatch> {
  const key = `manifest_failure ${new Date(at).toISOString()}`;
  if (problem !== null && before === null) {
    return { watch: key, events: [eventOf('manifest_failure', at, { key, detail: problem })] };
  }
  if (problem !== null || before === null) return { watch: before, events: [] };
  const recovery = { key: `manifest_recovery ${new Date(at).toISOString()}`, alert: before, ends: before, detail: '' };
  return { watch: null, events: [eventOf('manifest_recovery', at, recovery)] };
}

export interface StoreWatch {
  /** Of the first look that could not ask it; null while it answers. */
  readonly since: EpochMs | null;
  readonly alert: string | null;
  /** When it was told last that it can not be asked. */
  readonly toldAt: EpochMs | null;
}

/** Told when a second look can not ask it either, and its end; again soon after, only if it stays (F96). */
export function observeStore(before: StoreWatch | null, problem: string | null, at: EpochMs): Observed<StoreWatch> {
  const { since = null, alert = null, toldAt = null } = before ?? {};
  if (problem === null) {
    const key = `store_reached ${new Date(at).toISOString()}`;
    const end = { key, alert: alert ?? key, ends: alert, detail: '', since: since ?? at };
    const events = alert === null ? [] : [eventOf('store_reached', at, end)];
    return { watch: { since: null, alert: null, toldAt }, events };
  }
  if (since === null) return { watch: { since: at, alert, toldAt }, events: [] };
  const quiet = toldAt !== null && at - toldAt < FLAP_WINDOW_MS;
  if (alert !== null || quiet) return { watch: { since, alert, toldAt }, events: [] };
  const key = `store_unreachable ${new Date(since).toISOString()}`;
  const event = eventOf('store_unreachable', at, { key, since, detail: problem });
  return { watch: { since, alert: key, toldAt: at }, events: [event] };
}

/**
 * `alert`: key of the alert that the timeframe has had no training for too long, or null. `trainedAt`: when it was last
 * trained, or, before the first time, since when it has been forecast.
 */
export function observeTraining(
  alert: string | null,
  { timeframe, trainedAt, at }: { readonly timeframe: TimeframeId; readonly trainedAt: EpochMs; readonly at: EpochMs },
): Observed<string | null> {
  const since = trainingOverdueAt(timeframe, trainedAt);
  if (at >= since) {
    if (alert !== null) return { watch: alert, events: [] };
    const key = `training_overdue ${timeframe} ${new Date(since).toISOString()}`;
    const detail = `the last one was at ${new Date(trainedAt).toISOString()}`;
    const workflow = { id: trainingId(timeframe), run: null };
    return { watch: key, events: [eventOf('training_overdue', at, { key, timeframe, detail, since, workflow })] };
  }
  if (alert === null) return { watch: null, events: [] };
  const key = `training_overdue_end ${timeframe} ${new Date(at).toISOString()}`;
  const end = { key, timeframe, alert, ends: alert, detail: '' };
  return { watch: null, events: [eventOf('training_overdue_end', at, end)] };
}

export interface FillWatch {
  /** Candles stored when it last changed. */
  readonly stored: number;
  readonly since: EpochMs;
  readonly alert: string | null;
}

/** A history that is not complete yet. `stored` counts its candles. */
export function observeFill(
  before: FillWatch | null,
  { pair, stored, at }: { readonly pair: Pair; readonly stored: number; readonly at: EpochMs },
): Observed<FillWatch> {
  if (before === null || before.stored !== stored) {
    const events = before?.alert == null ? [] : [endFill(pair, { alert: before.alert, at, detail: '' })];
    return { watch: { stored, since: at, alert: null }, events };
  }
  if (before.alert !== null || at - before.since < FILL_STALLED_MS) return { watch: before, events: [] };
  const key = `fill_stalled ${pairKey(pair)} ${new Date(before.since).toISOString()}`;
  const minutes = Math.floor((at - before.since) / MINUTE);
  const detail = `${stored} candles stored, no more for ${minutes} min`;
  const event = eventOf('fill_stalled', at, { key, ...pair, detail, since: before.since });
  return { watch: { ...before, alert: key }, events: [event] };
}

export function endFill(
  pair: Pair,
  { alert, at, detail }: { readonly alert: string; readonly at: EpochMs; readonly detail: string },
): Event {
  const key = `fill_resumed ${pairKey(pair)} ${new Date(at).toISOString()}`;
  return eventOf('fill_resumed', at, { key, ...pair, alert, ends: alert, detail });
}
