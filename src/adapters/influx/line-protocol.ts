/** Lines of InfluxDB's line protocol. Names pass an allow-list and numbers are finite, so nothing needs escaping (P13, S07). */
import { PipelineError } from '../../domain/errors';
import { isTimeframe } from '../../domain/timeframe';
import { isSymbol } from '../../domain/types';
import type { Pair } from '../../domain/types';
import type { DatedCandle } from '../../ports/write-order';

export const CANDLE_MEASUREMENT = 'candle';

/** Tags of a pair, as they follow the measurement. @throws PipelineError `invalid_input` for a name that is no name. */
export function pairTags(source: string, { symbol, timeframe }: Pair): string {
  if (!/^[a-z][a-z0-9]*$/.test(source)) throw new PipelineError('invalid_input', `"${source}" is not a source`);
  if (!isSymbol(symbol)) throw new PipelineError('invalid_input', `"${String(symbol)}" is not a symbol`);
  if (!isTimeframe(timeframe)) throw new PipelineError('invalid_input', `"${String(timeframe)}" is not a timeframe`);
  return `source=${source},symbol=${symbol},timeframe=${timeframe}`;
}

/** All fields in one line: two lines of one slot would be merged field by field (P14). Times in milliseconds. */
export function candleLine(tags: string, { candle, fetchedAt }: DatedCandle): string {
  const { openTime, open, high, low, close, volume } = candle;
  const prices = `open=${open},high=${high},low=${low},close=${close},volume=${volume}`;
  return `${CANDLE_MEASUREMENT},${tags} ${prices},fetched_at=${fetchedAt}i ${openTime}`;
}
