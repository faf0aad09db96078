import * as fc from 'fast-check';
import {
  countRanges,
  findHoles,
  firstOpenFrom,
  hasBackwardGap,
  intersectRanges,
  isUnderfilled,
  mergeRanges,
  subtractRanges,
  underfillRange,
  underfilled,
} from '../../../src/domain/coverage';
import { DAY, HOUR, countSlots, isOnGrid, shiftSlots } from '../../../src/domain/timeframe';
import type { SlotRange, TimeframeId } from '../../../src/domain/types';
import { testOnCandles } from '../../candles';
import { readCandleRows } from './candle-file';
import { anyInstant, anyRanges, anyTimeframe, runs, slotsOf, tf } from './property';

const two = anyTimeframe.chain((timeframe) =>
  fc.tuple(fc.constant(timeframe), anyRanges(timeframe), anyRanges(timeframe)),
);

function ascending(slots: Iterable<number>): number[] {
  return [...slots].toSorted((a, b) => a - b);
}

/** Ascending, disjoint, never touching, never empty. */
function expectNormal(timeframe: TimeframeId, ranges: readonly SlotRange[]): void {
  ranges.forEach(({ from, to }, k) => {
    expect(from).toBeLessThanOrEqual(to);
    expect([from, to].every((open) => isOnGrid(timeframe, open))).toBe(true);
    const next = ranges[k + 1];
    if (next !== undefined) expect(next.from).toBeGreaterThan(shiftSlots(timeframe, to, 1));
  });
}

describe('ranges behave as sets of slots', () => {
  test.each([
    ['union', (t: TimeframeId, a: SlotRange[], b: SlotRange[]) => mergeRanges(t, [...a, ...b])],
    ['difference', subtractRanges],
    ['intersection', intersectRanges],
  ])('the %s holds exactly the right slots, in normal form', (name, operation) => {
    fc.assert(
      fc.property(two, ([timeframe, a, b]) => {
        const [left, right] = [slotsOf(timeframe, a), slotsOf(timeframe, b)];
        const expected = {
          union: [...new Set([...left, ...right])],
          difference: [...left].filter((slot) => !right.has(slot)),
          intersection: [...left].filter((slot) => right.has(slot)),
        }[name];
        const result = operation(timeframe, a, b);
        expect(ascending(slotsOf(timeframe, result))).toEqual(ascending(expected ?? []));
        expectNormal(timeframe, result);
      }),
      runs,
    );
  });

  test('slots are counted once, however often they are named', () => {
    fc.assert(
      fc.property(two, ([timeframe, a]) => {
        expect(countRanges(timeframe, [...a, ...a])).toBe(slotsOf(timeframe, a).size);
      }),
      runs,
    );
  });

  test('what is taken away and what is left make up the whole', () => {
    fc.assert(
      fc.property(two, ([timeframe, a, b]) => {
        const parts = [...subtractRanges(timeframe, a, b), ...intersectRanges(timeframe, a, b)];
        expect(mergeRanges(timeframe, parts)).toEqual(mergeRanges(timeframe, a));
      }),
      runs,
    );
  });
});

describe('holes', () => {
  test('I03 every slot of the range is either stored or in a hole, never both', () => {
    fc.assert(
      fc.property(two, ([timeframe, stored, [range]]) => {
        fc.pre(range !== undefined);
        const openTimes = ascending(slotsOf(timeframe, stored));
        const holes = findHoles(timeframe, openTimes, range);
        const missing = [...slotsOf(timeframe, [range])].filter((slot) => !openTimes.includes(slot));
        expect(ascending(slotsOf(timeframe, holes))).toEqual(missing);
        expectNormal(timeframe, holes);
      }),
      runs,
    );
  });

  test('I03 F66 dropping slots from a full series gives back exactly the dropped slots', () => {
    fc.assert(
      fc.property(anyTimeframe, anyInstant, fc.array(fc.nat(99)), (timeframe, t, dropped) => {
        const slots = Array.from({ length: 100 }, (_, k) => shiftSlots(timeframe, t, k));
        const kept = slots.filter((_, k) => !dropped.includes(k));
        const range = { from: slots[0] ?? NaN, to: slots[99] ?? NaN };
        const holes = findHoles(timeframe, kept, range);
        expect(ascending(slotsOf(timeframe, holes))).toEqual(slots.filter((_, k) => dropped.includes(k)));
      }),
      runs,
    );
  });

  test('February, leap day and the turn of the year are no holes of a monthly or daily series', () => {
    const months = Array.from({ length: 27 }, (_, k) => Date.UTC(2023, 11 + k, 1));
    expect(findHoles(tf.month, months, { from: months[0] ?? NaN, to: months[26] ?? NaN })).toEqual([]);
    const withoutLeapDay = [Date.UTC(2024, 1, 28), Date.UTC(2024, 2, 1)];
    const leapDay = Date.UTC(2024, 1, 29);
    expect(findHoles(tf.day, withoutLeapDay, { from: Date.UTC(2024, 1, 28), to: Date.UTC(2024, 2, 1) })).toEqual([
      { from: leapDay, to: leapDay },
    ]);
  });

  testOnCandles(
    'the holes of real hourly candles are those their description counts: 28 holes of 128 slots',
    (folder) => {
      const openTimes = readCandleRows(folder, 'BTC_USDT-1h.csv.gz').map(([openTime]) => openTime ?? NaN);
      const holes = findHoles(tf.hour, openTimes, { from: openTimes[0] ?? NaN, to: openTimes.at(-1) ?? NaN });
      expect([holes.length, countRanges(tf.hour, holes)]).toEqual([28, 128]);
    },
  );

  testOnCandles('a sparse year of minutes has 63912 holes of 233809 slots', (folder) => {
    const openTimes = readCandleRows(folder, 'bitfinex-2016/BTC_USD-1m.csv.gz').map(([openTime]) => openTime ?? NaN);
    const holes = findHoles(tf.minute, openTimes, { from: openTimes[0] ?? NaN, to: openTimes.at(-1) ?? NaN });
    expect([holes.length, countRanges(tf.minute, holes)]).toEqual([63_912, 233_809]);
  });
});

describe('the underfill guard', () => {
  const from = Date.UTC(2024, 0, 1);
  const range = { from, to: from + 99 * HOUR };
  const explained = [{ from: from - 5 * HOUR, to: from + 49 * HOUR }];

  test.each([
    [80, [], false],
    [79, [], true],
    [40, explained, false],
    [39, explained, true],
  ])('%i of 100 slots stored, %j explained: underfilled is %s', (stored, known, expected) => {
    expect(underfilled(tf.hour, range, stored, known)).toBe(expected);
  });

  test('where nothing is expected nothing is missing', () => {
    expect(underfilled(tf.hour, { from, to: from - HOUR }, 0, [])).toBe(false);
    expect(isUnderfilled({ slots: 10, stored: 0, explained: 12 })).toBe(false);
  });

  test('a count that is not a number is underfilled', () => {
    expect(isUnderfilled({ slots: 10, stored: NaN, explained: 0 })).toBe(true);
  });

  test('it looks back 30 days, but never before the earliest candle, and ends at the last closed slot', () => {
    const now = from + 40 * DAY + 5_000;
    const guard = { days: 30, now, settleMs: 2_000 };
    const full = underfillRange(tf.hour, { ...guard, earliest: from });
    expect(full).toEqual({ from: from + 10 * DAY + HOUR, to: from + 40 * DAY - HOUR });
    expect(underfillRange(tf.hour, { ...guard, earliest: from + 39 * DAY }).from).toBe(from + 39 * DAY);
    expect(countSlots(tf.hour, underfillRange(tf.hour, { ...guard, earliest: now + DAY }))).toBe(0);
  });

  test('the first open time from an instant is never before it and less than a slot later', () => {
    fc.assert(
      fc.property(anyTimeframe, anyInstant, (timeframe, t) => {
        const open = firstOpenFrom(timeframe, t);
        expect(isOnGrid(timeframe, open)).toBe(true);
        expect(open).toBeGreaterThanOrEqual(t);
        expect(shiftSlots(timeframe, open, -1)).toBeLessThan(t);
      }),
      runs,
    );
  });
});

test('a backward gap begins more than one hour after the earliest candle', () => {
  expect(hasBackwardGap(HOUR, 0)).toBe(false);
  expect(hasBackwardGap(HOUR + 1, 0)).toBe(true);
  expect(hasBackwardGap(0, HOUR)).toBe(false);
});
