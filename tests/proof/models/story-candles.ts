/** Real candles for the story: the last part of each file, with the market's moves made larger from a date on. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Candle, EpochMs } from '../../../src/domain/types';
import { readCandles } from '../../../src/forecasting/candle-file';

export interface StoryCandles {
  /** Folder of the real candles. */
  readonly source: string;
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  /** Earlier candles are left out. */
  readonly from: EpochMs;
  /** Candles that open from here on move `factor` times as much as they did. */
  readonly breakAt: EpochMs;
  readonly factor: number;
}

/** The new folder, to be removed by the caller. */
export function writeStoryCandles({ source, symbols, timeframes, from, breakAt, factor }: StoryCandles): string {
  const folder = join(mkdtempSync(join(tmpdir(), 'coin-predict-story-')), 'ohlcv');
  mkdirSync(folder);
  for (const symbol of symbols) {
    for (const timeframe of timeframes) {
      const file = `${symbol.replace('/', '_')}-${timeframe}.csv.gz`;
      const kept = readCandles(join(source, file)).filter(({ openTime }) => openTime >= from);
      writeFileSync(join(folder, file), gzipSync(csv(breakRegime(kept, breakAt, factor))));
    }
  }
  return folder;
}

/** Log moves from the close before, each times `factor`: volatility is that many times as high, direction the same. */
export function breakRegime(candles: readonly Candle[], breakAt: EpochMs, factor: number): Candle[] {
  let [real, shown] = [candles[0]?.open ?? Number.NaN, candles[0]?.open ?? Number.NaN];
  return candles.map((candle) => {
    const power = candle.openTime >= breakAt ? factor : 1;
    const moved = (price: number): number => shown * (price / real) ** power;
    const { open, high, low, close } = candle;
    const made = { ...candle, open: moved(open), high: moved(high), low: moved(low), close: moved(close) };
    [real, shown] = [close, made.close];
    return made;
  });
}

/** No market tells more digits. */
const shown = (value: number): number => Number(value.toFixed(8));

function csv(candles: readonly Candle[]): string {
  const rows = candles.map(({ openTime, open, high, low, close, volume }) =>
    [openTime, ...[open, high, low, close, volume].map(shown)].join(','),
  );
  return `timestamp_ms,open,high,low,close,volume\n${rows.join('\n')}\n`;
}
