import { PipelineError } from '../../domain/errors';
import { pairKey } from '../../domain/types';
import { candlePage } from '../ccxt/candle-page';
import type { Candle, EpochMs, MarketSymbol, Pair, TimeframeId } from '../../domain/types';
import type { Clock } from '../../ports/clock';
import type { Exchange, Market, PageRequest } from '../../ports/exchange';

/** What the exchange answers instead of the truth: a failure, or these rows `[openTime, open, high, low, close, volume]`. */
export type MemoryAnswer = { readonly error: PipelineError } | { readonly rows: readonly unknown[] };

export interface MemoryExchangeOptions {
  readonly clock: Clock;
  readonly settleMs: number;
  /** Default `memory`. */
  readonly source?: string;
  /** Candles of one answer at most. Default 1000. */
  readonly pageCap?: number;
  /** The exchange's clock less ours. Default 0. */
  readonly clockOffsetMs?: number;
  readonly unsupported?: readonly TimeframeId[];
}

/** An exchange whose truth is given, which fails as it is told to. */
export interface MemoryExchange extends Exchange {
  /** Every page asked for, in order. */
  readonly requests: PageRequest[];
  /** Replaces what the exchange has of a pair; candles that lie ahead of its clock are answered when their time has come. */
  setCandles(pair: Pair, candles: readonly Candle[]): void;
  /** The next answers, once each, to any page. */
  next(...answers: MemoryAnswer[]): void;
  /** Every request fails so until this is called with null. */
  fail(error: PipelineError | null): void;
}

class TruthExchange implements MemoryExchange {
  readonly source: string;
  readonly largestPage = 1000;
  readonly requests: PageRequest[] = [];
  private readonly truth = new Map<string, readonly Candle[]>();
  private readonly symbols = new Set<MarketSymbol>();
  private readonly script: MemoryAnswer[] = [];
  private failure: PipelineError | null = null;

  constructor(private readonly options: MemoryExchangeOptions) {
    this.source = options.source ?? 'memory';
  }

  setCandles(pair: Pair, candles: readonly Candle[]): void {
    this.symbols.add(pair.symbol);
    this.truth.set(
      pairKey(pair),
      candles.toSorted((a, b) => a.openTime - b.openTime),
    );
  }

  next(...answers: MemoryAnswer[]): void {
    this.script.push(...answers);
  }

  fail(error: PipelineError | null): void {
    this.failure = error;
  }

  async fetchPage(request: PageRequest) {
    request.signal?.throwIfAborted();
    this.requests.push(request);
    this.failIfTold();
    const support = this.supports(request.timeframe);
    if (!support.offered) throw new PipelineError('unsupported_timeframe', `no candles: ${support.reason}`);
    const [ours, theirs] = [this.options.clock.now(), this.exchangeNow()];
    const times = {
      closedAsOf: Math.min(request.asOf, ours, theirs),
      newestOpen: Math.max(request.asOf, ours, theirs),
      settleMs: this.options.settleMs,
    };
    return candlePage(this.answer(request), request, times);
  }

  private answer(request: PageRequest): readonly unknown[] {
    const scripted = this.script.shift();
    if (scripted !== undefined) {
      if ('error' in scripted) throw scripted.error;
      return scripted.rows;
    }
    const candles = this.truth.get(pairKey(request));
    if (candles === undefined) throw new PipelineError('bad_symbol', `${this.source} does not know ${request.symbol}`);
    const now = this.exchangeNow();
    return candles
      .filter(({ openTime }) => openTime >= request.since && openTime <= now)
      .slice(0, Math.min(request.limit, this.options.pageCap ?? 1000))
      .map(({ openTime, open, high, low, close, volume }) => [openTime, open, high, low, close, volume]);
  }

  async serverTime(signal?: AbortSignal): Promise<EpochMs> {
    signal?.throwIfAborted();
    this.failIfTold();
    return this.exchangeNow();
  }

  async markets(signal?: AbortSignal): Promise<readonly Market[]> {
    signal?.throwIfAborted();
    this.failIfTold();
    return [...this.symbols].map((symbol) => ({ symbol, active: true, quoteVolume: null }));
  }

  supports(timeframe: TimeframeId) {
    const offered = this.options.unsupported?.includes(timeframe) !== true;
    return { timeframe, offered, reason: offered ? null : `${this.source} does not offer ${timeframe}` };
  }

  async close(): Promise<void> {}

  private exchangeNow(): EpochMs {
    return this.options.clock.now() + (this.options.clockOffsetMs ?? 0);
  }

  private failIfTold(): void {
    if (this.failure !== null) throw this.failure;
  }
}

export function createMemoryExchange(options: MemoryExchangeOptions): MemoryExchange {
  return new TruthExchange(options);
}
