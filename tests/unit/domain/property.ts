import * as fc from 'fast-check';
import { DAY, KNOWN_TIMEFRAMES, parseTimeframe, shiftSlots, slotAt, slotIndex } from '../../../src/domain/timeframe';
import type { EpochMs, SlotRange, TimeframeId } from '../../../src/domain/types';

/** How often a property is tried: FC_RUNS, or 200. */
export const runs = { numRuns: Number(process.env.FC_RUNS ?? 200) };
// FC_RUNS decides how long a property takes; a busy machine must not turn it red.
jest.setTimeout(120_000 + 100 * runs.numRuns);

export const START = Date.UTC(1971, 0, 1);
export const END = Date.UTC(2100, 11, 31);

export const anyTimeframe: fc.Arbitrary<TimeframeId> = fc.constantFrom(...KNOWN_TIMEFRAMES);
export const anyInstant: fc.Arbitrary<EpochMs> = fc.integer({ min: START, max: END - 200 * DAY });

export const tf = {
  minute: parseTimeframe('1m'),
  hour: parseTimeframe('1h'),
  day: parseTimeframe('1d'),
  week: parseTimeframe('1w'),
  month: parseTimeframe('1M'),
};

/** Ranges of a small stretch of one timeframe's grid, and the same as a set of slot numbers: the oracle of the algebra. */
export function anyRanges(timeframe: TimeframeId): fc.Arbitrary<SlotRange[]> {
  const origin = slotIndex(timeframe, Date.UTC(2024, 0, 1));
  const range = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -2, max: 8 })).map(([from, length]) => ({
    from: slotAt(timeframe, origin + from),
    to: slotAt(timeframe, origin + from + length),
  }));
  return fc.array(range, { maxLength: 8 });
}

export function slotsOf(timeframe: TimeframeId, ranges: readonly SlotRange[]): Set<EpochMs> {
  const slots = new Set<EpochMs>();
  for (const { from, to } of ranges) {
    for (let open = from; open <= to; open = shiftSlots(timeframe, open, 1)) slots.add(open);
  }
  return slots;
}
