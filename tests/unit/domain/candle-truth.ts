import type { PageRules } from '../../../src/domain/candle';
import { shiftSlots } from '../../../src/domain/timeframe';
import type { Candle, TimeframeId } from '../../../src/domain/types';
import { tf } from './property';

export const since = Date.UTC(2024, 0, 1);
export const settleMs = 2_000;
export const rulesFor = (timeframe: TimeframeId, slots: number): PageRules => ({
  timeframe,
  since,
  closedAsOf: shiftSlots(timeframe, since, slots) + 5_000,
  settleMs,
});

export type Row = [number, number, number, number, number, number];
export const rowOf = ({ openTime, open, high, low, close, volume }: Candle): Row => [
  openTime,
  open,
  high,
  low,
  close,
  volume,
];

/** A truth: valid candles on consecutive slots, all closed by the rules' time. */
export function truth(timeframe: TimeframeId, slots: number): Candle[] {
  return Array.from({ length: slots }, (_, k) => {
    const [open, close] = [100 + k, 101 + k];
    return { openTime: shiftSlots(timeframe, since, k), open, high: close + 1, low: open - 1, close, volume: k };
  });
}

export const good = truth(tf.hour, 100);
export const rules = rulesFor(tf.hour, 100);
export const goodRow = rowOf(good[10] as Candle);
export const withValue = (place: number, value: unknown): unknown[] =>
  goodRow.map((old, k) => (k === place ? value : old));
