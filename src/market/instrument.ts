import { HOUR, MINUTE } from '../domain/timeframe';
import { parseSymbol } from '../domain/types';
import type { EpochMs, MarketSymbol } from '../domain/types';
import { RandomDraws, exponential } from './random-draws';

/** What the generator needs to know of one symbol. */
export interface Instrument {
  readonly symbol: MarketSymbol;
  readonly priceDecimals: number;
  readonly lotDecimals: number;
  readonly listedAt: EpochMs;
  /** Price on the first hour, and the price the walk is drawn back to over about a year. */
  readonly firstPrice: number;
  readonly usualPrice: number;
  /** Deviation of an hour's log return. */
  readonly hourlyVolatility: number;
  /** Correlation of its returns with those of the whole market, 0..1. */
  readonly marketShare: number;
  /** Quote currency traded in an ordinary hour. */
  readonly hourlyTurnover: number;
  /** Share of minutes in which something trades; below 1 whole hours are empty now and then too. */
  readonly tradedMinutes: number;
}

type Known = Omit<Instrument, 'symbol' | 'tradedMinutes'>;

const KNOWN: Readonly<Record<string, Known>> = {
  BTC: known('2017-08-17T04:00Z', [4261, 42_000], [2, 5], 0.006, 0.9, 60e6),
  ETH: known('2017-08-17T04:00Z', [301, 2400], [2, 4], 0.0075, 0.85, 35e6),
  XRP: known('2018-05-04T08:00Z', [0.89, 0.6], [4, 0], 0.0085, 0.7, 9e6),
  SOL: known('2020-08-11T06:00Z', [2.85, 90], [2, 3], 0.0105, 0.7, 12e6),
  DOGE: known('2019-07-05T12:00Z', [0.0045, 0.12], [5, 0], 0.0095, 0.6, 6e6),
};

function known(
  listed: string,
  [firstPrice, usualPrice]: readonly [number, number],
  [priceDecimals, lotDecimals]: readonly [number, number],
  hourlyVolatility: number,
  marketShare: number,
  hourlyTurnover: number,
): Known {
  const listedAt = Date.parse(listed);
  return {
    listedAt,
    firstPrice,
    usualPrice,
    priceDecimals,
    lotDecimals,
    hourlyVolatility,
    marketShare,
    hourlyTurnover,
  };
}

const FIRST_LISTING = Date.UTC(2018, 0, 1);
const LISTING_HOURS = (Date.UTC(2024, 6, 1) - FIRST_LISTING) / HOUR;
const SPARSE_SHARE = 0.125;

/** Decimals that leave a price about five digits: 0.01234 has 6, 123.4 has 2. */
function decimalsFor(price: number): number {
  let decimals = 4;
  for (let rest = price; rest < 1 && decimals < 8; rest *= 10) decimals += 1;
  for (let rest = price; rest >= 10 && decimals > 1; rest /= 10) decimals -= 1;
  return decimals;
}

/** A symbol nobody knows: everything follows from the seed and its name. */
function unknownInstrument(symbol: MarketSymbol, seed: string): Instrument {
  const draws = new RandomDraws(`${seed} instrument ${symbol}`);
  const usualPrice = exponential(-4 + 9 * draws.uniform(0));
  const sparse = draws.uniform(6) < SPARSE_SHARE;
  return {
    symbol,
    listedAt: FIRST_LISTING + Math.floor(draws.uniform(1) * LISTING_HOURS) * HOUR,
    firstPrice: usualPrice * exponential(draws.normal(2)),
    usualPrice,
    priceDecimals: decimalsFor(usualPrice),
    lotDecimals: usualPrice < 1 ? 0 : 2,
    hourlyVolatility: 0.008 + 0.006 * draws.uniform(3),
    marketShare: 0.4 + 0.4 * draws.uniform(4),
    hourlyTurnover: (sparse ? 2e3 : 2e5) * exponential(2 * draws.uniform(5)),
    tradedMinutes: sparse ? 0.25 : 1,
  };
}

/** Instruments depend on the seed and their own name only, not on which others a market lists. */
export function instrumentOf(symbol: MarketSymbol, seed: string): Instrument {
  const [base = '', quote = ''] = symbol.split('/');
  const details = Object.hasOwn(KNOWN, base) ? KNOWN[base] : undefined;
  if (details === undefined || quote !== 'USDT') return unknownInstrument(symbol, seed);
  return { symbol, ...details, tradedMinutes: 1 };
}

const CONSONANTS = 'BDFGKLMNPRSTVZ';
const VOWELS = 'AEIOU';

/** A word such as `KAMUL`: different for each number below 68,600. */
function inventedName(number: number): string {
  let rest = (number * 27_481 + 4099) % 68_600;
  return [CONSONANTS, VOWELS, CONSONANTS, VOWELS, CONSONANTS]
    .map((letters) => {
      const letter = letters.charAt(rest % letters.length);
      rest = Math.floor(rest / letters.length);
      return letter;
    })
    .join('');
}

/** The five known symbols, then invented ones, all against USDT. */
export function inventedSymbols(count: number): MarketSymbol[] {
  const bases = Object.keys(KNOWN);
  return Array.from({ length: count }, (_, index) => {
    return parseSymbol(`${bases[index] ?? inventedName(index - bases.length)}/USDT`);
  });
}

/** The minutes of an hour (0..59) in which a symbol trades, of those in which the exchange is open; never none. */
export function tradedMinutes(
  instrument: Instrument,
  draws: RandomDraws,
  hour: number,
  open: { readonly from: number; readonly to: number },
): number[] {
  const all = Array.from({ length: open.to - open.from }, (_, index) => open.from + index);
  if (instrument.tradedMinutes >= 1) return all;
  const firstMinute = hour * (HOUR / MINUTE);
  const traded = all.filter((minute) => draws.uniform(firstMinute + minute) < instrument.tradedMinutes);
  return traded.length > 0 ? traded : all.slice(0, 1);
}
