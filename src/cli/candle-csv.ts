/**
 * Candles as CSV: header `timestamp_ms,open,high,low,close,volume`, one row a candle, open time in milliseconds, ascending;
 * numbers in their shortest decimal form without an exponent; `.gz` is compressed.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { checkRow, sameValues } from '../domain/candle';
import type { Candle, EpochMs, TimeframeId } from '../domain/types';

export const CSV_HEADER = 'timestamp_ms,open,high,low,close,volume';

const NUMBER = /^-?\d+(\.\d+)?$/;

/** Why rows were refused, and how many; the words of the domain, `not_closed` and `out_of_order`. */
export type Refusals = Record<string, number>;

export interface CsvRules {
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly settleMs: number;
}

/** Judges rows one after the other; holds back one candle, so that both of a conflicting pair can be refused. */
export class CandleRows {
  readonly refused: Refusals = {};
  duplicates = 0;
  private held: Candle | null = null;
  private newest = Number.NEGATIVE_INFINITY;

  constructor(private readonly rules: CsvRules) {}

  /** Takes one line; gives the candle before it once it is certain, else null. */
  take(line: string): Candle | null {
    const texts = line.split(',');
    const fields = texts.length === 6 && texts.every((text) => NUMBER.test(text)) ? texts.map(Number) : null;
    const check = checkRow(fields, this.rules.timeframe, this.rules.asOf, this.rules.settleMs);
    if (check.kind === 'forming') return this.refuse('not_closed');
    if (check.kind === 'fault') return this.refuse(check.fault);
    const { candle } = check;
    if (candle.openTime < this.newest) return this.refuse('out_of_order');
    if (candle.openTime === this.newest) return this.repeat(candle);
    const certain = this.held;
    [this.held, this.newest] = [candle, candle.openTime];
    return certain;
  }

  /** The last candle, at the end of the file. */
  end(): Candle | null {
    const last = this.held;
    this.held = null;
    return last;
  }

  private repeat(candle: Candle): null {
    if (this.held !== null && sameValues(this.held, candle)) {
      this.duplicates++;
      return null;
    }
    if (this.held !== null) this.refuse('conflicting_duplicate');
    this.held = null;
    return this.refuse('conflicting_duplicate');
  }

  private refuse(reason: string): null {
    this.refused[reason] = (this.refused[reason] ?? 0) + 1;
    return null;
  }
}

/**
 * Valid candles of a file in batches of at most `size`; refused rows are counted in `rows`.
 * @throws Error with one sentence when the file can not be read or has another header.
 */
export async function* readCandleFile(path: string, rows: CandleRows, size = 5000): AsyncGenerator<Candle[]> {
  let batch: Candle[] = [];
  let header = true;
  for await (const line of textLines(path)) {
    if (header) {
      if (line.replace(/^\uFEFF/, '').trim() !== CSV_HEADER)
        throw new Error(`${path}: the first line is not "${CSV_HEADER}".`);
      header = false;
      continue;
    }
    if (line === '') continue;
    const candle = rows.take(line.trim());
    if (candle !== null) batch.push(candle);
    if (batch.length >= size) {
      yield batch;
      batch = [];
    }
  }
  if (header) throw new Error(`${path}: the file is empty; its first line must be "${CSV_HEADER}".`);
  const last = rows.end();
  if (last !== null) batch.push(last);
  if (batch.length > 0) yield batch;
}

/** Whether the first line is the header of our own format. */
export async function isOwnFormat(path: string): Promise<boolean> {
  for await (const line of textLines(path)) return line.replace(/^\uFEFF/, '').trim() === CSV_HEADER;
  return false;
}

/** The lines of a file, also of a compressed one; a reader may leave before the end. */
export async function* textLines(path: string): AsyncGenerator<string> {
  const text = openText(path);
  const lines = createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY });
  // A fault that comes when the reader has left would end the process; before that the loop throws it.
  lines.on('error', () => {});
  try {
    for await (const line of lines) yield line;
  } finally {
    text.destroy();
  }
}

/** Reads a compressed file to its end: its checksum, which comes last, holds for every row. @throws Error of zlib. */
export async function checkPacked(path: string): Promise<void> {
  if (path.endsWith('.gz')) await finished(openText(path).resume());
}

/** The text of a file, also of a compressed one. */
export function openText(path: string): Readable {
  const file = createReadStream(path);
  const text = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  // pipe() does not pass errors on; without this a missing .gz would wait for ever.
  file.on('error', (error) => text.destroy(error));
  return text;
}

/** Shortest decimal digits that give the same number back, never with an exponent. */
export function decimalText(number: number): string {
  const text = String(number);
  const [, sign = '', whole = '', fraction = '', exponent] = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text) ?? [];
  if (exponent === undefined) return text;
  const digits = whole + fraction;
  const point = whole.length + Number(exponent);
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  return digits.length <= point
    ? `${sign}${digits.padEnd(point, '0')}`
    : `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

export function csvLine(candle: Candle): string {
  const { openTime, open, high, low, close, volume } = candle;
  return `${[openTime, open, high, low, close, volume].map(decimalText).join(',')}\n`;
}

/** Writes lines to a file, compressed when its name ends with `.gz`. */
export async function writeLines(path: string, lines: AsyncIterable<string>): Promise<void> {
  const source = Readable.from(lines);
  const target = createWriteStream(path);
  await (path.endsWith('.gz') ? pipeline(source, createGzip(), target) : pipeline(source, target));
}
