/**
 * When a hole is asked for again, and when it is decided that the exchange has nothing there (SPEC 3, PROOF F66).
 * Nothing here can invent a candle: the answers are only `ask`, `wait` and `confirmed_empty`.
 */
import { intersectRanges, mergeRanges } from './coverage';
import { HOUR, closeOf, slotAt, slotIndex } from './timeframe';
import type { EpochMs, SlotRange, TimeframeId } from './types';

/** Holes older than this are settled history: asking again in the same run is proof enough. */
const SETTLED_AFTER = 48 * HOUR;
const ASKS_WHEN_SETTLED = 2;
/** Newer holes may yet be filled by the exchange, so their asks are spread over a day. */
const ASKS_WHEN_RECENT = 3;
const RECENT_PERIOD = 24 * HOUR;

/** What the ledger knows of a hole: how often the exchange answered without its candles, and when. */
export interface HoleAsks {
  readonly asks: number;
  readonly firstAskedAt: EpochMs;
  readonly lastAskedAt: EpochMs;
}

export type GapDecision =
  /** Ask now, with a page of `pageSize` candles: consecutive asks differ, since some holes come from the page's bounds. */
  | { readonly kind: 'ask'; readonly pageSize: number }
  | { readonly kind: 'wait'; readonly until: EpochMs }
  | { readonly kind: 'confirmed_empty' };

/** Of an exchange that gives so many; of one that gives fewer, its own largest page and half of it. */
export const PAGE_SIZES = { first: 1000, second: 500 } as const;

/**
 * What to do about a hole at `now`. `asked` is null for one that was never asked for. Only answers of the exchange count as
 * asks; a request that failed is none. After each ask, decide again: an old hole is so settled within one run.
 */
export function decideGap(timeframe: TimeframeId, hole: SlotRange, asked: HoleAsks | null, now: EpochMs): GapDecision {
  const asks = asked?.asks ?? 0;
  const ask: GapDecision = { kind: 'ask', pageSize: asks % 2 === 0 ? PAGE_SIZES.first : PAGE_SIZES.second };
  if (asked === null || asks < 1) return ask;
  const settledAt = closeOf(timeframe, hole.to) + SETTLED_AFTER;
  if (now >= settledAt) return asks >= ASKS_WHEN_SETTLED ? { kind: 'confirmed_empty' } : ask;
  if (asks >= ASKS_WHEN_RECENT && asked.lastAskedAt - asked.firstAskedAt >= RECENT_PERIOD) {
    return { kind: 'confirmed_empty' };
  }
  // Asks that lie ahead were stamped by a clock that has been put back since; waiting for them could take for ever.
  if (asked.lastAskedAt > now) return ask;
  const dueAt = asked.firstAskedAt + (asks < ASKS_WHEN_RECENT - 1 ? RECENT_PERIOD / 2 : RECENT_PERIOD);
  return now >= dueAt ? ask : { kind: 'wait', until: Math.min(dueAt, settledAt) };
}

/** The gaps that explain why nothing is stored there: what nobody has asked for yet explains nothing (SPEC 3). */
export function explainingGaps<T extends Pick<HoleAsks, 'asks'>>(known: readonly T[]): T[] {
  return known.filter(({ asks }) => asks > 0);
}

/** What one symbol says about an outage: when it was listed, and where it is confirmed empty. */
export interface SymbolGaps {
  /** From its earliest to its last stored candle: outside of it the symbol has no voice. */
  readonly listed: SlotRange;
  readonly confirmed: readonly SlotRange[];
}

/** Share of the listed symbols that must miss a slot; with fewer than five of them, all. */
const OUTAGE_SHARE = 0.8;

/**
 * The slots in which all symbols that were listed, or nearly all, are confirmed empty, and at least two were listed: the
 * exchange itself was down. One timeframe, all symbols of one source.
 */
export function findOutages(timeframe: TimeframeId, symbols: readonly SymbolGaps[]): SlotRange[] {
  const steps = symbols.flatMap(({ listed, confirmed }) => [
    ...edges(timeframe, mergeRanges(timeframe, [listed]), { listed: 1, empty: 0 }),
    ...edges(timeframe, intersectRanges(timeframe, [listed], confirmed), { listed: 0, empty: 1 }),
  ]);
  const outages: SlotRange[] = [];
  const now = { listed: 0, empty: 0 };
  let since: number | null = null;
  const ascending = steps.toSorted((a, b) => a.slot - b.slot);
  for (const [index, { slot, listed, empty }] of ascending.entries()) {
    now.listed += listed;
    now.empty += empty;
    if (ascending[index + 1]?.slot === slot) continue;
    const down = now.listed >= 2 && now.empty >= OUTAGE_SHARE * now.listed;
    if (down && since === null) since = slot;
    if (!down && since !== null) {
      outages.push({ from: slotAt(timeframe, since), to: slotAt(timeframe, slot - 1) });
      since = null;
    }
  }
  return outages;
}

interface Counts {
  readonly listed: number;
  readonly empty: number;
}

/** Where ranges begin and where they have ended, as changes of the counts. */
function edges(timeframe: TimeframeId, ranges: readonly SlotRange[], { listed, empty }: Counts) {
  return ranges.flatMap(({ from, to }) => [
    { slot: slotIndex(timeframe, from), listed, empty },
    { slot: slotIndex(timeframe, to) + 1, listed: -listed, empty: -empty },
  ]);
}
