import { createCcxtExchange } from '../../../src/adapters/ccxt/ccxt-exchange';
import { createMemoryRateBudget } from '../../../src/adapters/memory/memory-rate-budget';
import { parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { CcxtExchangeOptions } from '../../../src/adapters/ccxt/ccxt-exchange';
import type { Candle, TimeframeId } from '../../../src/domain/types';
import type { Clock } from '../../../src/ports/clock';
import type { PageRequest } from '../../../src/ports/exchange';
import type { FaultServer } from './fault-server';

export const BTC = parseSymbol('BTC/USDT');
export const HOURLY = parseTimeframe('1h');
export const SETTLE_MS = 2000;
/** 2024-03-01T00:00Z, a boundary of every timeframe but the week. */
export const MARCH = Date.UTC(2024, 2, 1);

/** The real clock, moved by `offset` milliseconds. */
export function movableClock(): Clock & { offset: number } {
  return {
    offset: 0,
    now() {
      return Date.now() + this.offset;
    },
    monotonic() {
      return performance.now();
    },
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Unmodified ccxt that talks to the fault server. */
export async function ccxtOn(server: FaultServer, options: Partial<CcxtExchangeOptions> = {}) {
  const clock = options.clock ?? movableClock();
  const budget = options.budget ?? createMemoryRateBudget({ clock, sleep });
  const exchange = await createCcxtExchange({
    id: 'binance',
    clock,
    budget,
    settleMs: SETTLE_MS,
    baseUrl: server.url,
    random: () => 0,
    ...options,
  });
  return { exchange, budget, clock };
}

export function page(changes: Partial<PageRequest> = {}): PageRequest {
  return {
    symbol: BTC,
    timeframe: HOURLY,
    since: MARCH,
    asOf: Date.now(),
    limit: 1000,
    priority: 'live',
    ...changes,
  };
}

/** `count` different, valid candles from `from` on. */
export function candles(count: number, from = MARCH, timeframe: TimeframeId = HOURLY): Candle[] {
  return Array.from({ length: count }, (_, index) => {
    const open = 100 + (index % 50);
    const openTime = shiftSlots(timeframe, from, index);
    return { openTime, open, high: open + 2, low: open - 1, close: open + 1, volume: 1 + index };
  });
}
