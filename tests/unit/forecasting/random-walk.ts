import { shiftSlots } from '../../../src/domain/timeframe';
import type { Candle, TimeframeId } from '../../../src/domain/types';

/** Candles of a seeded random walk: the same for the same arguments, everywhere. */
export function randomWalk(timeframe: TimeframeId, count: number, seed = 1): Candle[] {
  const random = mulberry(seed);
  const start = Date.UTC(2022, 0, 3);
  let open = 100;
  return Array.from({ length: count }, (_, i) => {
    const close = open * Math.exp((random() - 0.5) * 0.03);
    const high = Math.max(open, close) * (1 + random() * 0.005);
    const low = Math.min(open, close) * (1 - random() * 0.005);
    const candle = { openTime: shiftSlots(timeframe, start, i), open, high, low, close, volume: 1 + random() };
    open = close;
    return candle;
  });
}

/** Mulberry32, a small generator of uniform numbers in [0, 1). */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
