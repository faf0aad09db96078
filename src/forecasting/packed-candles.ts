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
  return Array.from({ length: packed.length / FIELDS }, (_, i) => {
    const [openTime = NaN, open = NaN, high = NaN, low = NaN, close = NaN, volume = NaN] = packed.subarray(
      i * FIELDS,
      (i + 1) * FIELDS,
    );
    return { openTime, open, high, low, close, volume };
  });
}
