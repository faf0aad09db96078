import type { TimeframeId } from '../../domain/types';
import type { TimeframeSupport } from '../../ports/exchange';

/** Exchanges whose weeks are known to begin on another day than Monday. Others are found out by their first page. */
const THURSDAY_WEEKS: ReadonlySet<string> = new Set(['kucoin', 'hyperliquid']);

export interface Offer {
  readonly exchange: string;
  readonly servesCandles: boolean;
  /** Timeframes by the exchange's own account. */
  readonly timeframes: ReadonlySet<string>;
}

export function timeframeSupport(offer: Offer, timeframe: TimeframeId): TimeframeSupport {
  const reason = refusal(offer, timeframe);
  return { timeframe, offered: reason === null, reason };
}

function refusal({ exchange, servesCandles, timeframes }: Offer, timeframe: TimeframeId): string | null {
  if (!servesCandles) return `${exchange} does not serve candles`;
  if (!timeframes.has(timeframe)) return `${exchange} offers only ${[...timeframes].join(' ')}`;
  if (timeframe === '1w' && THURSDAY_WEEKS.has(exchange))
    return `the weeks of ${exchange} begin on Thursday, ours on Monday`;
  return null;
}
