/** What a prediction document says of earlier forecasts, and that `export verify` believes none of it unseen. */
import { HOUR } from '../../../src/domain/timeframe';
import { scoreForecast } from '../../../src/domain/scores';
import type { ForecastRecord, ForecastScore } from '../../../src/ports/forecast-ledger';
import { canonicalDocument } from '../../../src/publish/canonical-json';
import { predictionSchema, unscoredQuality, type PastForecasts } from '../../../src/publish/documents';
import { pastForecasts } from '../../../src/publish/past';
import { buildPrediction } from '../../../src/publish/prediction';
import { checkObject } from '../../../src/publish/verify-document';
import { candlesThrough, pairOf, quantilesAround, recordThrough } from './example';

const PAIR = pairOf('BTC/USDT', '1h');
const THROUGH = Date.UTC(2024, 5, 1, 12);
const CANDLES = candlesThrough(PAIR, THROUGH, 80);

function issuedAt(dataThrough: number, price: number, changes: Partial<ForecastRecord> = {}): ForecastRecord {
  const quantiles = quantilesAround(price, 24);
  const model = { modelVersion: 'v1', family: 'naive' };
  return {
    pair: PAIR,
    role: 'champion',
    issuedAt: dataThrough + 7000,
    dataThrough,
    lastClose: price,
    quantiles,
    ...model,
    ...changes,
  };
}

function scoresOf(record: ForecastRecord): ForecastScore[] {
  const { modelVersion, dataThrough } = record;
  const actuals = record.quantiles.map((_, k) => {
    const openTime = dataThrough + k * HOUR;
    return CANDLES.find((candle) => candle.openTime === openTime)?.close ?? null;
  });
  return scoreForecast(record.quantiles, record.lastClose, actuals).map((score) => ({
    ...score,
    pair: PAIR,
    role: 'champion',
    modelVersion,
    dataThrough,
  }));
}

const RECORDS = CANDLES.map(({ openTime, close }) => issuedAt(openTime + HOUR, close));
const PAST = pastForecasts(PAIR.timeframe, RECORDS, RECORDS.flatMap(scoresOf), THROUGH);

test('the newest 24 targets are told for the next candle, six candles on and the whole horizon', () => {
  expect(PAST.map(({ step, targets }) => [step, targets.length])).toEqual([
    [1, 24],
    [6, 24],
    [24, 24],
  ]);
  for (const { step, targets } of PAST) {
    expect(targets.at(-1)?.timestamp).toBe('2024-06-01T12:00:00Z');
    const origin = CANDLES.find((candle) => candle.openTime + HOUR === THROUGH - step * HOUR);
    expect(targets.at(-1)).toMatchObject({ price: origin?.close, actual: CANDLES.at(-1)?.close });
  }
});

test('a hit is a close within the 80 % interval, and both hits and misses are told', () => {
  const all = PAST.flatMap(({ targets }) => targets);
  for (const { within, lower_bound, upper_bound, actual } of all) {
    expect(within).toBe(lower_bound <= actual && actual <= upper_bound);
  }
  expect(new Set(all.map(({ within }) => within))).toEqual(new Set([true, false]));
});

test('of two versions that forecast from one close, the one that was issued first is told', () => {
  const dataThrough = THROUGH - HOUR;
  const [first, later] = [issuedAt(dataThrough, 50), issuedAt(dataThrough, 60, { modelVersion: 'v2' })];
  const records = [{ ...later, issuedAt: later.issuedAt + 1 }, first];
  const [{ targets } = { targets: [] }] = pastForecasts('1h' as never, records, records.flatMap(scoresOf), THROUGH);
  expect(targets.map(({ price }) => price)).toEqual([50]);
});

test('I02 nothing is told of a close after the data of the document', () => {
  const through = THROUGH - 5 * HOUR;
  const past = pastForecasts(PAIR.timeframe, RECORDS, RECORDS.flatMap(scoresOf), through);
  expect(past.map(({ targets }) => targets.at(-1)?.timestamp)).toEqual(Array(3).fill('2024-06-01T07:00:00Z'));
});

test('before anything has come due there is nothing to tell', () => {
  expect(pastForecasts(PAIR.timeframe, [issuedAt(THROUGH, 100)], [], THROUGH)).toEqual([]);
});

describe('export verify', () => {
  const record = recordThrough(PAIR, CANDLES, THROUGH + 7000);
  const document = buildPrediction({
    source: 'simulated',
    record,
    quality: unscoredQuality('30 d'),
    past: PAST,
    horizon: 24,
    candles: CANDLES,
    softMs: HOUR,
    hardMs: 2 * HOUR,
  });
  type Target = {
    -readonly [K in keyof PastForecasts[number]['targets'][number]]: PastForecasts[number]['targets'][number][K];
  };
  const breachesOf = (change: (target: Target) => void): string[] => {
    const changed = structuredClone(document);
    const target = changed.past?.[0]?.targets.at(-1);
    if (target === undefined) throw new Error('nothing past');
    change(target);
    const found: string[] = [];
    checkObject(canonicalDocument(predictionSchema, changed), 'here', (invariant) => found.push(invariant));
    return found;
  };

  test('accepts what the ledger gave', () => expect(breachesOf(() => {})).toEqual([]));
  test.each([
    ['I40', 'a miss that is called a hit', (target: Target) => (target.within = !target.within)],
    ['I02', 'a close that had not come', (target: Target) => (target.timestamp = '2024-06-01T13:00:00Z')],
    ['I43', 'a time off the grid', (target: Target) => (target.timestamp = '2024-06-01T11:30:00Z')],
    ['I06', 'a target that comes twice', (target: Target) => (target.timestamp = '2024-06-01T11:00:00Z')],
    ['I40', 'an interval that does not hold its middle', (target: Target) => (target.price = target.upper_bound + 1)],
  ])('%s finds %s', (invariant, _what, change) => expect(breachesOf(change)).toContain(invariant));

  test('I44 a document of version 1.0, which had no such part, is still accepted', () => {
    const { past: _past, ...old } = { ...document, schema_version: '1.0' };
    const found: string[] = [];
    checkObject(canonicalDocument(predictionSchema, old), 'here', (invariant) => found.push(invariant));
    expect(found).toEqual([]);
  });
});
