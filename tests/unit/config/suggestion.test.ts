import * as fc from 'fast-check';
import { didYouMean, editDistance, nearest } from '../../../src/config/suggestion';
import { symbolHint, timeframeHint } from '../../../src/config/reading';

const RUNS = Number(process.env.FC_RUNS ?? 200);

test.each([
  ['kitten', 'sitting', 3],
  ['coverage', 'coveraeg', 1],
  ['', 'abc', 3],
])('%s is so many edits from %s', (a, b, edits) => expect(editDistance(a, b)).toBe(edits));

test('the distance is symmetric, and 0 only for the same word', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
    }),
    { numRuns: RUNS },
  );
});

test('a near word is suggested, a far one is not', () => {
  expect(nearest('covrage', ['status', 'coverage'])).toBe('coverage');
  expect(nearest('zebra', ['status', 'coverage'])).toBeNull();
  expect(didYouMean('BTC_USDT', ['ETH/USDT', 'BTC/USDT'])).toBe(' Did you mean BTC/USDT?');
});

test('1m and 1M are both right, so neither is a hint for the other', () => {
  expect(timeframeHint('1H')).toBe(' Did you mean 1h?');
  expect(timeframeHint('2d')).toBe('');
});

test('a symbol that can not be taken apart gets no hint', () => expect(symbolHint('BITCOIN')).toBe(''));
