/** Candle files: gzip CSV, header `timestamp_ms,open,high,low,close,volume`, ascending open times. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PipelineError } from '../domain/errors';
import type { Candle } from '../domain/types';

const HEADER = 'timestamp_ms,open,high,low,close,volume';

/** @throws PipelineError `invalid_input` naming the file when it is not such a file. */
export function readCandles(file: string): readonly Candle[] {
  const [header, ...lines] = textOf(file).trimEnd().split('\n');
  if (header?.trim() !== HEADER) throw notCandles(file, `its first line is not "${HEADER}"`);
  let previous = -Infinity;
  return lines.map((line, i) => {
    const [openTime = NaN, open = NaN, high = NaN, low = NaN, close = NaN, volume = NaN] = line.split(',').map(Number);
    if (![openTime, open, high, low, close, volume].every(Number.isFinite) || openTime <= previous || close <= 0) {
      throw notCandles(file, `line ${i + 2} is not a candle later than the one before`);
    }
    previous = openTime;
    return { openTime, open, high, low, close, volume };
  });
}

function textOf(file: string): string {
  try {
    return gunzipSync(readFileSync(file)).toString('utf8');
  } catch (cause) {
    throw new PipelineError('invalid_input', `${file} can not be read: ${String(cause)}`, { cause });
  }
}

function notCandles(file: string, why: string): PipelineError {
  return new PipelineError('invalid_input', `${basename(file)} holds no candles: ${why}`);
}
