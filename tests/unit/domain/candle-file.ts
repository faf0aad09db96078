import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** The rows of a file of real candles: `[openTime, open, high, low, close, volume]`. */
export function readCandleRows(folder: string, file: string): number[][] {
  const lines = gunzipSync(readFileSync(resolve(folder, file)))
    .toString('utf8')
    .trim()
    .split('\n');
  return lines.slice(1).map((line) => line.split(',').map(Number));
}
