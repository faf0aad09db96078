import { PipelineError } from '../domain/errors';
import { lastClosedOpen, shiftSlots } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { EpochMs, Pair } from '../domain/types';
import type { Exchange } from '../ports/exchange';
import { fetchVerifiedPage } from './verified-page';

export interface CanaryRequest {
  readonly pair: Pair;
  readonly asOf: EpochMs;
  /** Closed candles that a page of the newest must hold. */
  readonly wanted: number;
  readonly settleMs: number;
  readonly signal?: AbortSignal;
}

/** A page may lack this share of its slots: some symbols do not trade in each of them. */
const ENOUGH = 0.8;
/** The newest candles of an exchange may be late. */
const SMALLEST_PAGE = 10;

/**
 * One page of the newest candles of a pair, before it is followed: rows are judged as always, so a page with too many bad
 * ones fails, and so does one with too few candles.
 * @returns what is wrong, in words, or null.
 * @throws PipelineError what tells of the exchange and not of the symbol (unreachable, banned, …)
 */
export async function canary(exchange: Exchange, request: CanaryRequest): Promise<string | null> {
  const { pair, asOf, wanted, settleMs, signal } = request;
  const slots = Math.min(exchange.largestPage, Math.max(SMALLEST_PAGE, wanted));
  const newest = lastClosedOpen(pair.timeframe, asOf, settleMs);
  try {
    const page = await fetchVerifiedPage(
      exchange,
      {
        ...pair,
        since: shiftSlots(pair.timeframe, newest, 1 - slots),
        asOf,
        limit: slots,
        priority: 'fill',
        ...(signal === undefined ? {} : { signal }),
      },
      async () => {},
    );
    // Listed a moment ago, or a month that has not ended: it trades, and no candle of it can have closed.
    const nothingClosed = page.candles.length === 0 && page.quarantined.length === 0;
    if (wanted === 1 && nothingClosed && page.forming > 0) return null;
    // An exchange of small pages does not show more of it at a time.
    if (page.candles.length >= Math.max(1, Math.floor(ENOUGH * Math.min(wanted, slots)))) return null;
    return `${pairKey(pair)}: ${page.candles.length} of the newest ${slots} candles`;
  } catch (error) {
    if (error instanceof PipelineError && SAYS_OF_THE_SYMBOL.has(error.code)) return error.message;
    throw error;
  }
}

const SAYS_OF_THE_SYMBOL: ReadonlySet<string> = new Set(['bad_symbol', 'page_rejected', 'empty_response']);
