/** Times, lengths and numbers as an operator reads them. */
import { DAY, HOUR, MINUTE } from '../domain/timeframe';
import type { EpochMs } from '../domain/types';

/** `2024-05-01 14:00` in UTC, or a dash; a day's hour is told too, since weeks and months open at midnight. */
export function minuteText(time: EpochMs | null): string {
  return time === null ? '-' : new Date(time).toISOString().slice(0, 16).replace('T', ' ');
}

/** ISO 8601 with `Z`, as in every JSON document. */
export function isoText(time: EpochMs): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

/** {@link isoText}, null staying null. */
export function isoOrNull(time: EpochMs | null | undefined): string | null {
  return time === null || time === undefined ? null : isoText(time);
}

/** `45 s`, `12 min`, `3 h 5 min`, `2 d 4 h`. */
export function lengthText(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE) return `${Math.round(ms / 1000)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  const [big, small, bigName, smallName] = ms < DAY ? [HOUR, MINUTE, 'h', 'min'] : [DAY, HOUR, 'd', 'h'];
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)} ${bigName}${rest === 0 ? '' : ` ${rest} ${smallName}`}`;
}

/** `12 min ago`, or `in 12 min` for a time to come. */
export function agoText(time: EpochMs, now: EpochMs): string {
  return time <= now ? `${lengthText(now - time)} ago` : `in ${lengthText(time - now)}`;
}

/** Thousands apart, so that counts can be read. */
export function countText(count: number): string {
  return count.toLocaleString('en-US');
}

/** `3 holes`, `1 hole`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** Cut down, never up, so that 100 % means all. */
export function percentText(share: number): string {
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

/** A price with as many digits as matter: seven significant ones. */
export function priceText(price: number): string {
  const digits = Math.max(0, 6 - Math.max(-8, Math.floor(Math.log10(Math.abs(price) || 1))));
  return price.toFixed(Math.min(digits, 12));
}

/** What a thrown value says; errors of Node's own count too when they come from another realm. */
export function messageOf(error: unknown): string {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message);
}

/** `12.3 MB`, in steps of 1000 as disks are sold. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) [size, unit] = [size / 1000, unit + 1];
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit] ?? 'B'}`;
}
