/** What the market has, read from its files without the program's own reader. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

export type Values = readonly [open: number, high: number, low: number, close: number, volume: number];

/** What the market finally has of a pair: values by open time, whatever the time is now. */
export type Truth = (symbol: string, timeframe: string) => ReadonlyMap<number, Values>;

/** Out of `SYMBOL_QUOTE-TF.csv.gz`, each read once; of a pair without a file the market has nothing. */
export function truthOfFiles(folder: string): Truth {
  const read = new Map<string, ReadonlyMap<number, Values>>();
  return (symbol, timeframe) => {
    const file = join(folder, `${symbol.replace('/', '_')}-${timeframe}.csv.gz`);
    const known = read.get(file) ?? candlesOf(file);
    read.set(file, known);
    return known;
  };
}

function candlesOf(file: string): ReadonlyMap<number, Values> {
  const candles = new Map<number, Values>();
  if (!existsSync(file)) return candles;
  const [, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  for (const line of lines) {
    const [time = Number.NaN, open = 0, high = 0, low = 0, close = 0, volume = 0] = line.split(',').map(Number);
    candles.set(time, [open, high, low, close, volume]);
  }
  return candles;
}
