/** The one way a document becomes bytes: RFC 8785, so that the same content has the same hash everywhere (I29). */
import type { z } from 'zod';
import { DAY } from '../domain/timeframe';
import type { EpochMs } from '../domain/types';

/**
 * RFC 8785 text: keys in order, numbers and strings as ECMAScript writes them. Written here because it takes half the
 * time of the `canonicalize` package on a history; `verify` uses that package, and a property holds the two equal. Keys
 * that look like integers must have the same number of digits, as `50`, `80` and `95` have.
 * @throws TypeError for what JSON can not hold (NaN, infinities, undefined alone).
 */
export function canonicalJson(value: unknown): string {
  const text: string | undefined = JSON.stringify(ordered(value));
  if (text === undefined) throw new TypeError('nothing to write');
  return text;
}

function ordered(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} is not a number in JSON`);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  const result: Record<string, unknown> = {};
  const fields = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(value).sort()) result[key] = ordered(fields[key]);
  return result;
}

/**
 * The bytes of a document that keeps its schema to the letter: what is written is what the schema gave back, so a field
 * it does not name never gets out, though readers would tolerate it.
 * @throws TypeError or ZodError when the document breaks the schema.
 */
export function canonicalDocument<T>(schema: z.ZodType<T>, document: T): string {
  return canonicalJson(schema.parse(document));
}

let day = Number.NaN;
let dayText = '';

/** ISO 8601 with `Z`, without milliseconds that are zero. Candles come by the day, so the day's text is kept. */
export function isoTime(at: EpochMs): string {
  if (at % 1000 !== 0) return new Date(at).toISOString();
  if (Math.floor(at / DAY) !== day) {
    dayText = new Date(at).toISOString().slice(0, 'YYYY-MM-DDT'.length);
    day = Math.floor(at / DAY);
  }
  const second = (at - day * DAY) / 1000;
  return `${dayText}${two(second / 3600)}:${two((second / 60) % 60)}:${two(second % 60)}Z`;
}

function two(value: number): string {
  return value < 10 ? `0${Math.floor(value)}` : `${Math.floor(value)}`;
}
