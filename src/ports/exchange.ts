import type { Candle, EpochMs, MarketSymbol, TimeframeId } from '../domain/types';
import type { QuarantinedRow } from '../domain/candle';

export type { QuarantinedRow } from '../domain/candle';

/** `live` goes before `fill` when requests are rationed. */
export type RequestPriority = 'live' | 'fill';

export interface PageRequest {
  readonly symbol: MarketSymbol;
  readonly timeframe: TimeframeId;
  /** Open time of the first candle wanted. */
  readonly since: EpochMs;
  /** The run's fixed time: nothing that closes later than this (or the exchange's own clock, if earlier), less the settle time, is returned. */
  readonly asOf: EpochMs;
  /** Candles wanted at most, 1..1000. Exchanges may answer fewer. */
  readonly limit: number;
  readonly priority: RequestPriority;
  readonly signal?: AbortSignal;
}

/** What is wrong with an answer as a whole: too many bad rows, or rows of another calendar than ours. */
export interface PageRefusal {
  readonly code: 'page_rejected' | 'unsupported_timeframe';
  readonly sentence: string;
}

export interface CandlePage {
  /** Why nothing of the answer may be stored; null when its candles may, though there be none. */
  readonly refusal: PageRefusal | null;
  /** Closed, valid, on the grid, unique, ascending, all at or after `since`. */
  readonly candles: readonly Candle[];
  readonly quarantined: readonly QuarantinedRow[];
  /** Rows in the answer, before anything was refused. 0 is a genuine empty list, never a broken answer. */
  readonly received: number;
  /** Identical repeats of a slot that were dropped. */
  readonly duplicates: number;
  /** Rows dropped because they had not closed. */
  readonly forming: number;
  /** The time that decided what counts as closed: the earlier of `asOf` and the exchange's clock, before the settle time. */
  readonly closedAsOf: EpochMs;
}

export interface Market {
  readonly symbol: MarketSymbol;
  readonly active: boolean;
  /** 24 h volume in the quote currency, when the exchange tells it. */
  readonly quoteVolume: number | null;
}

export interface TimeframeSupport {
  readonly timeframe: TimeframeId;
  readonly offered: boolean;
  /** Why not, as a clause for a sentence. */
  readonly reason: string | null;
}

/**
 * Public market data of one source. Every method waits for the deployment-wide rate budget, sends at most one
 * request at a time, and throws `PipelineError` with one of the exchange codes of `domain/errors`.
 */
export interface Exchange {
  /** Name of the source in documents and folders: a ccxt exchange id, or `simulated`. */
  readonly source: string;
  /**
   * Slots that one request looks at, 1..1000, as far as is known: exchanges that answer a window look at no more than so many
   * from `since` on, whatever was asked for, so an empty answer speaks of no more.
   */
  readonly largestPage: number;
  fetchPage(request: PageRequest): Promise<CandlePage>;
  serverTime(signal?: AbortSignal): Promise<EpochMs>;
  /** Known markets; a failed reload serves the last list for up to 24 h (PROOF F75). */
  markets(signal?: AbortSignal): Promise<readonly Market[]>;
  /** Which timeframes this exchange serves on our calendar. */
  supports(timeframe: TimeframeId): TimeframeSupport;
  close(): Promise<void>;
}
