/** Made-up but valid material to publish. */
import type { QuantileForecast } from '../../../src/domain/quantiles';
import { MINUTE, closeOf, parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle, EpochMs, Pair } from '../../../src/domain/types';
import type { ForecastRecord } from '../../../src/ports/forecast-ledger';
import type { PublicationRow } from '../../../src/ports/publication';
import { unscoredQuality } from '../../../src/publish/documents';
import type { ExportInput } from '../../../src/publish/export-pair';

export const RUNS = Number(process.env.FC_RUNS ?? 50);
export const SOURCE = 'simulated';

export function pairOf(symbol: string, timeframe: string): Pair {
  return { symbol: parseSymbol(symbol), timeframe: parseTimeframe(timeframe) };
}

/** `count` candles, the last of which closes at `through`; the same for the same arguments. */
export function candlesThrough({ timeframe }: Pair, through: EpochMs, count: number): Candle[] {
  return Array.from({ length: count }, (_, k) => {
    const openTime = shiftSlots(timeframe, through, k - count);
    const open = 100 + Math.round(1000 * Math.sin(openTime / 7e7)) / 100;
    const close = 100 + Math.round(1000 * Math.sin(openTime / 5e7)) / 100;
    return { openTime, open, close, high: Math.max(open, close) + 1, low: Math.min(open, close) - 1, volume: k % 7 };
  });
}

export function quantilesAround(price: number, steps: number): QuantileForecast {
  return Array.from({ length: steps }, (_, k) => {
    const width = 1 + k / 10;
    return [
      price - 3 * width,
      price - 2 * width,
      price - width,
      price,
      price + width,
      price + 2 * width,
      price + 3 * width,
    ] as const;
  });
}

export function recordThrough(pair: Pair, candles: readonly Candle[], issuedAt: EpochMs): ForecastRecord {
  const last = candles.at(-1);
  if (last === undefined) throw new Error('no candles');
  return {
    pair,
    role: 'champion',
    issuedAt,
    dataThrough: closeOf(pair.timeframe, last.openTime),
    modelVersion: 'a1b2c3',
    family: 'naive',
    lastClose: last.close,
    quantiles: quantilesAround(last.close, defaultRules(pair.timeframe).horizon),
  };
}

/** What a run at `through` + 7 s exports of a pair. */
export function exportOf(pair: Pair, through: EpochMs, count = 30, changes: Partial<ExportInput> = {}): ExportInput {
  const candles = candlesThrough(pair, through, count);
  const asOf = through + 7000;
  const rules = defaultRules(pair.timeframe);
  const record = recordThrough(pair, candles, asOf);
  return {
    pair,
    asOf,
    rules,
    candles,
    prediction: rules.horizon > 0 ? { record, quality: unscoredQuality('30 d'), past: [] } : null,
    degraded: false,
    gateReason: null,
    symbolState: 'ready',
    ops: () => ({}),
    ...changes,
  };
}

export function rowOfPair(pair: Pair, through: EpochMs, changes: Partial<PublicationRow> = {}): PublicationRow {
  const rules = defaultRules(pair.timeframe);
  return {
    ...pair,
    visibility: 'visible',
    symbolState: 'ready',
    predicts: rules.horizon > 0,
    history: { sha256: 'a'.repeat(64), bytes: 10 },
    prediction: rules.horizon > 0 ? { sha256: 'b'.repeat(64), bytes: 20 } : null,
    dataThrough: through,
    predictionDataThrough: rules.horizon > 0 ? through : null,
    updatedAt: through + 7000,
    softMs: rules.softMinutes * MINUTE,
    hardMs: rules.hardMinutes * MINUTE,
    degraded: false,
    exportBlock: null,
    gateReason: null,
    asOf: through + 7000,
    ops: {},
    ...changes,
  };
}
