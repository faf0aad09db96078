/** Times as CSV exports write them. A text has one meaning or none; what could be two is the caller's to settle. */
import type { EpochMs } from '../domain/types';

export const DAY_ORDERS = ['day-first', 'month-first'] as const;
export type DayOrder = (typeof DAY_ORDERS)[number];

export type TimeFormat =
  | 'seconds'
  | 'milliseconds'
  | 'microseconds'
  | 'nanoseconds'
  | 'YYYY-MM-DD hh:mm'
  | 'YYYY-MM-DD hh-AM/PM'
  | 'DD/MM/YYYY hh:mm or MM/DD/YYYY hh:mm';

export interface TimeReading {
  readonly format: TimeFormat;
  /** Null: a date that no calendar has, like 2021-02-30. */
  readonly time: EpochMs | null;
}

/** Powers of ten by which a number of the unit is larger than one of seconds; the ranges do not touch (years 1973 to 5138). */
const UNITS: readonly { readonly format: TimeFormat; readonly power: number }[] = [
  { format: 'seconds', power: 0 },
  { format: 'milliseconds', power: 3 },
  { format: 'microseconds', power: 6 },
  { format: 'nanoseconds', power: 9 },
];
const SMALLEST_SECONDS = 1e8;
const LARGEST_SECONDS = 1e11;

const ISO =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?\s*(?:Z|UTC|([+-]\d{2}):?(\d{2}))?$/;
const HALF_DAYS = /^(\d{4})-(\d{2})-(\d{2}) (\d{1,2})-(AM|PM)$/;
const SLASHES = /^(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}))?)?$/;

/** What the text says, or null when it is no time. Dates with slashes need `order`. */
export function readTime(text: string, order: DayOrder | null): TimeReading | null {
  if (/^\d+(\.\d+)?$/.test(text)) return readNumber(Number(text));
  return readHalfDay(text) ?? readIso(text) ?? readSlashes(text, order);
}

function readNumber(value: number): TimeReading | null {
  const unit = UNITS.find(({ power }) => {
    const seconds = value / 10 ** power;
    return seconds >= SMALLEST_SECONDS && seconds < LARGEST_SECONDS;
  });
  return unit === undefined ? null : { format: unit.format, time: Math.round((value / 10 ** unit.power) * 1000) };
}

function readIso(text: string): TimeReading | null {
  const match = ISO.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zoneHour, zoneMinute = '0'] =
    match;
  const time = dateOf([year, month, day, hour, minute, second].map(Number));
  const sign = zoneHour?.startsWith('-') === true ? -1 : 1;
  const zone = zoneHour === undefined ? 0 : Number(zoneHour) * 60 + sign * Number(zoneMinute);
  const parts = Math.round(Number(`0.${fraction}`) * 1000);
  return { format: 'YYYY-MM-DD hh:mm', time: time === null ? null : time + parts - zone * 60_000 };
}

function readHalfDay(text: string): TimeReading | null {
  const match = HALF_DAYS.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, half] = match;
  const clock = Number(hour);
  const time =
    clock < 1 || clock > 12
      ? null
      : dateOf([Number(year), Number(month), Number(day), (clock % 12) + (half === 'PM' ? 12 : 0), 0, 0]);
  return { format: 'YYYY-MM-DD hh-AM/PM', time };
}

function readSlashes(text: string, order: DayOrder | null): TimeReading | null {
  const match = SLASHES.exec(text);
  if (match === null) return null;
  const [, first, second, year, hour = '0', minute = '0', seconds = '0'] = match;
  const format: TimeFormat = 'DD/MM/YYYY hh:mm or MM/DD/YYYY hh:mm';
  if (order === null) return { format, time: null };
  const [day, month] = order === 'day-first' ? [first, second] : [second, first];
  return { format, time: dateOf([year, month, day, hour, minute, seconds].map(Number)) };
}

/** Null when the calendar has no such time. */
function dateOf([year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0]: readonly number[]): EpochMs | null {
  const time = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(time);
  const same = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return same && hour < 24 && minute < 60 && second < 60 ? time : null;
}

/** The order that a date with slashes proves, or null when it could be both. */
export function provenOrder(text: string): DayOrder | null {
  const [, first, second] = SLASHES.exec(text) ?? [];
  if (first === undefined || second === undefined) return null;
  if (Number(first) > 12 && Number(second) <= 12) return 'day-first';
  return Number(second) > 12 && Number(first) <= 12 ? 'month-first' : null;
}
