/** Symbols and timeframes as people write them, with the near miss named. Shared by the configuration and the CLI. */
import { KNOWN_TIMEFRAMES, isTimeframe } from '../domain/timeframe';
import { isSymbol, type MarketSymbol, type TimeframeId } from '../domain/types';

const OTHER_NAMES: Readonly<Record<string, string>> = {
  '60m': '1h',
  '24h': '1d',
  '7d': '1w',
  '1mo': '1M',
  '1mon': '1M',
  '1month': '1M',
  '1week': '1w',
  '1day': '1d',
  '1hour': '1h',
  '1min': '1m',
  minute: '1m',
  hourly: '1h',
  daily: '1d',
  weekly: '1w',
  monthly: '1M',
};

/** Quote currencies by which a symbol written without a slash can be taken apart, longest first. */
const QUOTES = ['USDT', 'USDC', 'FDUSD', 'TUSD', 'USD', 'EUR', 'BTC', 'ETH', 'BNB'];

/** ` Did you mean 1d?` for `1D`, `24h` or `daily`. Numbers are never guessed: `2d` is no near miss of `1d`. */
export function timeframeHint(text: string): string {
  const lower = text.toLowerCase();
  const match = KNOWN_TIMEFRAMES.find((known) => known.toLowerCase() === lower) ?? OTHER_NAMES[lower];
  return match === undefined ? '' : ` Did you mean ${match}?`;
}

/** ` Did you mean BTC/USDT?` for `btc/usdt`, `BTC-USDT`, `BTC_USDT` or `BTCUSDT`. */
export function symbolHint(text: string): string {
  const capitals = text.trim().toUpperCase();
  const [, base, quote] = /^([A-Z0-9]+)[/_\-\\. ]([A-Z0-9]+)$/.exec(capitals) ?? [];
  if (base !== undefined && quote !== undefined && isSymbol(`${base}/${quote}`))
    return ` Did you mean ${base}/${quote}?`;
  const end = QUOTES.find((candidate) => capitals.endsWith(candidate) && capitals.length > candidate.length);
  const joined = end === undefined ? '' : `${capitals.slice(0, -end.length)}/${end}`;
  return isSymbol(joined) ? ` Did you mean ${joined}?` : '';
}

/** @throws RangeError with a clause for the user. */
export function readTimeframe(text: string): TimeframeId {
  if (isTimeframe(text)) return text;
  throw new RangeError(`"${text}" is not a timeframe: use ${KNOWN_TIMEFRAMES.join(' ')}.${timeframeHint(text)}`);
}

/** @throws RangeError with a clause for the user. */
export function readSymbol(text: string): MarketSymbol {
  if (isSymbol(text)) return text;
  throw new RangeError(
    `"${text}" is not a symbol: write BASE/QUOTE in capitals, for example BTC/USDT.${symbolHint(text)}`,
  );
}
