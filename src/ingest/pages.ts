/** The paging loop: our own, because ccxt's multiplies requests during a ban and leaves silent holes (P3, P4). */
import { firstOpenFrom } from '../domain/coverage';
import { PipelineError } from '../domain/errors';
import { lastClosedOpen, shiftSlots } from '../domain/timeframe';
import { fetchVerifiedPage, otherLimit } from './verified-page';
import type { Candle, EpochMs, MarketSymbol, TimeframeId } from '../domain/types';
import type { Exchange, RequestPriority } from '../ports/exchange';
import type { OnRefused, VerifiedPage } from './verified-page';

export interface PagesRequest {
  readonly symbol: MarketSymbol;
  readonly timeframe: TimeframeId;
  /** Open times of the first and the last candle wanted. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly asOf: EpochMs;
  readonly priority: RequestPriority;
  /** Candles of one request, 1..1000. Default 1000. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
  readonly onRefused?: OnRefused;
}

export interface CandleRun {
  /** Never empty; ascending, and later than those of every run before. */
  readonly candles: readonly Candle[];
  /** Open time of the last of them. */
  readonly reached: EpochMs;
  /** Requests sent since the first run. */
  readonly requests: number;
}

const LIMIT = 1000;
/** An exchange may be this many slots late with its newest candles, and answer the ones before instead. */
const LATE_SLOTS = 2;

/**
 * Walks from `from` to `to`, or to the present. The cursor follows the last candle received, whatever the size of the
 * answer (F70), and moves for nothing else: an empty answer is asked again with another size, and what is empty twice
 * is looked past, in steps that double (I61). So a range takes ceil(slots / candles per answer) requests, and three more
 * for each place where candles are missing altogether (I62).
 * @throws PipelineError `no_progress` when the exchange answers other candles than those asked for, again and again.
 */
export async function* pages(exchange: Exchange, request: PagesRequest): AsyncGenerator<CandleRun> {
  const { timeframe } = request;
  const walk = new Walk(exchange, request);
  let cursor = firstOpenFrom(timeframe, request.from);
  while (cursor <= walk.end) {
    const page = (await walk.at(cursor)) ?? (await walk.after(cursor));
    if (page === null) return;
    const last = page.candles.at(-1);
    if (last === undefined) return;
    const candles = page.candles.filter(({ openTime }) => openTime <= walk.end);
    const reached = candles.at(-1)?.openTime;
    if (reached !== undefined) yield { candles, reached, requests: walk.requests };
    cursor = shiftSlots(timeframe, last.openTime, 1);
  }
}

class Walk {
  readonly end: EpochMs;
  requests = 0;
  private readonly limit: number;

  constructor(
    private readonly exchange: Exchange,
    private readonly request: PagesRequest,
  ) {
    this.end = Math.min(request.to, lastClosedOpen(request.timeframe, request.asOf, 0));
    this.limit = Math.min(request.limit ?? LIMIT, exchange.largestPage);
  }

  /** The page at `cursor`: with candles, or without because the present is reached; null when it is empty twice. */
  async at(cursor: EpochMs): Promise<VerifiedPage | null> {
    const first = await this.ask(cursor, this.limit);
    if (holdsAnswer(first)) return first;
    const second = await this.ask(cursor, otherLimit(this.limit));
    if (holdsAnswer(second)) return second;
    if (second.received > 0 && cursor < shiftSlots(this.request.timeframe, this.end, -LATE_SLOTS)) {
      throw new PipelineError(
        'no_progress',
        `${this.request.symbol} ${this.request.timeframe}: asked from ${new Date(cursor).toISOString()}, the exchange answers only earlier candles`,
      );
    }
    return null;
  }

  /**
   * The first page with candles that is met after `cursor`, at which there is nothing; null when there is none. What lies
   * between and was jumped over stays a hole of the store, which the repair asks for window by window.
   */
  async after(cursor: EpochMs): Promise<VerifiedPage | null> {
    const { timeframe } = this.request;
    // Both asks agree on no more than the smaller window.
    const window = Math.min(this.limit, otherLimit(this.limit));
    const lastWindow = shiftSlots(timeframe, this.end, 1 - window);
    let target = cursor;
    for (let step = window; target < lastWindow; step *= 2) {
      target = Math.min(shiftSlots(timeframe, target, step), lastWindow);
      const page = await this.ask(target, this.limit);
      if (holdsAnswer(page)) return page;
    }
    return null;
  }

  private async ask(since: EpochMs, limit: number): Promise<VerifiedPage> {
    const { symbol, timeframe, asOf, priority, signal, onRefused } = this.request;
    signal?.throwIfAborted();
    const page = await fetchVerifiedPage(
      this.exchange,
      { symbol, timeframe, since, asOf, limit, priority, ...(signal === undefined ? {} : { signal }) },
      onRefused ?? (async () => {}),
    );
    this.requests += page.requests;
    return page;
  }
}

/** Candles, or the one that is still forming: both tell where we are. */
function holdsAnswer({ candles, forming }: VerifiedPage): boolean {
  return candles.length > 0 || forming > 0;
}
