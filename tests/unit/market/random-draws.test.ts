import fc from 'fast-check';
import { RandomDraws, exponential, logarithm } from '../../../src/market/random-draws';

const runs = { numRuns: Number(process.env.FC_RUNS ?? 200) };

test('exponential and logarithm are those of the language to a relative 1e-14', () => {
  fc.assert(
    fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (x) => {
      expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan(1e-14);
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (x) => {
      expect(Math.abs(logarithm(x) - Math.log(x))).toBeLessThan(1e-13);
    }),
    runs,
  );
});

test('draws have the mean and deviation they promise', () => {
  const draws = new RandomDraws('moments');
  const places = Array.from({ length: 40_000 }, (_, place) => place);
  const moments = (values: readonly number[]): [number, number] => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
  };
  const [evenMean, evenVariance] = moments(places.map((place) => draws.uniform(place)));
  expect(evenMean).toBeCloseTo(0.5, 2);
  expect(evenVariance).toBeCloseTo(1 / 12, 2);
  const [mean, variance] = moments(places.map((place) => draws.normal(place)));
  expect(mean).toBeCloseTo(0, 1);
  expect(Math.abs(variance - 1)).toBeLessThan(0.03);
});

test('a draw depends on its name and place, not on the draws before it', () => {
  const one = new RandomDraws('a');
  const other = new RandomDraws('a');
  other.uniform(1);
  expect(other.uniform(500)).toBe(one.uniform(500));
  expect(new RandomDraws('b').uniform(500)).not.toBe(one.uniform(500));
  expect(one.uniform(501)).not.toBe(one.uniform(500));
});
