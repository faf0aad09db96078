import * as fc from 'fast-check';
import { accountBoundaries, boundariesBetween, countBoundaries } from '../../../src/domain/boundaries';
import type { AccountInput } from '../../../src/domain/boundaries';
import { HOUR, MINUTE, isOnGrid, shiftSlots } from '../../../src/domain/timeframe';
import { anyInstant, anyTimeframe, runs, tf } from './property';

const noon = Date.UTC(2024, 0, 1, 12);

describe('the boundaries between two times', () => {
  test('leave out the first time and include the last', () => {
    expect(boundariesBetween(tf.hour, noon, noon + 2 * HOUR)).toEqual([noon + HOUR, noon + 2 * HOUR]);
    expect(boundariesBetween(tf.hour, noon - 1, noon)).toEqual([noon]);
    expect(boundariesBetween(tf.hour, noon, noon + HOUR - 1)).toEqual([]);
  });

  test('of months are the first days of months, February included', () => {
    expect(boundariesBetween(tf.month, Date.UTC(2024, 0, 31), Date.UTC(2024, 2, 1))).toEqual([
      Date.UTC(2024, 1, 1),
      Date.UTC(2024, 2, 1),
    ]);
  });

  test('are all boundaries, ascending, none left out, and as many as are counted', () => {
    fc.assert(
      fc.property(
        anyTimeframe,
        anyInstant,
        fc.integer({ min: -5, max: 60 }),
        fc.nat(50_000),
        (timeframe, after, slots, ms) => {
          const upTo = shiftSlots(timeframe, after, slots) + ms;
          const boundaries = boundariesBetween(timeframe, after, upTo);
          expect(countBoundaries(timeframe, after, upTo)).toBe(boundaries.length);
          boundaries.forEach((boundary, k) => {
            expect(isOnGrid(timeframe, boundary) && boundary > after && boundary <= upTo).toBe(true);
            expect(boundary).toBe(shiftSlots(timeframe, boundaries[0] ?? NaN, k));
          });
          const next = boundaries.at(-1) ?? after;
          if (upTo >= after) expect(shiftSlots(timeframe, next, 1)).toBeGreaterThan(upTo);
        },
      ),
      runs,
    );
  });

  test('taken in two parts are the same as taken at once', () => {
    const offset = fc.nat(300 * HOUR);
    fc.assert(
      fc.property(anyInstant, offset, offset, (start, a, b) => {
        const [middle, end] = [start + a, start + a + b];
        expect([...boundariesBetween(tf.hour, start, middle), ...boundariesBetween(tf.hour, middle, end)]).toEqual(
          boundariesBetween(tf.hour, start, end),
        );
      }),
      runs,
    );
  });
});

describe('the account of a cycle', () => {
  const input: AccountInput = {
    timeframe: tf.hour,
    after: noon,
    asOf: noon + 3 * HOUR + 5_000,
    succeeded: true,
    reason: '5 pairs published',
    failedBefore: new Map(),
    hasData: () => true,
  };
  const outcomes = (change: Partial<AccountInput>): string[] =>
    accountBoundaries({ ...input, ...change }).map(({ outcome }) => outcome);

  test('is done for its own boundary and skipped for those it caught up on', () => {
    expect(accountBoundaries(input)).toEqual([
      { boundary: noon + HOUR, outcome: 'skipped', reason: 'no cycle ran before the next boundary; caught up later' },
      {
        boundary: noon + 2 * HOUR,
        outcome: 'skipped',
        reason: 'no cycle ran before the next boundary; caught up later',
      },
      { boundary: noon + 3 * HOUR, outcome: 'done', reason: '5 pairs published' },
    ]);
  });

  test('that caught up on a boundary whose own cycle failed says why that one did', () => {
    const failedBefore = new Map([[noon + 2 * HOUR, 'its candles are not stored']]);
    expect(accountBoundaries({ ...input, after: noon + HOUR, failedBefore })[0]).toEqual({
      boundary: noon + 2 * HOUR,
      outcome: 'skipped',
      reason: 'its own cycle failed: its candles are not stored; caught up later',
    });
  });

  test('before any other covers its own boundary only', () => {
    expect(accountBoundaries({ ...input, after: null })).toEqual([
      { boundary: noon + 3 * HOUR, outcome: 'done', reason: '5 pairs published' },
    ]);
  });

  test('begins anew at nothing when no boundary has passed', () => {
    expect(outcomes({ asOf: noon + 59 * MINUTE })).toEqual([]);
  });

  test('of a cycle that failed is failed for its own boundary, with its reason', () => {
    expect(accountBoundaries({ ...input, after: noon + 2 * HOUR, succeeded: false, reason: '1 pair failed' })).toEqual([
      { boundary: noon + 3 * HOUR, outcome: 'failed', reason: '1 pair failed' },
    ]);
  });

  test('I16 nothing is done or skipped without its data', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.nat(5)), (succeeded, without) => {
        const hasData = (boundary: number): boolean => !without.includes((boundary - noon) / HOUR);
        const accounts = accountBoundaries({ ...input, asOf: noon + 5 * HOUR, succeeded, hasData });
        expect(accounts).toHaveLength(5);
        for (const { boundary, outcome, reason } of accounts) {
          expect(outcome === 'failed').toBe(!hasData(boundary) || (boundary === noon + 5 * HOUR && !succeeded));
          expect(reason).not.toBe('');
        }
      }),
      runs,
    );
  });
});
