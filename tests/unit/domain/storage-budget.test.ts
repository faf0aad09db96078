import * as fc from 'fast-check';
import { STORAGE_LEVELS, daysUntilBlock, storageLevel, usedShare } from '../../../src/domain/storage-budget';
import { runs } from './property';

const GB = 1e9;
const budget = 50 * GB;

test.each([
  [0, 'ok'],
  [34.9, 'ok'],
  [35, 'warn'],
  [42.4, 'warn'],
  [42.5, 'critical'],
  [44.9, 'critical'],
  [45, 'block'],
  [60, 'block'],
])('%f of 50 GB is %s', (used, level) => {
  expect(storageLevel(used * GB, budget)).toBe(level);
});

test.each([
  ['unreadable', null, budget],
  ['not a number', NaN, budget],
  ['negative', -1, budget],
  ['endless', Infinity, budget],
])('usage that is %s blocks', (_word, used, of) => {
  expect(storageLevel(used, of)).toBe('block');
  expect(usedShare(used, of)).toBeNull();
});

test.each([0, -1, NaN, Infinity])('a budget of %f blocks', (of) => {
  expect(storageLevel(0, of)).toBe('block');
});

test('a threshold that is not a number blocks', () => {
  expect(storageLevel(1, budget, { warn: NaN, critical: NaN, block: NaN })).toBe('block');
});

test('more usage never means a milder level', () => {
  const share = fc.double({ min: 0, max: 1.5, noNaN: true });
  fc.assert(
    fc.property(share, share, (a, b) => {
      const rank = (used: number): number => STORAGE_LEVELS.indexOf(storageLevel(used * budget, budget));
      expect(rank(Math.min(a, b))).toBeLessThanOrEqual(rank(Math.max(a, b)));
    }),
    runs,
  );
});

test('the days until block are what growth leaves, 0 at block, and none without growth', () => {
  expect(daysUntilBlock(40 * GB, budget, GB)).toBe(5);
  expect(daysUntilBlock(46 * GB, budget, GB)).toBe(0);
  expect(daysUntilBlock(40 * GB, budget, 0)).toBeNull();
  expect(daysUntilBlock(40 * GB, budget, NaN)).toBeNull();
  expect(daysUntilBlock(null, budget, GB)).toBeNull();
});
