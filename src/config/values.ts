/**
 * How the text of a variable becomes a value. Every refusal is a clause that follows the variable's name. A schema's description
 * is the range that it keeps, as the documents tell it.
 */
import { z } from 'zod';
import { readTimeframe } from './reading';
import { didYouMean } from './suggestion';

/** A schema over the text of a variable; a RangeError of `read` becomes the sentence shown. */
function value<T>(read: (text: string) => T): z.ZodType<T, string> {
  return z.string().transform((text, context) => {
    try {
      return read(text.trim());
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  });
}

function readNumber(text: string, minimum: number, maximum: number, unit: string): number {
  const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= minimum && number <= maximum)) {
    throw new RangeError(`"${text}" is not a number of ${unit} from ${minimum} to ${maximum}.`);
  }
  return number;
}

function readWhole(text: string, minimum: number, maximum: number, unit: string): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= minimum && number <= maximum)) {
    throw new RangeError(`"${text}" is not a whole number of ${unit} from ${minimum} to ${maximum}.`);
  }
  return number;
}

export function number(minimum: number, maximum: number, unit: string): z.ZodType<number, string> {
  return value((text) => readNumber(text, minimum, maximum, unit)).describe(`${minimum} to ${maximum}`);
}

export function whole(minimum: number, maximum: number, unit: string): z.ZodType<number, string> {
  return value((text) => readWhole(text, minimum, maximum, unit)).describe(`${minimum} to ${maximum}`);
}

const PORTS = '1 to 65535, or 0 for any free one';

export function port(): z.ZodType<number, string> {
  return value((text) => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
    throw new RangeError(`"${text}" is not a port: use ${PORTS}.`);
  }).describe(PORTS);
}

export function word<const W extends string>(words: readonly W[]): z.ZodType<W, string> {
  return value((text) => {
    const match = words.find((candidate) => candidate === text);
    if (match !== undefined) return match;
    throw new RangeError(`"${text}" is not known: use ${words.join(', ')}.${didYouMean(text, words)}`);
  });
}

/** Text that the pattern must match whole; `rule` says the shape in words. */
export function pattern(shape: RegExp, rule: string): z.ZodType<string, string> {
  return value((text) => {
    if (shape.test(text)) return text;
    throw new RangeError(`"${text}" is not ${rule}.`);
  });
}

export function httpUrl(): z.ZodType<string, string> {
  return value((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !['http:', 'https:'].includes(url.protocol)) {
      throw new RangeError(`"${text}" is not a URL: write http://HOST:PORT or https://HOST.`);
    }
    if (url.username !== '' || url.password !== '') {
      throw new RangeError(`"${text}" holds a user name or password: remove it, requests can not carry one.`);
    }
    return text.replace(/\/+$/, '');
  });
}

/** A URL whose path may be a secret: it is not repeated in a refusal. */
export function secretUrl(): z.ZodType<string, string> {
  return value((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '') {
      return text;
    }
    throw new RangeError('is not a URL without user name and password: write https://HOST/PATH.');
  });
}

/** A key of at least so many characters, none of them a space; never repeated in a refusal. */
export function secretText(minimum: number): z.ZodType<string, string> {
  const rule = `at least ${minimum} characters without spaces`;
  return value((text) => {
    if (text.length >= minimum && !/\s/.test(text)) return text;
    throw new RangeError(`is not a key: use ${rule}.`);
  }).describe(rule);
}

/** Parts between commas, none empty, none twice. */
export function list<T extends string>(read: (text: string) => T, what: string): z.ZodType<readonly T[], string> {
  return value((text) => {
    const parts = text.split(',').map((part) => part.trim());
    if (parts.includes('')) throw new RangeError(`"${text}" has an empty ${what}: separate them by single commas.`);
    const faults: string[] = [];
    const values: T[] = [];
    for (const part of parts) {
      try {
        values.push(read(part));
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        faults.push(error.message);
      }
    }
    if (faults.length > 0) throw new RangeError(faults.join(' Also: '));
    const twice = values.find((entry, index) => values.indexOf(entry) !== index);
    if (twice !== undefined) throw new RangeError(`names ${twice} twice: name each ${what} once.`);
    return values;
  });
}

/** A value by timeframe, and, where the variable allows one, the value of all others. */
export interface ByTimeframe<T> {
  readonly general: T | null;
  readonly own: Readonly<Record<string, T>>;
}

/** `1h=65,1d=1500`; an entry without `=` is for all other timeframes and is refused unless `general` is allowed. */
export function byTimeframe<T>(
  read: (text: string) => T,
  options: { readonly general: boolean; readonly example: string },
): z.ZodType<ByTimeframe<T>, string> {
  return value((text) => {
    let general: T | null = null;
    const own: Record<string, T> = {};
    for (const part of text === '' ? [] : text.split(',')) {
      const [name = '', ...rest] = part.split('=').map((piece) => piece.trim());
      const [entry] = rest;
      if (
        rest.length > 1 ||
        name === '' ||
        entry === '' ||
        (entry === undefined && (!options.general || general !== null))
      ) {
        throw new RangeError(`"${part.trim()}" can not be read: write ${options.example}.`);
      }
      if (entry === undefined) {
        general = read(name);
        continue;
      }
      const timeframe = readTimeframe(name);
      if (Object.hasOwn(own, timeframe)) throw new RangeError(`names ${timeframe} twice: name each timeframe once.`);
      own[timeframe] = read(entry);
    }
    return { general, own };
  });
}

export function minutes(text: string): number {
  return readNumber(text, 0, 1_000_000, 'minutes');
}

export function samples(text: string): number {
  return readWhole(text, 1, 1_000_000, 'candles');
}
