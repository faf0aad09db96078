import * as fc from 'fast-check';
import {
  QUANTILE_LEVELS,
  checkForecast,
  empiricalQuantile,
  empiricalQuantiles,
  pinballLoss,
} from '../../../src/domain/quantiles';
import type { QuantileRow } from '../../../src/domain/quantiles';
import { runs } from './property';

const values = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 });
const level = fc.double({ min: 0, max: 1, noNaN: true });

describe('empirical quantiles', () => {
  test.each([
    [
      [3.25, -1.5, 8.125, 2.2, 2.2, 0.1, 19.75, 5.6, 1e-9, 7.3, -4.4],
      [-3.6750000000000003, -1.5, 0.0500000005, 2.2, 6.449999999999999, 8.125, 16.84375],
    ],
    [
      [0.1, 0.2, 0.3],
      [0.10500000000000001, 0.12000000000000001, 0.15000000000000002, 0.2, 0.25, 0.28, 0.295],
    ],
    [
      [1.365, -4.909, -1.978, 0.039, 14.084, 4.451],
      [-4.542625, -3.4435000000000002, -1.47375, 0.702, 3.6795, 9.2675, 12.879875],
    ],
    [[7.5], [7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 7.5]],
  ])('of %j are those of numpy, to the last bit', (sample, expected) => {
    expect(empiricalQuantiles(sample, QUANTILE_LEVELS)).toEqual(expected);
  });

  test('lie within the sample, rise with the level, and do not depend on the order', () => {
    fc.assert(
      fc.property(values, level, level, (sample, a, b) => {
        const [low = NaN, high = NaN] = empiricalQuantiles(sample, [Math.min(a, b), Math.max(a, b)]);
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(Math.min(...sample));
        expect(high).toBeLessThanOrEqual(Math.max(...sample));
        expect(empiricalQuantile(sample.toReversed(), a)).toBe(empiricalQuantile(sample, a));
      }),
      runs,
    );
  });

  test('at level 0 and 1 are the smallest and the largest, and the sample is left as it was', () => {
    const sample = Object.freeze([10, 9, 2, 33]);
    expect(empiricalQuantiles(sample, [0, 0.5, 1])).toEqual([2, 9.5, 33]);
  });

  test.each([
    [[], 0.5],
    [[NaN], 0.5],
    [[1, Infinity], 0.5],
    [[1], -0.1],
    [[1], 1.1],
    [[1], NaN],
  ])('of %j at %f are refused', (sample, at) => {
    expect(() => empiricalQuantile(sample, at)).toThrow(RangeError);
  });
});

const row: QuantileRow = [90, 95, 98, 100, 102, 105, 110.5];

describe('pinball loss', () => {
  test.each([
    [100, 0.35892857142857143],
    [80, 7.930357142857143],
    [120, 7.858928571428572],
    [97.3, 0.651785714285715],
  ])('of %f is that of the Python protocol', (actual, loss) => {
    expect(pinballLoss(actual, row)).toBeCloseTo(loss, 13);
  });

  test('is never negative, and 0 only when every quantile is met', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1, max: 1e6, noNaN: true }), { minLength: 8, maxLength: 8 }), (numbers) => {
        const [actual = NaN, ...rest] = numbers;
        const loss = pinballLoss(actual, rest.toSorted((a, b) => a - b) as unknown as QuantileRow);
        expect(loss).toBeGreaterThanOrEqual(0);
        expect(loss === 0).toBe(rest.every((quantile) => quantile === actual));
      }),
      runs,
    );
  });
});

describe('a forecast', () => {
  const rules = { steps: 3, lastClose: 100, recentMin: 84, recentMax: 120 };
  const good = [row, row, row];
  const withCell = (step: number, place: number, value: unknown): unknown[][] =>
    good.map((cells, k) => cells.map((cell, j) => (k === step && j === place ? value : cell)));

  test('that keeps every rule may be served', () => {
    expect(checkForecast(good, rules)).toBeNull();
  });

  test('with equal quantiles is ordered', () => {
    expect(checkForecast([[100, 100, 100, 100, 100, 100, 100]], { ...rules, steps: 1 })).toBeNull();
  });

  test('I40 F81 with anything but a finite number in any place is refused', () => {
    const poison = fc.constantFrom<unknown>(NaN, Infinity, -Infinity, null, undefined, '100', {}, []);
    fc.assert(
      fc.property(fc.nat(2), fc.nat(6), poison, (step, place, value) => {
        expect(checkForecast(withCell(step, place, value), rules)).toMatch(
          new RegExp(`^non_finite: step ${step + 1} .* level ${QUANTILE_LEVELS[place]}$`),
        );
      }),
      runs,
    );
  });

  test.each([
    ['F82 zero', withCell(0, 0, 0), 'non_positive: step 1 has 0 at level 0.025'],
    ['F82 negative', withCell(1, 0, -5), 'non_positive: step 2 has -5 at level 0.025'],
    [
      'F83 a million times too high',
      withCell(2, 6, 1e8),
      'out_of_range: step 3 has 100000000 at level 0.975, outside 4 to 2520',
    ],
    ['F83 just too high', withCell(2, 6, 2_520.1), 'out_of_range: step 3 has 2520.1 at level 0.975, outside 4 to 2520'],
    ['F83 just too low', withCell(0, 0, 3.9), 'out_of_range: step 1 has 3.9 at level 0.025, outside 4 to 2520'],
    ['F86 crossing', withCell(1, 3, 97), 'crossing: step 2 has 97 at level 0.5, below 98 at the level before'],
    ['F86 too few steps', good.slice(1), 'wrong_count: 2 steps instead of 3'],
    ['F86 too many steps', [...good, row], 'wrong_count: 4 steps instead of 3'],
    ['F86 a short row', [row, row.slice(1), row], 'wrong_count: step 2 has 6 quantiles instead of 7'],
    ['F86 no rows', null, 'wrong_count: no steps instead of 3'],
    ['F86 a row that is none', [row, 'row', row], 'wrong_count: step 2 has no quantiles instead of 7'],
  ])('I40 %s is refused with the rule and the place', (_name, rows, sentence) => {
    expect(checkForecast(rows, rules)).toBe(sentence);
  });

  test('at the very edge of 21 times the recent range is allowed', () => {
    const wide = [4, 95, 98, 100, 102, 105, 2_520];
    expect(checkForecast([wide, row, row], rules)).toBeNull();
  });

  test.each([
    { recentMin: NaN },
    { recentMax: Infinity },
    { lastClose: 0 },
    { lastClose: NaN },
    { recentMin: -1 },
    { recentMin: 121 },
  ])('I40 without a yardstick is refused: %j', (change) => {
    expect(checkForecast(good, { ...rules, ...change })).toMatch(/^out_of_range: the recent prices/);
  });

  test('I40 no answer of a model makes the check throw, and what passes keeps every rule', () => {
    const cell = fc.oneof(fc.double(), fc.integer({ min: 50, max: 150 }), fc.anything());
    const anyRow = fc.oneof(fc.array(cell, { minLength: 7, maxLength: 7 }), fc.anything(), fc.constant(row));
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.array(anyRow, { maxLength: 4 })), (rows) => {
        if (checkForecast(rows, rules) !== null) return;
        for (const cells of rows as number[][]) {
          expect(cells.every((price) => Number.isFinite(price) && price >= 8 && price <= 1_200)).toBe(true);
          expect(cells.toSorted((a, b) => a - b)).toEqual(cells);
        }
        expect(rows).toHaveLength(3);
      }),
      { numRuns: Math.max(1_000, runs.numRuns) },
    );
  });
});
