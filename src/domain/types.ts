/**
 * Glossary. Every other module uses these words with these meanings.
 *
 * - symbol      what is traded, `BASE/QUOTE`, e.g. `BTC/USDT`
 * - timeframe   length of a candle, e.g. `1h`; `1m` is a minute, `1M` a calendar month
 * - pair        one symbol on one timeframe
 * - slot        one place of the timeframe's grid, named by its open time
 * - candle      what was traded in one slot; its time is the OPEN time of the slot
 * - boundary    the instant at which one slot closes and the next opens
 * - closed      a candle whose close lies at least the settle time in the past, on our clock and the exchange's
 * - hole        a slot between the first and the last stored candle that has no candle
 * - data through  the CLOSE time of the last candle something rests on
 * - origin      the last close a forecast starts from; horizon: the number of steps it reaches
 * - source      where candles come from: an exchange's ccxt id, or `simulated`; sources never mix
 */

declare const brand: unique symbol;
type Branded<T, B extends string> = T & { readonly [brand]: B };

/** `BASE/QUOTE`, checked by {@link parseSymbol}. */
export type MarketSymbol = Branded<string, 'MarketSymbol'>;
/** A timeframe this program knows, checked by `parseTimeframe`. */
export type TimeframeId = Branded<string, 'TimeframeId'>;
/** Milliseconds since 1970-01-01T00:00:00Z. A plain number, so that it stays JSON. */
export type EpochMs = number;

export interface Pair {
  readonly symbol: MarketSymbol;
  readonly timeframe: TimeframeId;
}

/** One closed candle. Prices in the quote currency, volume in the base currency. */
export interface Candle {
  readonly openTime: EpochMs;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** A run of slots, both ends included, named by their open times. */
export interface SlotRange {
  readonly from: EpochMs;
  readonly to: EpochMs;
}

/** The stages a failure can belong to (SPEC, invariant 6). */
export const STAGES = [
  'preflight',
  'detect',
  'ingest',
  'repair',
  'gate',
  'predict',
  'export',
  'manifest',
  'monitor',
  'train',
  'evaluate',
  'promote',
] as const;
export type Stage = (typeof STAGES)[number];

/**
 * The only shape a symbol may have. It becomes a file name, a workflow ID and a database value,
 * so nothing but capitals, digits and one slash (and a settle suffix) may pass (PROOF S07).
 */
const SYMBOL_PATTERN = /^[A-Z0-9]{1,20}\/[A-Z0-9]{1,20}(:[A-Z0-9-]{1,20})?$/;

export function isSymbol(text: string): text is MarketSymbol {
  return SYMBOL_PATTERN.test(text);
}

/** @throws RangeError with a sentence for the user when the text is not `BASE/QUOTE`. */
export function parseSymbol(text: string): MarketSymbol {
  if (!isSymbol(text)) {
    throw new RangeError(`"${text}" is not a symbol: write BASE/QUOTE in capitals, for example BTC/USDT`);
  }
  return text;
}

/** `BTC/USDT` -> `BTC_USDT`: the form used in file names, URLs and workflow IDs. */
export function symbolFileName(symbol: MarketSymbol): string {
  return symbol.replace('/', '_').replace(':', '_');
}

/** The symbol whose {@link symbolFileName} this is, no part of which holds a `_`; null when there is none. */
export function symbolOfFileName(name: string): MarketSymbol | null {
  const symbol = name.replace('_', '/').replace('_', ':');
  return isSymbol(symbol) ? symbol : null;
}

/** `BTC/USDT 1h`: the form used for people, and as a key. */
export function pairKey(pair: Pair): string {
  return `${pair.symbol} ${pair.timeframe}`;
}
