import * as fc from 'fast-check';
import { isLowerLoss, metric, metricValue, readMetric } from '../../../src/domain/metric';
import { runs } from './property';

const overTheWire = (value: unknown): unknown => JSON.parse(JSON.stringify({ value })).value;
const notNumbers = [NaN, Infinity, -Infinity, null, undefined, '0.1', '', true, [], [0.1], {}, '1e-9'];
/** Anything JSON can hold, with many numbers among it. */
const anyJson = fc.oneof(fc.jsonValue(), fc.double({ min: 0, max: 2 }), fc.constantFrom<unknown>(...notNumbers));

test('a number that could not be computed is unavailable with its reason, also after travelling as JSON', () => {
  expect(metric(NaN, 'no data')).toEqual({ status: 'unavailable', reason: 'no data' });
  expect(readMetric(overTheWire(metric(NaN, 'no data')))).toEqual({ status: 'unavailable', reason: 'no data' });
  expect(metricValue(metric(NaN, 'no data'))).toBeNull();
});

test('a finite number travels unchanged', () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
      (value) => {
        expect(metricValue(readMetric(overTheWire(metric(value, 'no data'))))).toBe(value);
      },
    ),
    runs,
  );
});

test('P1 whatever is read as a metric is either finite or unavailable', () => {
  const tagged = fc.record({
    status: fc.constantFrom('available', 'unavailable', 'ok', null),
    value: anyJson,
    reason: anyJson,
  });
  const statuses = new Set<string>();
  fc.assert(
    fc.property(fc.oneof(anyJson, tagged), (json) => {
      const read = readMetric(json);
      statuses.add(read.status);
      if (read.status === 'available') expect(Number.isFinite(read.value)).toBe(true);
      else expect(typeof read.reason).toBe('string');
    }),
    { numRuns: Math.max(1_000, runs.numRuns) },
  );
  expect(statuses.size).toBe(2);
});

describe('I32 P1 a lower loss', () => {
  test('is lower by at least the margin', () => {
    expect(isLowerLoss(0.99, 1, 0.01)).toBe(true);
    expect(isLowerLoss(0.9901, 1, 0.01)).toBe(false);
    expect(isLowerLoss(1, 1, 0)).toBe(false);
    expect(isLowerLoss(0, 1, 0.01)).toBe(true);
  });

  test.each(notNumbers.flatMap((value) => [value, overTheWire(value)]).map((value) => [value]))(
    'is never found with %p on any side, as it is or after JSON',
    (value) => {
      expect(isLowerLoss(value, 1, 0.01)).toBe(false);
      expect(isLowerLoss(0.5, value, 0.01)).toBe(false);
      expect(isLowerLoss(0.5, 1, value)).toBe(false);
    },
  );

  test('is found only between finite numbers, for anything JSON can hold', () => {
    let found = 0;
    fc.assert(
      fc.property(anyJson, anyJson, anyJson, (challenger, champion, margin) => {
        if (!isLowerLoss(challenger, champion, margin)) return;
        found++;
        expect([challenger, champion, margin].every((value) => Number.isFinite(value))).toBe(true);
        expect(Number(challenger)).toBeLessThan(Number(champion));
      }),
      { numRuns: Math.max(5_000, runs.numRuns) },
    );
    expect(found).toBeGreaterThan(0);
  });
});
