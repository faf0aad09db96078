import { candleFault } from '../domain/candle';
import { PipelineError } from '../domain/errors';
import { closeOf, isOnGrid } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { Candle, EpochMs, Pair } from '../domain/types';
import { isoTime } from './canonical-json';
import { SCHEMA_VERSION } from './documents';
import type { HistoryDocument } from './documents';

export interface AgeLimits {
  readonly softMs: number;
  readonly hardMs: number;
}

export interface HistoryInput extends AgeLimits {
  readonly source: string;
  readonly pair: Pair;
  /** Closed, on the grid, unique, ascending; at least one. */
  readonly candles: readonly Candle[];
  readonly updatedAt: EpochMs;
}

/** The four times of a document that rests on candles up to `dataThrough`. */
export function documentAge(
  dataThrough: EpochMs,
  updatedAt: EpochMs,
  { softMs, hardMs }: AgeLimits,
): Pick<HistoryDocument, 'data_through' | 'fresh_until' | 'expires_at' | 'updated_at'> {
  return {
    data_through: isoTime(dataThrough),
    fresh_until: isoTime(dataThrough + softMs),
    expires_at: isoTime(dataThrough + hardMs),
    updated_at: isoTime(updatedAt),
  };
}

/**
 * The history document of a pair.
 * @throws PipelineError `export_failed` when the candles are none, break a rule of values, are off the grid, out of
 *   order, or not closed at `updatedAt`.
 */
export function buildHistory(input: HistoryInput): HistoryDocument {
  const { pair, candles, source, updatedAt } = input;
  const last = candles.at(-1);
  if (last === undefined) throw new PipelineError('export_failed', `${pairKey(pair)}: there is no candle to publish`);
  let previous = Number.NEGATIVE_INFINITY;
  for (const candle of candles) {
    const fault = candleFault(candle) ?? (isOnGrid(pair.timeframe, candle.openTime) ? null : 'misaligned');
    const named = fault ?? (candle.openTime > previous ? null : 'out of order');
    if (named !== null) {
      throw new PipelineError(
        'export_failed',
        `${pairKey(pair)}: the candle of ${candle.openTime} is refused: ${named}`,
      );
    }
    previous = candle.openTime;
  }
  const dataThrough = closeOf(pair.timeframe, last.openTime);
  if (dataThrough > updatedAt) {
    throw new PipelineError('export_failed', `${pairKey(pair)}: the last candle closes after ${isoTime(updatedAt)}`);
  }
  return {
    schema_version: SCHEMA_VERSION,
    type: 'history',
    source,
    symbol: pair.symbol,
    timeframe: pair.timeframe,
    ...documentAge(dataThrough, updatedAt, input),
    data: candles.map(({ openTime, open, high, low, close, volume }) => ({
      timestamp: isoTime(openTime),
      open,
      high,
      low,
      close,
      volume,
    })),
  };
}
