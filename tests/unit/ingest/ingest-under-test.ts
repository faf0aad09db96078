import { candlePage } from '../../../src/adapters/ccxt/candle-page';
import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { MemoryDataQuality } from '../../../src/adapters/memory/memory-data-quality';
import { MemoryGapLedger } from '../../../src/adapters/memory/memory-gap-ledger';
import { MemoryPairState } from '../../../src/adapters/memory/memory-pair-state';
import { createMemoryExchange } from '../../../src/adapters/memory/memory-exchange';
import { KNOWN_TIMEFRAMES, parseTimeframe, shiftSlots, slotAt, slotIndex } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle, EpochMs, Pair, TimeframeId } from '../../../src/domain/types';
import type { Clock } from '../../../src/ports/clock';
import type { Exchange, PageRequest } from '../../../src/ports/exchange';

export const HOUR = 3_600_000;
export const SETTLE_MS = 2000;
export const BTC: Pair = { symbol: parseSymbol('BTC/USDT'), timeframe: parseTimeframe('1h') };
/** A boundary of every timeframe; candle 0 of every series here opens then. */
export const START = Date.UTC(2024, 0, 1);

/** Open time of slot `index`. */
export function slot(index: number, pair: Pair = BTC): EpochMs {
  return shiftSlots(pair.timeframe, START, index);
}

export function candle(index: number, pair: Pair = BTC): Candle {
  const open = 100 + (Math.abs(index) % 40);
  return {
    openTime: slot(index, pair),
    open,
    high: open + 3,
    low: open - 2,
    close: open + 1,
    volume: 1 + Math.abs(index),
  };
}

/** Candles `from` to `to`, both included. */
export function candles(from: number, to: number, pair: Pair = BTC): Candle[] {
  return Array.from({ length: to - from + 1 }, (_, index) => candle(from + index, pair));
}

/** `series` less those of the slots `gone`. */
export function without(series: readonly Candle[], ...gone: readonly number[]): Candle[] {
  return series.filter(({ openTime }) => !gone.some((index) => slot(index) === openTime));
}

export function rowOf({ openTime, open, high, low, close, volume }: Candle): number[] {
  return [openTime, open, high, low, close, volume];
}

/** Settled: the close of candle `index` plus the settle time. */
export function after(index: number, pair: Pair = BTC): EpochMs {
  return slot(index + 1, pair) + SETTLE_MS;
}

/** A clock that stands still until it is moved. */
export function standingClock(now: EpochMs): Clock & { at: EpochMs } {
  return {
    at: now,
    now() {
      return this.at;
    },
    monotonic() {
      return this.at - START;
    },
  };
}

/** Memory stores and an exchange that has `truth`; the present is `now`. */
export function ingestPorts(now: EpochMs, truth: readonly Candle[], pageCap?: number) {
  const clock = standingClock(now);
  const exchange = createMemoryExchange({ clock, settleMs: SETTLE_MS, ...(pageCap === undefined ? {} : { pageCap }) });
  exchange.setCandles(BTC, truth);
  return {
    clock,
    exchange,
    candles: new MemoryCandleStore(),
    gapLedger: new MemoryGapLedger(),
    pairState: new MemoryPairState(),
    dataQuality: new MemoryDataQuality(),
  };
}

/** The same exchange; `act` comes first with every page and may fail instead. */
export function before(exchange: Exchange, act: (request: PageRequest) => Promise<void>): Exchange {
  return {
    source: exchange.source,
    largestPage: exchange.largestPage,
    fetchPage: async (request) => {
      await act(request);
      return exchange.fetchPage(request);
    },
    serverTime: (signal) => exchange.serverTime(signal),
    markets: (signal) => exchange.markets(signal),
    supports: (timeframe) => exchange.supports(timeframe),
    close: () => exchange.close(),
  };
}

export interface ScriptedExchange extends Exchange {
  readonly requests: PageRequest[];
}

/** An exchange with manners of its own: `answer` gives the rows for each request. */
export function exchangeThat(
  answer: (request: PageRequest, number: number) => readonly unknown[],
  largestPage = 1000,
  offered: readonly TimeframeId[] = KNOWN_TIMEFRAMES,
): ScriptedExchange {
  const requests: PageRequest[] = [];
  return {
    source: 'scripted',
    largestPage,
    requests,
    async fetchPage(request) {
      requests.push(request);
      const times = { closedAsOf: request.asOf, newestOpen: request.asOf, settleMs: SETTLE_MS };
      return candlePage(answer(request, requests.length), request, times);
    },
    serverTime: async () => 0,
    markets: async () => [],
    supports: (timeframe) => ({ timeframe, offered: offered.includes(timeframe), reason: null }),
    close: async () => {},
  };
}

/** The first candles at or after `since`, as Binance answers. */
export function jumping(truth: readonly Candle[], cap = 1000) {
  return ({ since, limit }: PageRequest): number[][] =>
    truth
      .filter(({ openTime }) => openTime >= since)
      .slice(0, Math.min(cap, limit))
      .map(rowOf);
}

/** Only candles of the `limit` slots from `since` on, as exchanges answer that take a start and an end. */
export function windowed(truth: readonly Candle[], cap = 1000) {
  return ({ since, limit, timeframe }: PageRequest): number[][] => {
    const end = slotAt(timeframe, slotIndex(timeframe, since) + Math.min(cap, limit));
    return truth.filter(({ openTime }) => openTime >= since && openTime < end).map(rowOf);
  };
}
