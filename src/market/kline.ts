import { closeOf } from '../domain/timeframe';
import type { Candle, EpochMs, TimeframeId } from '../domain/types';

/** Eight decimals, as the exchange writes prices and volumes. */
export function eightDecimals(value: number): string {
  return value.toFixed(8);
}

/** Value traded: volume times the mean of the four prices, since no single trades are known. */
export function quoteVolume(candle: Omit<Candle, 'openTime'>): number {
  return (candle.volume * (candle.open + candle.high + candle.low + candle.close)) / 4;
}

/** Number of trades for a value traded, at 1,000 of the quote currency a trade. */
export function tradeCount(value: number): number {
  return Math.ceil(value / 1000);
}

export type KlineRow = readonly [
  openTime: EpochMs,
  open: string,
  high: string,
  low: string,
  close: string,
  volume: string,
  closeTime: EpochMs,
  quoteVolume: string,
  trades: number,
  takerBuyVolume: string,
  takerBuyQuoteVolume: string,
  unused: string,
];

/** A candle as the exchange's twelve fields; the close time is the last millisecond of the slot. */
export function klineRow(candle: Candle, timeframe: TimeframeId): KlineRow {
  const value = quoteVolume(candle);
  return [
    candle.openTime,
    eightDecimals(candle.open),
    eightDecimals(candle.high),
    eightDecimals(candle.low),
    eightDecimals(candle.close),
    eightDecimals(candle.volume),
    closeOf(timeframe, candle.openTime) - 1,
    eightDecimals(value),
    tradeCount(value),
    eightDecimals(candle.volume / 2),
    eightDecimals(value / 2),
    '0',
  ];
}
