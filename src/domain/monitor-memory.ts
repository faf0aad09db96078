/** What the monitor remembers between two rounds, and which alerts that makes firing. Plain JSON. */
import type { PairWatch } from './alert-transitions';
import type { EventKind } from './event';
import type { DiskWatch, FillWatch, ManifestWatch, StoreWatch } from './system-watch';
import { parseTimeframe } from './timeframe';
import { parseSymbol } from './types';
import type { EpochMs, Pair } from './types';

/** Keys: `BTC/USDT 1h`. */
export interface MonitorMemory {
  readonly pairs: Readonly<Record<string, PairWatch>>;
  readonly fills: Readonly<Record<string, FillWatch>>;
  readonly disk: DiskWatch | null;
  readonly manifest: ManifestWatch;
  readonly store: StoreWatch | null;
  /** Keys of alerts, by timeframe: those that have had no training for too long. */
  readonly untrained: Readonly<Record<string, string>>;
  /** Pairs whose status word has changed since the manifest was last committed again, so that the published one is old. */
  readonly changed: readonly string[];
}

/** Of a monitor that has not looked yet. */
export const NOTHING_SEEN: MonitorMemory = {
  pairs: {},
  fills: {},
  disk: null,
  manifest: null,
  store: null,
  untrained: {},
  changed: [],
};

/** The pair that a key of the memory names. */
export function pairOfKey(key: string): Pair {
  const [symbol = '', timeframe = ''] = key.split(' ');
  return { symbol: parseSymbol(symbol), timeframe: parseTimeframe(timeframe) };
}

/** What was seen by a clock that was ahead, as if it were seen now: no reminder and no silence waits for that time. */
export function noLaterThan(memory: MonitorMemory, asOf: EpochMs): MonitorMemory {
  const { pairs, fills, disk, store } = memory;
  const since = <W extends { readonly since: EpochMs }>(watch: W): W => ({
    ...watch,
    since: Math.min(watch.since, asOf),
  });
  const noLater = (at: EpochMs | null): EpochMs | null => (at === null ? null : Math.min(at, asOf));
  const seen = ({ lastTold, ...watch }: PairWatch): PairWatch => ({
    ...since(watch),
    lastTold: lastTold === null ? null : { ...lastTold, at: Math.min(lastTold.at, asOf) },
  });
  return {
    ...memory,
    pairs: Object.fromEntries(Object.entries(pairs).map(([key, watch]) => [key, seen(watch)])),
    fills: Object.fromEntries(Object.entries(fills).map(([key, watch]) => [key, since(watch)])),
    disk: disk === null ? null : { ...since(disk), told: toldBy(disk, asOf) },
    store: store === null ? null : { ...store, since: noLater(store.since), toldAt: noLater(store.toldAt) },
  };
}

function toldBy({ told = {} }: DiskWatch, asOf: EpochMs): NonNullable<DiskWatch['told']> {
  return Object.fromEntries(Object.entries(told).map(([level, at]) => [level, Math.min(at, asOf)]));
}

/** An alert that somebody was told of and that is not over. */
export interface FiringAlert {
  /** Key of the alert, which its events carry. */
  readonly key: string;
  readonly kind: EventKind;
  /** `BTC/USDT 1h`; null when it is about the whole system. */
  readonly pairKey: string | null;
  /** Null where only the event that began it knows. */
  readonly since: EpochMs | null;
}

/** The pairs' alerts first, then fills, then the manifest, the candle store, then trainings. */
export function firingAlerts({ pairs, fills, manifest, store, untrained }: MonitorMemory): FiringAlert[] {
  const firing: FiringAlert[] = [];
  for (const [pairKey, { status, alert, since, degraded, blocked }] of Object.entries(pairs)) {
    const kind = status === 'stale' ? 'stale_repeat' : status;
    if (alert !== null && kind !== 'fresh') firing.push({ key: alert, kind, pairKey, since });
    if (degraded !== null) firing.push({ key: degraded, kind: 'degraded', pairKey, since: null });
    if (blocked !== null) firing.push({ key: blocked, kind: 'export_block', pairKey, since: null });
  }
  for (const [pairKey, { alert, since }] of Object.entries(fills)) {
    if (alert !== null) firing.push({ key: alert, kind: 'fill_stalled', pairKey, since });
  }
  if (manifest !== null) firing.push({ key: manifest, kind: 'manifest_failure', pairKey: null, since: null });
  if (store !== null && store.alert !== null)
    firing.push({ key: store.alert, kind: 'store_unreachable', pairKey: null, since: store.since });
  for (const key of Object.values(untrained))
    firing.push({ key, kind: 'training_overdue', pairKey: null, since: null });
  return firing;
}
