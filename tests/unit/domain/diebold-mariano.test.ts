import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { dieboldMariano } from '../../../src/domain/diebold-mariano';
import { studentTail } from '../../../src/domain/student-t';
import { runs } from './property';

interface Golden {
  readonly cases: readonly {
    readonly lag: number;
    readonly differences: readonly number[];
    readonly statistic: number;
    readonly pStudent: number;
    readonly pAllLags: number;
  }[];
  readonly tails: readonly { readonly t: number; readonly degrees: number; readonly tail: number }[];
}

const golden = JSON.parse(
  readFileSync(join(__dirname, '../../data/models/diebold-mariano-golden.json'), 'utf8'),
) as Golden;

describe('I32 the test of Diebold and Mariano', () => {
  test.each(golden.cases.map((one) => ({ n: one.differences.length, ...one })))(
    'gives what Python gives for $n origins with lag $lag',
    ({ differences, lag, statistic, pStudent, pAllLags }) => {
      const found = dieboldMariano(differences, lag);
      expect(found?.statistic).toBeCloseTo(statistic, 9);
      expect(found?.pStudent).toBeCloseTo(pStudent, 9);
      expect(found?.pAllLags).toBeCloseTo(pAllLags, 5);
      expect(found?.p).toBe(Math.max(found?.pStudent ?? NaN, found?.pAllLags ?? NaN));
    },
  );

  test('is decided by the published critical values of the variance over all lags (one-sided, 5 %: 3.764, 2.5 %: 4.771)', () => {
    // Built so that statistic and tail can be read off: one value on top of a pattern whose partial sums are known.
    const pattern = Array.from({ length: 400 }, (_, k) => (k % 2 === 0 ? 1 : -1));
    const scale = Math.sqrt((2 * 200) / 400 ** 2 / 400);
    const at = (statistic: number) =>
      dieboldMariano(
        pattern.map((value) => value - statistic * scale),
        0,
      )?.pAllLags;
    const correction = Math.sqrt(399 / 400);
    expect(at(3.764 / correction)).toBeCloseTo(0.05, 3);
    expect(at(4.771 / correction)).toBeCloseTo(0.025, 3);
  });

  test('a challenger that is better has a low p, one that is worse a high one', () => {
    const [better] = golden.cases;
    const low =
      dieboldMariano(
        (better?.differences ?? []).map((d) => d - 2),
        0,
      )?.p ?? NaN;
    const high =
      dieboldMariano(
        (better?.differences ?? []).map((d) => d + 2),
        0,
      )?.p ?? NaN;
    expect(low).toBeLessThan(1e-3);
    expect(high).toBeGreaterThan(0.999);
  });

  test('says nothing of too few origins, of no variation, or of a number that is not finite', () => {
    expect(
      dieboldMariano(
        Array.from({ length: 24 }, (_, k) => k),
        23,
      ),
    ).toBeNull();
    expect(
      dieboldMariano(
        Array.from({ length: 100 }, () => -1),
        23,
      ),
    ).toBeNull();
    expect(dieboldMariano([...Array.from({ length: 99 }, (_, k) => -k), NaN], 23)).toBeNull();
    expect(dieboldMariano([1, 2, 3], -1)).toBeNull();
  });

  test('whatever the numbers, p is null or a probability, and sides swapped add up to one', () => {
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 60 }), fc.integer({ min: -1, max: 30 }), (differences, lag) => {
        const found = dieboldMariano(differences, lag);
        if (found === null) return;
        expect(found.p).toBeGreaterThanOrEqual(0);
        expect(found.p).toBeLessThanOrEqual(1);
        const swapped = dieboldMariano(
          differences.map((d) => -d),
          lag,
        );
        expect((swapped?.pStudent ?? NaN) + found.pStudent).toBeCloseTo(1, 6);
      }),
      runs,
    );
  });
});

describe("Student's t", () => {
  test.each(golden.tails)('P(T > $t) with $degrees degrees of freedom is as in scipy', ({ t, degrees, tail }) => {
    expect(studentTail(t, degrees) / tail).toBeCloseTo(1, 9);
  });

  test('refuses what has no distribution', () => {
    expect(() => studentTail(1, 0)).toThrow(RangeError);
    expect(() => studentTail(NaN, 5)).toThrow(RangeError);
  });
});
