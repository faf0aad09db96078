import { PipelineError } from '../domain/errors';
import { checkForecast } from '../domain/quantiles';
import type { QuantileRow } from '../domain/quantiles';
import { closeOf, forecastTimes, isOnGrid } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { Candle } from '../domain/types';
import type { ForecastRecord } from '../ports/forecast-ledger';
import { isoTime } from './canonical-json';
import { SCHEMA_VERSION } from './documents';
import type { PastForecasts, PredictionDocument, Quality } from './documents';
import { documentAge } from './history';
import type { AgeLimits } from './history';

export interface PredictionInput extends AgeLimits {
  readonly source: string;
  readonly record: ForecastRecord;
  readonly quality: Quality;
  readonly past: PastForecasts;
  /** Steps the timeframe forecasts. */
  readonly horizon: number;
  /** The published history: the yardstick of what would be absurd (I40). */
  readonly candles: readonly Candle[];
}

/**
 * The prediction document of a forecast of the champion; a pure function of the ledger's record and its track record.
 * @throws PipelineError `forecast_invalid` with the first broken rule: not the champion's (I33), not from a boundary
 *   (I43), or what `checkForecast` refuses (I40, F81-F83, F86).
 */
export function buildPrediction(input: PredictionInput): PredictionDocument {
  const { record, horizon, quality, past, source } = input;
  const { symbol, timeframe } = record.pair;
  const fault = recordFault(input);
  if (fault !== null) throw new PipelineError('forecast_invalid', `${pairKey(record.pair)}: ${fault}`);
  const times = forecastTimes(timeframe, record.dataThrough, horizon);
  return {
    schema_version: SCHEMA_VERSION,
    type: 'prediction',
    source,
    symbol,
    timeframe,
    ...documentAge(record.dataThrough, record.issuedAt, input),
    model: { version: record.modelVersion, family: record.family },
    issued_at: isoTime(record.issuedAt),
    forecast: record.quantiles.map((row, k) => step(isoTime(times[k] ?? Number.NaN), row)),
    quality,
    past,
  };
}

/** Candles that say what prices are usual. */
const RECENT_CANDLES = 1000;

function recordFault({ record, horizon, candles }: PredictionInput): string | null {
  if (record.role !== 'champion') return `a forecast of the ${record.role} is never published`;
  if (!isOnGrid(record.pair.timeframe, record.dataThrough)) return `${record.dataThrough} is not a boundary`;
  if (record.issuedAt < record.dataThrough) return 'it was issued before its data ended';
  const last = candles.at(-1);
  if (last === undefined || closeOf(record.pair.timeframe, last.openTime) < record.dataThrough) {
    return 'it rests on candles that are not published';
  }
  const recent = candles.slice(-RECENT_CANDLES);
  return checkForecast(record.quantiles, {
    steps: horizon,
    lastClose: record.lastClose,
    recentMin: recent.reduce((least, candle) => Math.min(least, candle.low), Number.POSITIVE_INFINITY),
    recentMax: recent.reduce((most, candle) => Math.max(most, candle.high), 0),
  });
}

function step(timestamp: string, row: QuantileRow): PredictionDocument['forecast'][number] {
  const [low95, low80, low50, median, high50, high80, high95] = row;
  return {
    timestamp,
    price: median,
    lower_bound: low80,
    upper_bound: high80,
    intervals: {
      '50': { lower: low50, upper: high50 },
      '80': { lower: low80, upper: high80 },
      '95': { lower: low95, upper: high95 },
    },
  };
}
