/** Histories that are not complete yet, as the monitor watches them: one that adds nothing is told, and so is its end. */
import type { Event } from '../src/domain/event';
import { pairOfKey } from '../src/domain/monitor-memory';
import type { MonitorMemory } from '../src/domain/monitor-memory';
import { endFill, observeFill } from '../src/domain/system-watch';
import type { FillWatch } from '../src/domain/system-watch';
import { closeOf, HOUR, lastClosedOpen, openOf, shiftSlots } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import { firstHour } from './activation';
import { followedSymbols } from './followed';
import type { ActivityPorts } from './ports';
import type { StoreSight } from './store-sight';

export async function observeFills(
  ports: ActivityPorts,
  store: StoreSight,
  before: MonitorMemory['fills'],
  asOf: EpochMs,
): Promise<{ readonly watch: Record<string, FillWatch>; readonly events: Event[] }> {
  const watch: Record<string, FillWatch> = {};
  const events: Event[] = [];
  const complete = new Set<string>();
  const states = new Map((await ports.pairState.symbolStates()).map((state) => [state.symbol, state.activation]));
  const rows = (await ports.publication.rows()).filter(({ visibility }) => visibility === 'visible');
  const published = new Set(rows.map(pairKey));
  for (const symbol of await followedSymbols(ports)) {
    const state = states.get(symbol) ?? 'registered';
    // A symbol the exchange does not know has nothing to fill.
    if (state === 'quarantined' || state === 'retired') continue;
    for (const timeframe of ports.settings.timeframes) {
      const pair = { symbol, timeframe };
      const key = pairKey(pair);
      const stored = await storedOfOpenFill(ports, store, pair, published.has(key), asOf);
      const last = before[key];
      if (stored === null) complete.add(key);
      // A store that can not be asked says nothing of progress.
      else if (stored === undefined) {
        if (last !== undefined) watch[key] = last;
      } else {
        const observed = observeFill(last ?? null, { pair, stored, at: asOf });
        watch[key] = observed.watch;
        events.push(...observed.events);
      }
    }
  }
  for (const [key, { alert }] of Object.entries(before)) {
    if (alert === null || watch[key] !== undefined) continue;
    const detail = complete.has(key) ? 'the history is complete' : 'no longer watched';
    events.push(endFill(pairOfKey(key), { alert, at: asOf, detail }));
  }
  return { watch, events };
}

/**
 * Candles of a history that is not complete yet; null when it is: a hole that is still being asked about is no fill.
 * Undefined when the store can not be asked.
 * `published`: the pair is visible, so the newest slots are up to its cycles, and its age tells when they fail.
 */
async function storedOfOpenFill(
  ports: ActivityPorts,
  store: StoreSight,
  pair: Pair,
  published: boolean,
  asOf: EpochMs,
): Promise<number | null | undefined> {
  const extent = await store.extent(pair);
  if (extent === undefined) return undefined;
  if (extent === null) return (await hasClosedSlot(ports, pair, asOf)) ? 0 : null;
  if (ports.settings.rules(pair.timeframe).fill === 'earliest') {
    const earliest = await ports.pairState.earliest(pair);
    if (earliest === null || extent.first > earliest.openTime + HOUR) return extent.count;
  }
  const newest = lastClosedOpen(pair.timeframe, asOf, ports.settings.settleMs);
  const behind = extent.last < shiftSlots(pair.timeframe, newest, -BEHIND_SLOTS);
  return !published && behind ? extent.count : null;
}

/** A history that lacks only the newest slots is up to the cycles. */
const BEHIND_SLOTS = 2;

/**
 * False while no whole slot has closed since the symbol was listed: a young symbol has no week or month to fetch yet. Some
 * exchanges leave out the slot in which the listing lies, so nobody is alarmed over it; a fill may not take it for left out,
 * since a failing exchange would then lose it for ever (`formingOfYoungSymbol`): two questions, two rules.
 */
async function hasClosedSlot(ports: ActivityPorts, { symbol, timeframe }: Pair, asOf: EpochMs): Promise<boolean> {
  const first = await firstHour(ports, symbol);
  if (first === null) return true;
  const open = openOf(timeframe, first);
  const whole = open === first ? open : shiftSlots(timeframe, open, 1);
  return closeOf(timeframe, whole) + ports.settings.settleMs <= asOf;
}
