/** What a candle row must be to be stored (SPEC 2.2, PROOF I01, I05, I09). */
import { isClosed, isOnGrid } from './timeframe';
import type { Candle, EpochMs, TimeframeId } from './types';

/** Why a row was refused; the word is stored with it and shown to the operator. */
export const ROW_FAULTS = [
  'malformed',
  'misaligned',
  'in_future',
  'non_finite',
  'non_positive_price',
  'negative_volume',
  'high_below_body',
  'low_above_body',
  'conflicting_duplicate',
] as const;
export type RowFault = (typeof ROW_FAULTS)[number];

export type RowCheck =
  | { readonly kind: 'candle'; readonly candle: Candle }
  | { readonly kind: 'forming' }
  | { readonly kind: 'fault'; readonly fault: RowFault };

/**
 * Judges one row `[openTime, open, high, low, close, volume]` as an exchange gave it.
 * `closedAsOf` is the earlier of the run's time and the exchange's clock. A row of the slot that is open then is
 * `forming`; one that opens later still is `in_future`.
 */
export function checkRow(row: unknown, timeframe: TimeframeId, closedAsOf: EpochMs, settleMs: number): RowCheck {
  if (!Array.isArray(row) || row.length < 6) return { kind: 'fault', fault: 'malformed' };
  const fields: unknown[] = row.slice(0, 6);
  if (!fields.every((field): field is number => typeof field === 'number'))
    return { kind: 'fault', fault: 'malformed' };
  const [openTime, open, high, low, close, volume] = fields as [number, number, number, number, number, number];
  if (!isOnGrid(timeframe, openTime) || openTime <= 0) return { kind: 'fault', fault: 'misaligned' };
  if (openTime > closedAsOf) return { kind: 'fault', fault: 'in_future' };
  if (!isClosed(timeframe, openTime, closedAsOf, settleMs)) return { kind: 'forming' };
  const candle: Candle = { openTime, open, high, low, close, volume };
  const fault = candleFault(candle);
  return fault === null ? { kind: 'candle', candle } : { kind: 'fault', fault };
}

/** The first rule of values that a candle breaks, or null when it breaks none. */
export function candleFault(candle: Candle): RowFault | null {
  const { open, high, low, close, volume } = candle;
  if (![open, high, low, close, volume].every(Number.isFinite)) return 'non_finite';
  if (Math.min(open, high, low, close) <= 0) return 'non_positive_price';
  if (volume < 0) return 'negative_volume';
  if (high < Math.max(open, close)) return 'high_below_body';
  if (low > Math.min(open, close)) return 'low_above_body';
  return null;
}

export function sameValues(a: Candle, b: Candle): boolean {
  return a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close && a.volume === b.volume;
}
