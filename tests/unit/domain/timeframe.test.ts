import * as fc from 'fast-check';
import * as calendar from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import type { TimeframeId } from '../../../src/domain/types';
import { walkDays } from './calendar-oracle';
import { anyInstant, anyTimeframe, runs, tf } from './property';

const { DAY, HOUR, MINUTE } = calendar;
const days = walkDays();
const starts = days.map(({ start }) => start);
/** All openings of a timeframe 1970..2100, by the oracle. */
const openings: Record<string, number[]> = {
  '1h': starts.flatMap((start) => Array.from({ length: 24 }, (_, k) => start + k * HOUR)),
  '4h': starts.flatMap((start) => [0, 4, 8, 12, 16, 20].map((k) => start + k * HOUR)),
  '1d': starts,
  '1w': days.filter(({ monday }) => monday).map(({ start }) => start),
  '1M': days.filter(({ dayOfMonth }) => dayOfMonth === 1).map(({ start }) => start),
};

test('the oracle itself ends on Friday 2100-12-31', () => {
  expect(days.at(-1)).toMatchObject({ start: Date.parse('2100-12-31'), year: 2100, month: 12, dayOfMonth: 31 });
  expect(days.length).toBe(47_847);
});

describe.each(Object.entries(openings))(
  'P7 the calendar of %s, against a walk over every day of 1970..2100',
  (name, all) => {
    const timeframe = calendar.parseTimeframe(name);

    test('I05 every opening is on the grid, numbered one after the other, and ends where the next begins', () => {
      const first = calendar.slotIndex(timeframe, all[0] ?? NaN);
      const wrong = all.filter((open, k) => {
        const next = all[k + 1];
        return !(
          calendar.isOnGrid(timeframe, open) &&
          calendar.slotIndex(timeframe, open) === first + k &&
          calendar.slotAt(timeframe, first + k) === open &&
          (next === undefined ||
            (calendar.closeOf(timeframe, open) === next && calendar.openOf(timeframe, next - 1) === open))
        );
      });
      expect(wrong).toEqual([]);
    });

    test('I05 an instant between two openings is off the grid and belongs to the earlier', () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 0, max: all.length - 2 }),
          fc.double({ min: 0, max: 1, noNaN: true }),
          (k, share) => {
            const [open, next] = [all[k] ?? NaN, all[k + 1] ?? NaN];
            const t = Math.min(next - 1, open + 1 + Math.floor(share * (next - open - 2)));
            expect(calendar.isOnGrid(timeframe, t)).toBe(false);
            expect(calendar.openOf(timeframe, t)).toBe(open);
            expect(calendar.nextBoundary(timeframe, t)).toBe(next);
            expect(calendar.lastBoundary(timeframe, t)).toBe(open);
          },
        ),
        runs,
      );
    });

    test('counting and shifting agree with the list of openings', () => {
      const place = fc.integer({ min: 0, max: all.length - 1 });
      fc.assert(
        fc.property(place, place, (i, j) => {
          const [from, to] = [all[i] ?? NaN, all[j] ?? NaN];
          expect(calendar.countSlots(timeframe, { from, to })).toBe(Math.max(0, j - i + 1));
          expect(calendar.shiftSlots(timeframe, from, j - i)).toBe(to);
        }),
        runs,
      );
    });
  },
);

test('P7 minutes, sampled: each opens on a whole minute of its day and lasts sixty seconds', () => {
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.nat(1439), fc.nat(59_999), (start, minute, within) => {
      const open = start + minute * MINUTE;
      expect(calendar.openOf(tf.minute, open + within)).toBe(open);
      expect(calendar.isOnGrid(tf.minute, open + within)).toBe(within === 0);
      expect(calendar.closeOf(tf.minute, open)).toBe(open + MINUTE);
    }),
    runs,
  );
});

test('every timeframe up to a day opens at midnight, and longer ones only at midnight', () => {
  fc.assert(
    fc.property(anyTimeframe, fc.constantFrom(...starts), (timeframe, start) => {
      if (calendar.closeOf(timeframe, 0) <= DAY) expect(calendar.isOnGrid(timeframe, start)).toBe(true);
      else expect(calendar.openOf(timeframe, start) % DAY).toBe(0);
    }),
    runs,
  );
});

test('I01 closed means that the end lies at least the settle time in the past', () => {
  fc.assert(
    fc.property(anyTimeframe, anyInstant, fc.nat(90_000), (timeframe, now, settleMs) => {
      const last = calendar.lastClosedOpen(timeframe, now, settleMs);
      expect(calendar.closeOf(timeframe, last)).toBeLessThanOrEqual(now - settleMs);
      expect(calendar.closeOf(timeframe, calendar.closeOf(timeframe, last))).toBeGreaterThan(now - settleMs);
      expect(calendar.isClosed(timeframe, last, now, settleMs)).toBe(true);
      expect(calendar.isClosed(timeframe, calendar.closeOf(timeframe, last), now, settleMs)).toBe(false);
    }),
    runs,
  );
});

test('I01 a candle is closed from the settle time after its end on, to the millisecond', () => {
  fc.assert(
    fc.property(anyTimeframe, anyInstant, fc.nat(90_000), (timeframe, t, settleMs) => {
      const open = calendar.openOf(timeframe, t);
      const settled = calendar.closeOf(timeframe, open) + settleMs;
      expect(calendar.isClosed(timeframe, open, settled, settleMs)).toBe(true);
      expect(calendar.isClosed(timeframe, open, settled - 1, settleMs)).toBe(false);
      expect(calendar.lastClosedOpen(timeframe, settled, settleMs)).toBe(open);
      expect(calendar.lastClosedOpen(timeframe, settled - 1, settleMs)).toBeLessThan(open);
    }),
    runs,
  );
});

test('I43 step 1 is the boundary after data_through, and the steps are consecutive boundaries', () => {
  fc.assert(
    fc.property(anyTimeframe, anyInstant, fc.nat(24), (timeframe, t, steps) => {
      const dataThrough = calendar.openOf(timeframe, t);
      const times = calendar.forecastTimes(timeframe, dataThrough, steps);
      expect(times).toHaveLength(steps);
      times.forEach((time, k) => expect(time).toBe(calendar.closeOf(timeframe, times[k - 1] ?? dataThrough)));
    }),
    runs,
  );
});

test('I05 what is not a whole number of milliseconds is on no grid', () => {
  for (const timeframe of calendar.KNOWN_TIMEFRAMES) {
    for (const t of [NaN, Infinity, -Infinity, 0.5, 2 ** 60, 8.64e15 + 1]) {
      expect([timeframe, t, calendar.isOnGrid(timeframe, t)]).toEqual([timeframe, t, false]);
    }
  }
});

test('an unknown timeframe is refused with a sentence that names the known ones', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.constantFrom('1H', '30d', '1mo', 'constructor', '__proto__', ' 1h')),
      (text) => {
        fc.pre(!(calendar.KNOWN_TIMEFRAMES as readonly string[]).includes(text));
        expect(calendar.isTimeframe(text)).toBe(false);
        expect(() => calendar.parseTimeframe(text)).toThrow(/is not a timeframe: use one of 1m .* 1M/);
      },
    ),
    runs,
  );
});

test.each([
  ['1m', 5, 15, 0, 0],
  ['1h', 65, 130, 240, 24],
  ['1d', 1500, 3000, 120, 24],
  ['1w', 11_520, 23_040, 52, 24],
  ['1M', 50_400, 100_800, 24, 24],
])('the rules of %s are those of the specification', (name, softMinutes, hardMinutes, minimumSamples, horizon) => {
  const rules = defaultRules(calendar.parseTimeframe(name));
  expect(rules).toMatchObject({ softMinutes, hardMinutes, minimumSamples, horizon });
});

test('a timeframe the table does not name gets limits longer than its slot, soft before hard', () => {
  for (const timeframe of calendar.KNOWN_TIMEFRAMES) {
    const rules = defaultRules(timeframe);
    const slotMinutes = shortestSlot(timeframe) / MINUTE;
    expect(rules.softMinutes).toBeGreaterThan(slotMinutes);
    expect(rules.hardMinutes).toBeGreaterThanOrEqual(rules.softMinutes);
    expect(rules.hardMinutes).toBeGreaterThanOrEqual(2 * slotMinutes);
  }
});

function shortestSlot(timeframe: TimeframeId): number {
  const february = Date.UTC(2023, 1, 1);
  return calendar.closeOf(timeframe, february) - calendar.openOf(timeframe, february);
}
