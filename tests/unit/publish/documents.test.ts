import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { PipelineError } from '../../../src/domain/errors';
import { KNOWN_TIMEFRAMES, forecastTimes, openOf } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import type { QuantileRow } from '../../../src/domain/quantiles';
import { canonicalDocument, canonicalJson, isoTime } from '../../../src/publish/canonical-json';
import { historySchema, predictionSchema, unscoredQuality } from '../../../src/publish/documents';
import { buildHistory } from '../../../src/publish/history';
import { buildPrediction } from '../../../src/publish/prediction';
import { RUNS, SOURCE, candlesThrough, pairOf, quantilesAround, recordThrough } from './example';

const THROUGH = Date.UTC(2024, 5, 1, 12);
const HOURLY = pairOf('BTC/USDT', '1h');
const AGE = { softMs: 65 * 60_000, hardMs: 130 * 60_000 };
const candles = candlesThrough(HOURLY, THROUGH, 30);
const history = { source: SOURCE, pair: HOURLY, candles, updatedAt: THROUGH + 7000, ...AGE };
const record = recordThrough(HOURLY, candles, THROUGH + 7000);
const prediction = { source: SOURCE, record, quality: unscoredQuality('30 d'), past: [], horizon: 24, candles, ...AGE };

function codeOf(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    return error instanceof PipelineError ? error.code : String(error);
  }
  return 'nothing was thrown';
}

describe('a history document', () => {
  test('names its pair, its source and its four times in UTC', () => {
    expect(buildHistory(history)).toMatchObject({
      schema_version: '1.3',
      type: 'history',
      source: 'simulated',
      symbol: 'BTC/USDT',
      timeframe: '1h',
      updated_at: '2024-06-01T12:00:07Z',
      data_through: '2024-06-01T12:00:00Z',
      fresh_until: '2024-06-01T13:05:00Z',
      expires_at: '2024-06-01T14:10:00Z',
    });
  });

  test('holds every candle under its open time', () => {
    const { data } = buildHistory(history);
    expect(data).toHaveLength(30);
    expect(data.at(-1)).toEqual(
      expect.objectContaining({ timestamp: '2024-06-01T11:00:00Z', close: candles[29]?.close }),
    );
  });

  test.each([
    ['none', []],
    ['one off the grid', [{ ...candles[0], openTime: THROUGH - 1 }]],
    ['one twice', [candles[0], candles[0]]],
    ['one that is not finite', [{ ...candles[0], high: Number.NaN }]],
  ])('I05 I09 is refused for candles of which there is %s', (_name, faulty) => {
    expect(codeOf(() => buildHistory({ ...history, candles: faulty as typeof candles }))).toBe('export_failed');
  });

  test('I02 is refused when its last candle had not closed', () => {
    expect(codeOf(() => buildHistory({ ...history, updatedAt: THROUGH - 1 }))).toBe('export_failed');
  });

  test('I29 has the same bytes whatever the order of keys', () => {
    const shuffled = candles.map(({ openTime, volume, close, low, high, open }) => ({
      volume,
      openTime,
      close,
      low,
      high,
      open,
    }));
    const bytes = canonicalDocument(historySchema, buildHistory(history));
    expect(canonicalDocument(historySchema, buildHistory({ ...history, candles: shuffled }))).toBe(bytes);
  });
});

describe('a prediction document', () => {
  test('I43 has its steps at the closes that follow data_through, on every timeframe', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...KNOWN_TIMEFRAMES.filter((timeframe) => defaultRules(timeframe).horizon > 0)),
        fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2035, 0, 1) }),
        (timeframe, at) => {
          const pair = { ...HOURLY, timeframe };
          const through = openOf(timeframe, at);
          const some = candlesThrough(pair, through, 3);
          const { forecast } = buildPrediction({
            ...prediction,
            record: recordThrough(pair, some, through + 1),
            candles: some,
          });
          expect(forecast.map((step) => Date.parse(step.timestamp))).toEqual(forecastTimes(timeframe, through, 24));
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('gives the median as price and the 80 % interval as bounds', () => {
    const [step] = buildPrediction(prediction).forecast;
    const [low95, low80, low50, median, high50, high80, high95] = record.quantiles[0] ?? [];
    expect(step).toMatchObject({
      price: median,
      lower_bound: low80,
      upper_bound: high80,
      intervals: {
        '50': { lower: low50, upper: high50 },
        '80': { lower: low80, upper: high80 },
        '95': { lower: low95, upper: high95 },
      },
    });
  });

  test('is as old as the data of its forecast, and updated when that was issued', () => {
    expect(buildPrediction(prediction)).toMatchObject({
      data_through: '2024-06-01T12:00:00Z',
      issued_at: '2024-06-01T12:00:07Z',
      updated_at: '2024-06-01T12:00:07Z',
      fresh_until: '2024-06-01T13:05:00Z',
    });
  });

  test('is honest about a model that nothing has been scored of', () => {
    expect(buildPrediction(prediction).quality).toMatchObject({ mae: null, sample_count: 0, coverage: { '80': null } });
  });

  const bad = (change: (row: number[]) => void): QuantileRow[] =>
    quantilesAround(100, 24).map((row, k) => {
      const changed = [...row];
      if (k === 5) change(changed);
      return changed as unknown as QuantileRow;
    });
  test.each([
    ['F81 a value that is not a number', { quantiles: bad((row) => (row[3] = Number.NaN)) }],
    ['F81 an infinite value', { quantiles: bad((row) => (row[6] = Number.POSITIVE_INFINITY)) }],
    ['F82 a price of zero', { quantiles: bad((row) => (row[0] = 0)) }],
    ['F83 a price far off all known ones', { quantiles: bad((row) => (row[6] = 1e8)) }],
    ['F86 crossing quantiles', { quantiles: bad((row) => row.reverse()) }],
    ['F86 too few steps', { quantiles: quantilesAround(100, 23) }],
    ['I33 the shadow as its role', { role: 'shadow' as const }],
    ['I43 data that do not end at a boundary', { dataThrough: THROUGH - 1 }],
    ['I43 an issue before its data ended', { issuedAt: THROUGH - 1 }],
    ['I28 data that are not published', { dataThrough: THROUGH + 3_600_000, issuedAt: THROUGH + 3_700_000 }],
  ])('is refused for %s', (_name, change) => {
    expect(codeOf(() => buildPrediction({ ...prediction, record: { ...record, ...change } }))).toBe('forecast_invalid');
  });
});

describe('schemas', () => {
  const document = buildPrediction(prediction);

  test('I44 a writer can not let out a field that the schema does not name', () => {
    const inside = { ...document, secret: 1, model: { ...document.model, secret: 1 } };
    expect(canonicalDocument(predictionSchema, inside)).toBe(canonicalDocument(predictionSchema, document));
  });

  test('I44 a reader tolerates a field of a newer minor version', () => {
    const newer = { ...document, schema_version: '1.7', novelty: { yes: true } };
    expect(predictionSchema.parse(newer)).toMatchObject({ schema_version: '1.7', symbol: 'BTC/USDT' });
  });

  test('I44 a reader refuses another major version', () => {
    expect(predictionSchema.safeParse({ ...document, schema_version: '2.0' }).success).toBe(false);
  });

  test.each([
    ['a number that is none', { quality: { ...document.quality, mae: Number.NaN } }],
    ['a time without Z', { issued_at: '2024-06-01T12:00:00' }],
    ['a time that does not exist', { issued_at: '2024-13-01T12:00:00Z' }],
    ['a symbol in small letters', { symbol: 'btc/usdt' }],
    ['S01 a symbol that climbs', { symbol: '../ETC' }],
  ])('refuse %s', (_name, change) => {
    expect(predictionSchema.safeParse({ ...document, ...change }).success).toBe(false);
  });

  test('I29 canonical text is that of RFC 8785, as the canonicalize package writes it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 4 }), (value) => {
        fc.pre(!/"\d+":|__proto__/.test(JSON.stringify(value)));
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
      { numRuns: RUNS },
    );
  });

  test('a time is written as ISO 8601 with Z, milliseconds only where there are some', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }),
        fc.boolean(),
        (date, whole) => {
          const at = whole ? Math.floor(date.getTime() / 1000) * 1000 : date.getTime();
          expect(isoTime(at)).toBe(new Date(at).toISOString().replace('.000Z', 'Z'));
        },
      ),
      { numRuns: 10 * RUNS },
    );
  });

  test('I29 JSON can not hold a number that is none', () => {
    expect(() => canonicalJson({ price: Number.NaN })).toThrow();
  });
});
