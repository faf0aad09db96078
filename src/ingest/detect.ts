import { PipelineError } from '../domain/errors';
import { REREAD_CANDLES } from '../domain/fetch-start';
import { countSlots, lastClosedOpen, shiftSlots } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import { fetchVerifiedPage } from './verified-page';
import type { ErrorCode } from '../domain/errors';
import type { Candle, EpochMs, Pair } from '../domain/types';
import type { Clock } from '../ports/clock';
import type { Exchange } from '../ports/exchange';
import type { OnRefused } from './verified-page';

export interface DetectRequest {
  readonly pair: Pair;
  /** Open time of the last stored candle. */
  readonly lastStored: EpochMs;
  readonly asOf: EpochMs;
  readonly settleMs: number;
  readonly signal?: AbortSignal;
  readonly onRefused?: OnRefused;
}

export type Detection =
  /** Candles after the last stored one have closed. */
  | {
      readonly kind: 'new';
      /** With the last stored ones in front, as they are now. */
      readonly candles: readonly Candle[];
      readonly fetchedAt: EpochMs;
      /** How many of them are new, and how many closed slots after them the exchange did not give. */
      readonly fresh: number;
      readonly missing: number;
    }
  /** The exchange has nothing after the last stored candle; `missing` slots have closed since by our clock. */
  | {
      readonly kind: 'none_yet';
      readonly candles: readonly Candle[];
      readonly fetchedAt: EpochMs;
      readonly fresh: 0;
      readonly missing: number;
    }
  /** No usable answer (`detection_unavailable`); the ingest may be tried anyway. */
  | { readonly kind: 'silent'; readonly error: PipelineError };

/** Failures of one answer. All others (a ban, an unknown symbol) would meet the ingest just the same. */
const SILENCE: ReadonlySet<ErrorCode> = new Set([
  'exchange_unreachable',
  'exchange_timeout',
  'bad_response',
  'empty_response',
  'page_rejected',
]);
const LARGEST_PAGE = 1000;

/**
 * The first page of a live fetch, one request: from the last stored candles, which are read again, to the last closed
 * one. An answer without any of them is no answer, since the exchange gave them before (P2).
 * @throws PipelineError for failures that asking again at once can not mend.
 */
export async function detect(exchange: Exchange, clock: Clock, request: DetectRequest): Promise<Detection> {
  const { pair, lastStored, asOf, settleMs, signal, onRefused } = request;
  const { timeframe } = pair;
  const since = shiftSlots(timeframe, lastStored, 1 - REREAD_CANDLES);
  const newest = lastClosedOpen(timeframe, asOf, settleMs);
  const due = countSlots(timeframe, { from: since, to: newest });
  const fetchedAt = clock.now();
  try {
    const page = await fetchVerifiedPage(
      exchange,
      {
        ...pair,
        since,
        asOf,
        // One more for the candle that is forming, which some exchanges count.
        limit: Math.min(LARGEST_PAGE, Math.max(due, REREAD_CANDLES) + 1),
        priority: 'live',
        ...(signal === undefined ? {} : { signal }),
      },
      onRefused ?? (async () => {}),
    );
    return judge(request, page.candles, newest, fetchedAt);
  } catch (error) {
    if (error instanceof PipelineError && SILENCE.has(error.code)) return { kind: 'silent', error };
    throw error;
  }
}

function judge(
  { pair, lastStored }: DetectRequest,
  candles: readonly Candle[],
  newest: EpochMs,
  fetchedAt: EpochMs,
): Detection {
  const last = candles.at(-1)?.openTime;
  if (last === undefined) {
    throw new PipelineError('empty_response', `${pairKey(pair)}: the exchange answered without candles it gave before`);
  }
  const from = shiftSlots(pair.timeframe, Math.max(last, lastStored), 1);
  const missing = countSlots(pair.timeframe, { from, to: newest });
  const fresh = candles.filter(({ openTime }) => openTime > lastStored).length;
  return fresh > 0
    ? { kind: 'new', candles, fetchedAt, fresh, missing }
    : { kind: 'none_yet', candles, fetchedAt, fresh: 0, missing };
}
