// A simulated market of hourly candles from files, and how times are summed up: shared by the benches of whole cycles.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const require = createRequire(import.meta.url);
const dist = join(import.meta.dirname, '..', 'dist');
export const load = (path) => require(join(dist, path));
const { startMarket } = load('src/market/market-server.js');
const { HOUR } = load('src/domain/timeframe.js');

/** Enough hours to forecast before the first boundary; a store that is to be filled for long is another bench. */
const HISTORY = 500;
/** The first boundary. */
export const FIRST = Date.UTC(2024, 0, 1) + HISTORY * HOUR;
/** Milliseconds after a boundary at which its cycle starts. */
export const OFFSET = 5_000;

/** Serves HISTORY candles and those of `boundaries` more hours. */
export function startHourlyMarket(folder, symbols, boundaries) {
  const data = join(folder, 'candles');
  mkdirSync(data);
  for (const [place, symbol] of symbols.entries()) {
    const rows = ['timestamp_ms,open,high,low,close,volume'];
    let price = 100 * (1 + place);
    for (let k = -HISTORY; k < boundaries; k++) {
      const close = Number((price * (1 + 0.01 * Math.sin(k * 1.7) + 0.004 * Math.cos(k * 0.31))).toFixed(4));
      rows.push(
        [FIRST + k * HOUR, price, Math.max(price, close) + 0.5, Math.min(price, close) - 0.5, close, 10].join(','),
      );
      price = close;
    }
    writeFileSync(join(data, `${symbol.replace('/', '_')}-1h.csv.gz`), gzipSync(`${rows.join('\n')}\n`));
  }
  return startMarket({ data, clock: { fixed: FIRST + boundaries * HOUR + OFFSET } });
}

export const quantile = (values, share) => values[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)];
export const seconds = (ms) => Number((ms / 1000).toFixed(2));
