/** When an exchange says we may ask again. Only these two places tell it: the header, and the text of a ban. */
import { HOUR, MINUTE } from '../../domain/timeframe';
import type { EpochMs } from '../../domain/types';

/** F53: whatever an overload answer says, we look again after an hour. */
const LONGEST_PAUSE = HOUR;
/** Binance bans for three days at most; a longer time is a mistake. */
const LONGEST_BAN = 72 * HOUR;
/** Exchanges count by the minute, so an overload that names no time is over in one. */
export const DEFAULT_PAUSE = MINUTE;
/** The shortest ban Binance documents. */
const DEFAULT_BAN = 2 * MINUTE;

/**
 * Milliseconds that a `Retry-After` header asks for: seconds, or an HTTP date. Null when it is absent, unreadable or not
 * in the future. `exchangeNow` is the exchange's clock, to which a date refers.
 */
function retryAfter(header: string | undefined, exchangeNow: EpochMs): number | null {
  const text = header?.trim() ?? '';
  const pause = /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : httpDate(text) - exchangeNow;
  return pause > 0 ? pause : null;
}

/** NaN when the text is no HTTP date: Date.parse alone reads a lone number like "-5" as a year. */
function httpDate(text: string): EpochMs {
  return /^[A-Za-z]{3}.*GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}

/** Milliseconds to leave the exchange alone after it said "too many requests" or "overloaded"; at most an hour. */
export function pauseAfterOverload(header: string | undefined, exchangeNow: EpochMs): number {
  return Math.min(retryAfter(header, exchangeNow) ?? DEFAULT_PAUSE, LONGEST_PAUSE);
}

/**
 * Milliseconds to leave the exchange alone after a ban (418): the later of the header and of the time in the body, which
 * Binance writes as `IP banned until 1573054567890`.
 */
export function pauseAfterBan(header: string | undefined, body: string, exchangeNow: EpochMs): number {
  const until = Number(/until (\d{13})\b/.exec(body)?.[1] ?? Number.NaN);
  const times = [retryAfter(header, exchangeNow), until - exchangeNow].filter(
    (pause): pause is number => pause !== null && pause > 0,
  );
  return Math.min(times.length === 0 ? DEFAULT_BAN : Math.max(...times), LONGEST_BAN);
}
