/**
 * When a hole is asked for again, and when it is decided that the exchange has nothing there (SPEC 3, PROOF F66).
 * Nothing here can invent a candle: the answers are only `ask`, `wait` and `confirmed_empty`.
 */
import { intersectRanges, mergeRanges, subtractRanges } from './coverage';
import { HOUR, closeOf } from './timeframe';
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

const PAGE_SIZES = { first: 1000, second: 500 } as const;

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

/** What one symbol says about an outage: when it was listed, and where it is confirmed empty. */
export interface SymbolGaps {
  /** From its earliest to its last stored candle: outside of it the symbol has no voice. */
  readonly listed: SlotRange;
  readonly confirmed: readonly SlotRange[];
}

/**
 * The slots in which every symbol that was listed has no candle, and at least two were listed: the exchange itself was
 * down. One timeframe, all symbols of one source.
 */
export function findOutages(timeframe: TimeframeId, symbols: readonly SymbolGaps[]): SlotRange[] {
  let once: SlotRange[] = [];
  let twice: SlotRange[] = [];
  for (const { listed, confirmed } of symbols) {
    const empty = intersectRanges(timeframe, [listed], confirmed);
    twice = mergeRanges(timeframe, [...twice, ...intersectRanges(timeframe, once, empty)]);
    once = mergeRanges(timeframe, [...once, ...empty]);
  }
  return symbols.reduce(
    (common, { listed, confirmed }) =>
      subtractRanges(timeframe, common, subtractRanges(timeframe, [listed], confirmed)),
    twice,
  );
}
