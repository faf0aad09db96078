/** The market of the scene: what it has, and where its own history has holes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const SYMBOLS = ['BTC/USDT', 'ETH/USDT', 'SOL/USDT', 'ADA/USDT'];
export const START = Date.UTC(2024, 0, 1);
/** 130 days, enough hours and days to forecast on both timeframes; the day ends two hours after the scene begins. */
export const FROM = START + 130 * DAY - 2 * HOUR;
export const HOURS = 9;
export const at = (hours: number): number => FROM + hours * HOUR;

/** Of a coin that was listed a hundred days ago there are too few days to forecast 1d. */
const LISTED: Readonly<Record<string, number>> = { 'ADA/USDT': START + 30 * DAY };

/** Open times at which the exchange was down: long ago, and in the last hour of the scene. */
const OUTAGES = new Set([...[500, 501, 502].map((hour) => START + hour * HOUR), at(HOURS - 1)]);

/** Writes `SYMBOL_QUOTE-TF.csv.gz` of candles that wander up and down, the same for every run. */
export function writeSceneCandles(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const [place, symbol] of SYMBOLS.entries()) {
    for (const [timeframe, step] of [
      ['1h', HOUR],
      ['1d', DAY],
    ] as const) {
      const rows = ['timestamp_ms,open,high,low,close,volume'];
      let price = 100 * (1 + place);
      for (let open = LISTED[symbol] ?? START, k = 0; open < at(HOURS) + DAY; open += step, k++) {
        const close = Number((price * (1 + 0.01 * Math.sin(k * 1.7 + place) + 0.004 * Math.cos(k * 0.31))).toFixed(4));
        const [high, low] = [Math.max(price, close) + 0.5, Math.min(price, close) - 0.5];
        if (step === DAY || !OUTAGES.has(open)) rows.push([open, price, high, low, close, 10 + (k % 7)].join(','));
        price = close;
      }
      writeFileSync(join(folder, `${symbol.replace('/', '_')}-${timeframe}.csv.gz`), gzipSync(`${rows.join('\n')}\n`));
    }
  }
}
