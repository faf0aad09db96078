/** The store compared with the exchange: what is missing, what differs, and how grave that is (SPEC 8, PROOF I12). */
import type { Candle, EpochMs } from './types';

/** Shares of the larger value up to which two numbers count as the same. */
const PRICE_TOLERANCE = 1e-6;
const VOLUME_TOLERANCE = 1e-4;
/** A candle that differs this often running is no late change any more. */
const CRITICAL_AFTER = 3;

/** A slot in which the exchange has another candle than the store. */
export type Difference =
  | { readonly kind: 'missing'; readonly candle: Candle }
  | { readonly kind: 'different'; readonly stored: Candle; readonly candle: Candle };

export type MismatchSeverity = 'warning' | 'critical';

export interface Comparison {
  /** Ascending. */
  readonly differences: readonly Difference[];
  /** Slots with equal values on both sides. */
  readonly same: number;
  /** Open times of stored candles that the exchange does not give (any more). They stay stored (I08). */
  readonly notAtExchange: readonly EpochMs[];
}

/** Both ascending and of the same slots. */
export function compareCandles(stored: readonly Candle[], exchange: readonly Candle[]): Comparison {
  const ours = new Map(stored.map((candle) => [candle.openTime, candle]));
  const differences: Difference[] = [];
  let same = 0;
  for (const candle of exchange) {
    const own = ours.get(candle.openTime);
    if (own === undefined) differences.push({ kind: 'missing', candle });
    else if (isSameWithinTolerance(own, candle)) same++;
    else differences.push({ kind: 'different', stored: own, candle });
    ours.delete(candle.openTime);
  }
  return { differences, same, notAtExchange: [...ours.keys()] };
}

export function isSameWithinTolerance(a: Candle, b: Candle): boolean {
  const price = (x: number, y: number): boolean => isClose(x, y, PRICE_TOLERANCE);
  return (
    price(a.open, b.open) &&
    price(a.high, b.high) &&
    price(a.low, b.low) &&
    price(a.close, b.close) &&
    isClose(a.volume, b.volume, VOLUME_TOLERANCE)
  );
}

/** A number that is not one is close to nothing. */
function isClose(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}

/** `times`: comparisons running in which this candle was found so. */
export function mismatchSeverity(kind: Difference['kind'], times: number): MismatchSeverity {
  return kind === 'missing' || times >= CRITICAL_AFTER ? 'critical' : 'warning';
}
