import * as fc from 'fast-check';
import { candleFault, checkRow } from '../../../src/domain/candle';
import { HOUR, closeOf, isOnGrid } from '../../../src/domain/timeframe';
import type { Candle } from '../../../src/domain/types';
import { good, goodRow, rowOf, rules, settleMs, since, withValue } from './candle-truth';
import { runs, tf } from './property';

describe('one row', () => {
  const stamp = (openTime: number, timeframe = tf.hour): ReturnType<typeof checkRow> =>
    checkRow([openTime, ...goodRow.slice(1)], timeframe, rules.closedAsOf, settleMs);

  test.each<[string, unknown]>([
    ['malformed', 'a string'],
    ['malformed', null],
    ['malformed', { 0: 1 }],
    ['malformed', []],
    ['malformed', goodRow.slice(0, 5)],
    ['malformed', Array.from({ length: 6 })],
    ['malformed', withValue(1, '100')],
    ['malformed', withValue(5, null)],
    ['malformed', withValue(0, '1704067200000')],
    ['non_finite', withValue(2, NaN)],
    ['non_finite', withValue(2, Number('1e999'))],
    ['non_finite', withValue(5, Infinity)],
    ['non_positive_price', withValue(3, 0)],
    ['non_positive_price', withValue(1, -100)],
    ['negative_volume', withValue(5, -1)],
    ['absurd', withValue(2, 1e308)],
    ['absurd', withValue(5, 1e308)],
    ['high_below_body', withValue(2, 105)],
    ['low_above_body', withValue(3, 110.5)],
    ['misaligned', withValue(0, 0)],
    ['in_future', withValue(0, Date.UTC(2099, 0, 1))],
  ])('F77 is refused as %s: %j', (fault, row) => {
    expect(checkRow(row, tf.hour, rules.closedAsOf, settleMs)).toEqual({ kind: 'fault', fault });
  });

  test('F77 an empty place in a row is malformed too', () => {
    const sparse: unknown[] = Object.assign([], goodRow.slice(0, 4), { 5: 1 });
    expect(checkRow(sparse, tf.hour, rules.closedAsOf, settleMs)).toEqual({ kind: 'fault', fault: 'malformed' });
  });

  test.each([
    ['I05 a Thursday week', tf.week, Date.UTC(2024, 0, 4)],
    ['I05 a month of 30 days', tf.month, Date.UTC(2023, 11, 31)],
    ['F76 a close-time stamp', tf.hour, since + HOUR - 1],
    ['F76 a second late', tf.hour, since + 1_000],
    ['F76 a second early', tf.hour, since - 1_000],
    ['F76 seconds instead of milliseconds', tf.hour, since / 1_000],
    ['F76 seconds that fall on the grid when read as milliseconds', tf.day, 19_000 * 86_400],
    ['F76 seconds of the year 2099', tf.hour, Date.UTC(2099, 0, 1) / 1_000],
  ])('%s is refused as misaligned', (_name, timeframe, openTime) => {
    expect(stamp(openTime, timeframe)).toEqual({ kind: 'fault', fault: 'misaligned' });
  });

  test('F76 a stamp in seconds that happens to be on the grid is the case that is tested', () => {
    expect(isOnGrid(tf.day, 20_000 * 86_400)).toBe(true);
    expect(stamp(20_000 * 86_400, tf.day)).toEqual({ kind: 'fault', fault: 'misaligned' });
  });

  test('I01 F64 the slot that is open is forming, and so is one closed for less than the settle time', () => {
    const open = good[99] as Candle;
    const end = closeOf(tf.hour, open.openTime);
    expect(checkRow(rowOf(open), tf.hour, end - 1, settleMs).kind).toBe('forming');
    expect(checkRow(rowOf(open), tf.hour, end + settleMs - 1, settleMs).kind).toBe('forming');
    expect(checkRow(rowOf(open), tf.hour, end + settleMs, settleMs).kind).toBe('candle');
  });

  test('I09 values are accepted exactly when they satisfy the predicate of a candle', () => {
    const value = fc.oneof(
      fc.double({ min: -5, max: 5 }),
      fc.integer({ min: -2, max: 4 }),
      fc.constantFrom(NaN, Infinity, -0, 0),
    );
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(value, value, value, value, value, (open, high, low, close, volume) => {
        const valid =
          [open, high, low, close, volume].every((number) => Number.isFinite(number)) &&
          [open, high, low, close].every((price) => price > 0) &&
          volume >= 0 &&
          low <= Math.min(open, close) &&
          high >= Math.max(open, close);
        const fault = candleFault({ openTime: since, open, high, low, close, volume });
        expect(fault === null).toBe(valid);
        if (valid) accepted++;
        else refused++;
      }),
      { numRuns: Math.max(5_000, runs.numRuns) },
    );
    expect([accepted > 0, refused > 0]).toEqual([true, true]);
  });
});
