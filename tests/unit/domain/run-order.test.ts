import fc from 'fast-check';
import { CLOCK_TOLERANCE_MS, isAhead, mayReplace } from '../../../src/domain/run-order';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import { runs } from './property';

const START = Date.UTC(2024, 0, 1);

/** An attempt to write in true time: begun at `begins`, its write `late` after that, all clocks `ahead` at both moments. */
interface Attempt {
  readonly begins: number;
  readonly late: number;
  readonly ahead: { readonly atBegin: number; readonly atWrite: number };
}

const ahead = fc.constantFrom(0, 0, 0, MINUTE, 6 * MINUTE, 3 * HOUR, 72 * HOUR);
const attempts = fc.array(
  fc.record({
    begins: fc.integer({ min: 0, max: 2_000 }).map((minutes) => START + minutes * MINUTE),
    late: fc.constantFrom(0, 0, MINUTE, 20 * MINUTE, 5 * HOUR),
    ahead: fc.record({ atBegin: ahead, atWrite: ahead }),
  }),
  { minLength: 2, maxLength: 20 },
);

/** In the order of their writes, with what each run sees: the exchange's candles are those of the true time. */
const inOrder = (all: readonly Attempt[]) =>
  all
    .map(({ begins, late, ahead: { atBegin, atWrite } }) => ({
      begins,
      writes: begins + late,
      right: atBegin === 0 && atWrite === 0,
      now: begins + late + atWrite,
      result: { asOf: begins + atBegin, dataThrough: Math.floor(begins / HOUR) * HOUR },
    }))
    .toSorted((a, b) => a.writes - b.writes);

type Write = ReturnType<typeof inOrder>[number];

/** Plays the writes on one row and tells of each what stood before it, and whether it was taken. */
function play(writes: readonly Write[], see: (standing: Write, next: Write, taken: boolean) => void): void {
  let standing: Write | undefined;
  for (const next of writes) {
    const taken = standing === undefined || mayReplace(standing.result, next.result, next.now);
    if (standing !== undefined) see(standing, next, taken);
    if (taken) standing = next;
  }
}

const property = (see: (standing: Write, next: Write, taken: boolean) => void) =>
  fc.assert(
    fc.property(attempts, (all) => play(inOrder(all), see)),
    { numRuns: 10 * runs.numRuns },
  );

describe('which of two runs stands', () => {
  test('F30 a clock that was ahead holds up a run by right clocks for the tolerance at most', () => {
    property((standing, next, taken) => {
      if (next.right && next.begins > standing.begins && next.writes === next.begins && !taken)
        expect(standing.result.asOf - next.result.asOf).toBeLessThanOrEqual(CLOCK_TOLERANCE_MS);
    });
  });

  test('P10 I25 an attempt that comes late replaces nothing of a later run, whatever it finds, while clocks are right', () => {
    property((standing, next, taken) => {
      if (next.right && standing.right && next.begins < standing.begins) expect(taken).toBe(false);
    });
  });

  test('I25 no earlier run, by whatever clock, takes the data of another back', () => {
    property((standing, next, taken) => {
      if (taken && next.result.asOf <= standing.result.asOf)
        expect(next.result.dataThrough).toBeGreaterThanOrEqual(standing.result.dataThrough);
    });
  });

  test('I42 an attempt that saw nothing to show, and comes after the one that took its place, takes nothing away', () => {
    const shown = { asOf: START, dataThrough: START };
    const nothing = { asOf: START, dataThrough: null };
    expect(mayReplace(shown, nothing, START + HOUR)).toBe(false);
    expect(mayReplace(nothing, shown, START + HOUR)).toBe(true);
    expect(mayReplace(nothing, nothing, START + HOUR)).toBe(true);
    expect(mayReplace(shown, { ...nothing, asOf: START + HOUR }, START + HOUR)).toBe(true);
  });

  test('runs that lie years back are ordered by themselves, also after an interruption', () => {
    const now = Date.UTC(2026, 0, 1);
    const later = { asOf: START + 9 * HOUR, dataThrough: START };
    expect(mayReplace(later, { asOf: START + HOUR, dataThrough: START }, now)).toBe(false);
    expect(mayReplace({ asOf: START + HOUR, dataThrough: START }, later, now)).toBe(true);
    expect(isAhead(now + CLOCK_TOLERANCE_MS, START, now)).toBe(false);
    expect(isAhead(now + CLOCK_TOLERANCE_MS + 1, START, now)).toBe(true);
  });

  test('a pair may be hidden by any run that stands', () => {
    const standing = { asOf: START + 3 * HOUR, dataThrough: START };
    expect(mayReplace(standing, { asOf: START, dataThrough: null }, START)).toBe(true);
    expect(mayReplace(standing, { asOf: START, dataThrough: null }, START + 3 * HOUR)).toBe(false);
  });
});
