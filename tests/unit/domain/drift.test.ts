import * as fc from 'fast-check';
import { driftSigns, populationStability } from '../../../src/domain/drift';
import type { DriftFacts } from '../../../src/domain/drift';
import { runs } from './property';

const calm: DriftFacts = {
  loss: 0.011,
  lossAtPromotion: 0.01,
  error: 0.01,
  shadowError: 0.01,
  coverage80: 0.8,
  inputShift: 0.1,
};
const names = (facts: DriftFacts) => driftSigns(facts).map(({ name }) => name);

describe('signs of drift', () => {
  test('a champion that does as it did shows none', () => {
    expect(driftSigns(calm)).toEqual([]);
  });

  test.each([
    [{ loss: 0.0121 }, 'loss'],
    [{ shadowError: 0.0083 }, 'shadow'],
    [{ coverage80: 0.69 }, 'coverage'],
    [{ coverage80: 0.91 }, 'coverage'],
    [{ inputShift: 0.26 }, 'input'],
  ] as const)('%j is a sign of %s', (change, name) => {
    expect(names({ ...calm, ...change })).toEqual([name]);
  });

  test('P1 what is unknown or not finite is no sign', () => {
    const any = fc.constantFrom(null, NaN, Infinity, -Infinity);
    fc.assert(
      fc.property(
        fc.record({ loss: any, lossAtPromotion: any, error: any, shadowError: any, coverage80: any, inputShift: any }),
        (facts) => {
          expect(driftSigns(facts)).toEqual([]);
        },
      ),
      runs,
    );
  });
});

describe('the population stability index', () => {
  const values = Array.from({ length: 1000 }, (_, k) => k / 1000);

  test('is 0 for the same values, and by hand: half of the lowest decile moved to the highest', () => {
    expect(populationStability(values, values)).toBeCloseTo(0, 12);
    const moved = values.map((value, k) => (k < 50 ? 0.99 : value));
    expect(populationStability(values, moved)).toBeCloseTo(-0.05 * Math.log(0.5) + 0.05 * Math.log(1.5), 9);
  });

  test('F87 moves four times as large are far above the threshold', () => {
    expect(
      populationStability(
        values,
        values.map((value) => 4 * value),
      ),
    ).toBeGreaterThan(1);
  });

  test('is unknown of too few values or of one that is not finite', () => {
    expect(populationStability(values, values.slice(0, 9))).toBeNull();
    expect(populationStability([...values, NaN], values)).toBeNull();
  });
});
