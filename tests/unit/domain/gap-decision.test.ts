import * as fc from 'fast-check';
import { countRanges, mergeRanges } from '../../../src/domain/coverage';
import { decideGap, findOutages } from '../../../src/domain/gap-decision';
import type { HoleAsks, SymbolGaps } from '../../../src/domain/gap-decision';
import { DAY, HOUR, MINUTE, closeOf, openOf, shiftSlots } from '../../../src/domain/timeframe';
import type { EpochMs, SlotRange, TimeframeId } from '../../../src/domain/types';
import { anyInstant, anyRanges, anyTimeframe, runs, slotsOf, tf } from './property';

const open = Date.UTC(2024, 0, 10);
const hole: SlotRange = { from: open, to: open + 2 * HOUR };
const end = closeOf(tf.hour, hole.to);
const asked = (asks: number, firstAskedAt: EpochMs, lastAskedAt = firstAskedAt): HoleAsks => ({
  asks,
  firstAskedAt,
  lastAskedAt,
});

interface Played {
  /** When each ask was made, and the page size it had. */
  readonly asks: { readonly at: EpochMs; readonly pageSize: number }[];
  readonly decidedAt: EpochMs;
}

/** Plays a hole that the exchange never fills, from the first look on; every `wait` is kept to. */
function play(timeframe: TimeframeId, range: SlotRange, start: EpochMs): Played {
  const asks: Played['asks'] = [];
  let now = start;
  for (let turn = 0; turn < 20; turn++) {
    const [first, last] = [asks[0], asks.at(-1)];
    const known = first && last ? asked(asks.length, first.at, last.at) : null;
    const decision = decideGap(timeframe, range, known, now);
    if (decision.kind === 'confirmed_empty') return { asks, decidedAt: now };
    if (decision.kind === 'ask') asks.push({ at: now, pageSize: decision.pageSize });
    else {
      expect(decision.until).toBeGreaterThan(now);
      now = decision.until;
    }
  }
  throw new Error('never decided');
}

test('F66 a hole that was never asked for is asked for at once', () => {
  expect(decideGap(tf.hour, hole, null, end).kind).toBe('ask');
  expect(decideGap(tf.hour, hole, asked(0, end), end).kind).toBe('ask');
});

test('F66 a hole older than 48 h is decided in the same run by two asks with pages of different size', () => {
  fc.assert(
    fc.property(anyTimeframe, anyInstant, fc.integer({ min: 0, max: 400 * DAY }), (timeframe, t, later) => {
      const range = { from: openOf(timeframe, t), to: shiftSlots(timeframe, t, 3) };
      const now = closeOf(timeframe, range.to) + 48 * HOUR + later;
      const { asks, decidedAt } = play(timeframe, range, now);
      expect(decidedAt).toBe(now);
      expect(asks).toHaveLength(2);
      expect(asks[0]?.pageSize).not.toBe(asks[1]?.pageSize);
    }),
    runs,
  );
});

test('F66 a newer hole is asked for three times over 24 h before it is decided', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 24 * HOUR - 1 }), (later) => {
      const { asks, decidedAt } = play(tf.hour, hole, end + later);
      expect(asks.map(({ at }) => at - end - later)).toEqual([0, 12 * HOUR, 24 * HOUR]);
      expect(decidedAt).toBe(asks[2]?.at);
    }),
    runs,
  );
});

test('F66 a hole that turns 48 h old while it waits is decided then', () => {
  const start = end + 48 * HOUR - HOUR;
  const { asks, decidedAt } = play(tf.hour, hole, start);
  expect(asks.map(({ at }) => at - start)).toEqual([0, HOUR]);
  expect(decidedAt).toBe(end + 48 * HOUR);
});

test('F66 three asks within an hour do not decide a new hole', () => {
  const known = asked(3, end, end + HOUR);
  expect(decideGap(tf.hour, hole, known, end + HOUR)).toEqual({ kind: 'wait', until: end + 24 * HOUR });
  expect(decideGap(tf.hour, hole, known, end + 24 * HOUR).kind).toBe('ask');
});

test('F66 the age of a hole is that of its newest slot', () => {
  const long = { from: open - 30 * DAY, to: hole.to };
  expect(decideGap(tf.hour, long, asked(2, end), end + HOUR).kind).toBe('wait');
});

test('F66 every hole is decided in the end, by at least two asks, whatever its age', () => {
  fc.assert(
    fc.property(anyTimeframe, anyInstant, fc.integer({ min: 0, max: 5 * DAY }), (timeframe, t, later) => {
      const range = { from: openOf(timeframe, t), to: openOf(timeframe, t) };
      const start = closeOf(timeframe, range.to) + later;
      const { asks, decidedAt } = play(timeframe, range, start);
      expect(asks.length).toBeGreaterThanOrEqual(2);
      expect(decidedAt - start).toBeLessThanOrEqual(24 * HOUR);
    }),
    runs,
  );
});

test('F30 asks stamped by a clock that was put back are not waited for', () => {
  expect(decideGap(tf.hour, hole, asked(1, end + 72 * DAY), end + MINUTE).kind).toBe('ask');
});

describe('an outage', () => {
  const listed = { from: open, to: open + 99 * HOUR };
  const down = { from: open + 10 * HOUR, to: open + 12 * HOUR };

  test('is where every symbol is confirmed empty at once', () => {
    const other = { from: open + 11 * HOUR, to: open + 20 * HOUR };
    const symbols = [
      { listed, confirmed: [down] },
      { listed, confirmed: [other] },
    ];
    expect(findOutages(tf.hour, symbols)).toEqual([{ from: open + 11 * HOUR, to: down.to }]);
  });

  test('is not told from one symbol alone', () => {
    expect(findOutages(tf.hour, [{ listed, confirmed: [down] }])).toEqual([]);
    expect(findOutages(tf.hour, [])).toEqual([]);
  });

  test('is not denied by a symbol that was not listed yet', () => {
    const symbols: SymbolGaps[] = [
      { listed, confirmed: [down] },
      { listed, confirmed: [down] },
      { listed: { from: open + 50 * HOUR, to: open + 99 * HOUR }, confirmed: [] },
    ];
    expect(findOutages(tf.hour, symbols)).toEqual([down]);
  });

  test('is not denied by one symbol of five, but is by one of four', () => {
    const has = { listed, confirmed: [] };
    const empty = { listed, confirmed: [down] };
    expect(findOutages(tf.hour, [empty, empty, empty, empty, has])).toEqual([down]);
    expect(findOutages(tf.hour, [empty, empty, empty, has])).toEqual([]);
  });

  test('I03 holds exactly the slots in which two or more were listed and four of five of those are empty', () => {
    const anySymbol = fc
      .tuple(anyRanges(tf.hour), anyRanges(tf.hour))
      .map(([ranges, confirmed]) => ({ listed: ranges[0] ?? listed, confirmed }));
    let outages = 0;
    fc.assert(
      fc.property(fc.array(anySymbol, { maxLength: 6 }), (symbols) => {
        const sets = symbols.map(({ listed: range, confirmed }) => ({
          listed: slotsOf(tf.hour, [range]),
          empty: slotsOf(tf.hour, confirmed),
        }));
        const all = [...new Set(sets.flatMap(({ listed: slots }) => [...slots]))];
        const expected = all.filter((slot) => {
          const voices = sets.filter(({ listed: slots }) => slots.has(slot));
          const empty = voices.filter((voice) => voice.empty.has(slot)).length;
          return voices.length >= 2 && empty * 5 >= voices.length * 4;
        });
        const found = findOutages(tf.hour, symbols);
        expect(found).toEqual(
          mergeRanges(
            tf.hour,
            expected.map((slot) => ({ from: slot, to: slot })),
          ),
        );
        outages += countRanges(tf.hour, found);
      }),
      { numRuns: Math.max(500, runs.numRuns) },
    );
    expect(outages).toBeGreaterThan(0);
  });
});
