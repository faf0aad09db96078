import * as fc from 'fast-check';
import { candleFault, normalisePage } from '../../../src/domain/candle';
import type { NormalisedPage } from '../../../src/domain/candle';
import { DAY, HOUR, closeOf, isClosed, isOnGrid, shiftSlots } from '../../../src/domain/timeframe';
import type { Candle, EpochMs, TimeframeId } from '../../../src/domain/types';
import { testOnCandles } from '../../candles';
import { readCandleRows } from './candle-file';
import { good, goodRow, rowOf, rules, rulesFor, settleMs, since, truth, withValue } from './candle-truth';
import { anyTimeframe, runs, tf } from './property';

/** What may happen to a page on its way; each fault keeps the oracle, which is the truth, simple. */
const anyPage = fc
  .record({
    timeframe: anyTimeframe,
    slots: fc.integer({ min: 1, max: 60 }),
    poisoned: fc.array(fc.nat(59), { maxLength: 6 }),
    repeated: fc.array(fc.nat(59), { maxLength: 6 }),
    conflicting: fc.array(fc.nat(59), { maxLength: 3 }),
    poison: fc.constantFrom<unknown>(NaN, null, '', '1e999', -1, 0, 1e308, undefined),
    before: fc.nat(5),
    ahead: fc.nat(3),
  })
  .chain((plan) =>
    fc.record({
      plan: fc.constant(plan),
      rows: fc.shuffledSubarray(faultyRows(plan), { minLength: faultyRows(plan).length }),
    }),
  );

interface Plan {
  readonly timeframe: TimeframeId;
  readonly slots: number;
  readonly poisoned: readonly number[];
  readonly repeated: readonly number[];
  readonly conflicting: readonly number[];
  readonly poison: unknown;
  readonly before: number;
  readonly ahead: number;
}

function faultyRows(plan: Plan): unknown[] {
  const candles = truth(plan.timeframe, plan.slots);
  const at = (places: readonly number[]): Candle[] => places.flatMap((place) => candles[place] ?? []);
  const shifted = (steps: number): Candle =>
    ({ ...candles[0], openTime: shiftSlots(plan.timeframe, since, steps) }) as Candle;
  return [
    ...candles.map(rowOf),
    ...at(plan.poisoned).map((candle) => [candle.openTime, plan.poison, ...rowOf(candle).slice(2)]),
    ...at(plan.repeated).map(rowOf),
    ...at([...new Set(plan.conflicting)]).map((candle) => rowOf({ ...candle, volume: candle.volume + 1 })),
    ...Array.from({ length: plan.before }, (_, k) => rowOf(shifted(-1 - k))),
    ...Array.from({ length: plan.ahead }, (_, k) => rowOf(shifted(plan.slots + k))).filter(
      // Rows of one day past the run's time are what a late answer holds; further ones are the future.
      ([openTime]) => openTime <= rulesFor(plan.timeframe, plan.slots).closedAsOf + DAY,
    ),
  ];
}

describe('a page', () => {
  test('I01 I05 I06 I09 exactly the valid closed rows of undisputed slots are kept, ascending and unique', () => {
    fc.assert(
      fc.property(anyPage, ({ plan, rows }) => {
        const page = normalisePage(rows, rulesFor(plan.timeframe, plan.slots));
        const disputed = new Set(plan.conflicting.filter((place) => place < plan.slots));
        expect(page.candles).toEqual(truth(plan.timeframe, plan.slots).filter((_, k) => !disputed.has(k)));
        expect(page.conflicts).toHaveLength(disputed.size);
        expect(page.duplicates).toBe(plan.repeated.filter((place) => place < plan.slots).length);
        expect(page.outsideRange).toBe(plan.before);
        const poisoned = plan.poisoned.filter((place) => place < plan.slots).length;
        expect(page.quarantined).toHaveLength(poisoned + 2 * disputed.size);
      }),
      runs,
    );
  });

  test('I04 every candle equals a row of the answer, and no row is unaccounted for', () => {
    fc.assert(
      fc.property(anyPage, ({ plan, rows }) => {
        const page = normalisePage(rows, rulesFor(plan.timeframe, plan.slots));
        const answered = new Set(rows.map((row) => JSON.stringify(row)));
        for (const candle of page.candles) expect(answered).toContain(JSON.stringify(rowOf(candle)));
        const { candles, quarantined, duplicates, forming, outsideRange } = page;
        expect(candles.length + quarantined.length + duplicates + forming + outsideRange).toBe(rows.length);
      }),
      runs,
    );
  });

  test('I06 F68 the order of the rows makes no difference', () => {
    fc.assert(
      fc.property(anyPage, fc.func(fc.integer()), ({ plan, rows }, weight) => {
        const given = rulesFor(plan.timeframe, plan.slots);
        const page = normalisePage(rows, given);
        expect(normalisePage(rows.toReversed(), given)).toEqual(page);
        expect(
          normalisePage(
            rows.toSorted((a, b) => weight(a) - weight(b)),
            given,
          ),
        ).toEqual(page);
      }),
      runs,
    );
  });

  test('I06 F68 pages that overlap give the same candles as one page', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), (i, j) => {
        const rows = good.map(rowOf);
        const overlapping = [...rows.slice(0, Math.max(i, j)), ...rows.slice(Math.min(i, j))];
        expect(normalisePage(overlapping, rules).candles).toEqual(good);
      }),
      runs,
    );
  });

  test('F77 nothing an exchange can answer makes it throw, and what it keeps is valid', () => {
    const cell = fc.oneof(fc.anything(), fc.double(), fc.constantFrom(since, since + HOUR, 100, 0));
    const row = fc.oneof(fc.anything(), fc.array(cell, { minLength: 5, maxLength: 7 }));
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        for (const candle of normalisePage(rows, rules).candles) {
          expect(candleFault(candle)).toBeNull();
          expect(isOnGrid(tf.hour, candle.openTime)).toBe(true);
          expect(isClosed(tf.hour, candle.openTime, rules.closedAsOf, settleMs)).toBe(true);
        }
      }),
      runs,
    );
  });

  test('I06 F67 an identical repeat is dropped and counted', () => {
    const page = normalisePage([...good.map(rowOf), goodRow, goodRow], rules);
    expect(page).toMatchObject({ duplicates: 2, conflicts: [], quarantined: [], pageRejected: false });
    expect(page.candles).toEqual(good);
  });

  test('I06 F67 both rows of a conflict go to quarantine, whichever comes first, and the slot is named', () => {
    const other = withValue(4, 110.25);
    const page = normalisePage([...good.map(rowOf), other], rules);
    expect(page.conflicts).toEqual([goodRow[0]]);
    expect(page.candles).toHaveLength(99);
    expect(page.quarantined.map(({ reason }) => reason)).toEqual(['conflicting_duplicate', 'conflicting_duplicate']);
    expect(new Set(page.quarantined.map(({ raw }) => raw))).toEqual(
      new Set([JSON.stringify(goodRow), JSON.stringify(other)]),
    );
  });

  test('I01 F64 the open candle is counted as forming and is no fault', () => {
    const open = [closeOf(tf.hour, good[99]?.openTime ?? NaN), 200, 201, 199, 200, 1];
    expect(normalisePage([...good.map(rowOf), open], rules)).toMatchObject({
      forming: 1,
      quarantined: [],
      candles: good,
    });
  });

  test('F31 slots opened after the run began are forming when the answer comes late, and the future when no clock knows them', () => {
    const late = [closeOf(tf.hour, good[99]?.openTime ?? NaN) + 3 * HOUR, 200, 201, 199, 200, 1];
    expect(normalisePage([late], rules)).toMatchObject({ forming: 1, quarantined: [], pageRejected: false });
    const strict = normalisePage([late], { ...rules, newestOpen: rules.closedAsOf + 2 * HOUR });
    expect(strict.quarantined.map(({ reason }) => reason)).toEqual(['in_future']);
  });

  test('the quarantine tells NaN from null and keeps at most 500 characters', () => {
    const [first, second] = normalisePage([withValue(1, NaN), ['x'.repeat(1_000)]], rules).quarantined;
    expect(first).toMatchObject({ reason: 'non_finite', openTime: goodRow[0] });
    expect(first?.raw).toContain('"NaN"');
    expect(second).toMatchObject({ reason: 'malformed', openTime: null });
    expect(second?.raw).toHaveLength(500);
  });

  test('I06 F68 a volume of -0 is 0, so that repeats of both spellings are one value in either order', () => {
    const [zero, minusZero] = [withValue(5, 0), withValue(5, -0)];
    expect(normalisePage([minusZero, zero], rules)).toEqual(normalisePage([zero, minusZero], rules));
    expect(Object.is(normalisePage([minusZero], rules).candles[0]?.volume, 0)).toBe(true);
  });

  test('an empty answer is not a rejected one', () => {
    const empty: NormalisedPage = {
      candles: [],
      quarantined: [],
      duplicates: 0,
      forming: 0,
      conflicts: [],
      outsideRange: 0,
      pageRejected: false,
    };
    expect(normalisePage([], rules)).toEqual(empty);
  });
});

describe('F77 the whole page is refused when more than 5 % of its rows are bad', () => {
  const poison = (count: number): unknown[] =>
    good.map((candle, k) => (k < count ? [candle.openTime, NaN, 1, 1, 1, 1] : rowOf(candle)));

  test.each([
    [5, false],
    [6, true],
    [100, true],
  ])('%i bad rows of 100: refused is %s', (count, refused) => {
    const page = normalisePage(poison(count), rules);
    expect(page.pageRejected).toBe(refused);
    expect(page.quarantined).toHaveLength(count);
  });

  test('I09 one bad row beside good ones refuses no page, however short', () => {
    expect(normalisePage([goodRow, withValue(1, NaN)], rules).pageRejected).toBe(false);
  });

  test('F67 one disputed slot of a live fetch refuses no page', () => {
    const rows = good.slice(8, 12).map(rowOf);
    expect(normalisePage([...rows, withValue(4, 110.25)], rules).pageRejected).toBe(false);
  });

  test('a page of nothing but one bad row is refused', () => {
    expect(normalisePage([withValue(1, NaN)], rules).pageRejected).toBe(true);
  });

  test('repeats, forming and earlier rows are not bad', () => {
    const open = [closeOf(tf.hour, good[99]?.openTime ?? NaN), 200, 201, 199, 200, 1];
    const earlier = [since - HOUR, 100, 101, 99, 100, 1];
    const page = normalisePage([goodRow, goodRow, goodRow, open, earlier, earlier], rules);
    expect(page).toMatchObject({ duplicates: 2, forming: 1, outsideRange: 2, pageRejected: false });
  });
});

testOnCandles(
  'real candles of every timeframe pass unchanged, and the repeats of a faulty file are found',
  (folder) => {
    for (const [file, timeframe] of [
      ['BTC_USDT-1h.csv.gz', tf.hour],
      ['BTC_USDT-1d.csv.gz', tf.day],
      ['BTC_USDT-1w.csv.gz', tf.week],
      ['BTC_USDT-1M.csv.gz', tf.month],
      ['BTC_USDT-1m.csv.gz', tf.minute],
    ] as const) {
      const rows = readCandleRows(folder, file);
      const page = normalisePage(rows, { timeframe, since: 0, closedAsOf: Date.UTC(2025, 0, 1, 0, 1), settleMs });
      expect([file, page.quarantined, page.duplicates, page.conflicts]).toEqual([file, [], 0, []]);
      expect(page.candles.map(rowOf)).toEqual(rows);
    }
  },
);

testOnCandles('F67 the repeats of a real faulty file are counted, and its disputed slots kept out', (folder) => {
  const rows = readCandleRows(folder, 'odd/ETH_USDT-1h.dups.csv.gz');
  const page = normalisePage(rows, { timeframe: tf.hour, since: 0, closedAsOf: Date.UTC(2025, 0, 1), settleMs });
  const slots = new Set(rows.map(([openTime]) => openTime as EpochMs));
  expect(rows.length - slots.size).toBe(2_649);
  expect(page.candles.length + page.conflicts.length).toBe(slots.size);
  expect(page.duplicates + page.quarantined.length + page.candles.length).toBe(rows.length);
});
