/** Candles as one array of numbers: copied to a thread in a fraction of the time that objects take. */
import { PipelineError } from '../domain/errors';
import type { Candle } from '../domain/types';

const FIELDS = 6;

export function packCandles(candles: readonly Candle[]): Float64Array {
  const packed = new Float64Array(candles.length * FIELDS);
  let at = 0;
  for (const { openTime, open, high, low, close, volume } of candles) {
    packed[at++] = openTime;
    packed[at++] = open;
    packed[at++] = high;
    packed[at++] = low;
    packed[at++] = close;
    packed[at++] = volume;
  }
  return packed;
}

/** The same candles, bit for bit. @throws PipelineError `invalid_input` when the numbers are no whole candles. */
export function unpackCandles(packed: Float64Array): Candle[] {
  if (packed.length % FIELDS !== 0) {
    throw new PipelineError('invalid_input', `${packed.length} numbers are no whole candles`);
  }
  const at = (place: number): number => packed[place] ?? Number.NaN;
  return Array.from({ length: packed.length / FIELDS }, (_, k) => {
    const i = k * FIELDS;
    return {
      openTime: at(i),
      open: at(i + 1),
      high: at(i + 2),
      low: at(i + 3),
      close: at(i + 4),
      volume: at(i + 5),
    };
  });
}
