/** The store's own door: whatever the caller checked, nothing that is not a candle of this pair gets in. */
import { candleFault } from '../../domain/candle';
import { PipelineError } from '../../domain/errors';
import { isOnGrid } from '../../domain/timeframe';
import { pairKey } from '../../domain/types';
import type { Candle, EpochMs, Pair } from '../../domain/types';

/** @throws PipelineError `invalid_input` naming the first candle that is off the grid or breaks a rule of values. */
export function refuseUnstorable(pair: Pair, candles: readonly Candle[], fetchedAt: EpochMs): void {
  if (!Number.isSafeInteger(fetchedAt)) {
    throw new PipelineError('invalid_input', `${pairKey(pair)}: ${fetchedAt} is not a time of fetching`);
  }
  for (const candle of candles) {
    const fault = isOnGrid(pair.timeframe, candle.openTime) ? candleFault(candle) : 'misaligned';
    if (fault !== null) {
      throw new PipelineError('invalid_input', `${pairKey(pair)}: candle at ${candle.openTime} is ${fault}`);
    }
  }
}
