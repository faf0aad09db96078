import fc from 'fast-check';
import { MEASURED_CYCLES, summariseRuntime, type MeasuredCycle } from '../../../src/domain/runtime';

const cycle = (ms: number, outcome: MeasuredCycle['outcome'] = 'published'): MeasuredCycle => ({
  startedAt: 1000,
  firstPassAt: 1000 + ms,
  endedAt: 99_000_000,
  outcome,
});

test('elapsed time ends with the first pass; idle cycles are not counted', () => {
  const cycles = [cycle(10), cycle(30), cycle(1e9, 'idle'), cycle(20, 'partial')];
  expect(summariseRuntime(cycles, 25)).toEqual({
    cycles: 3,
    averageMs: 20,
    p95Ms: 30,
    successRate: 2 / 3,
    overrunRate: 1 / 3,
  });
});

test('a cycle without a first pass took until its end', () => {
  expect(summariseRuntime([{ ...cycle(0, 'failed'), firstPassAt: null, endedAt: 5000 }], 1).averageMs).toBe(4000);
});

test('before any working cycle nothing is measured, which is not zero', () => {
  const nothing = { cycles: 0, averageMs: null, p95Ms: null, successRate: null, overrunRate: null };
  expect(summariseRuntime([], 1)).toEqual(nothing);
  expect(summariseRuntime([cycle(5, 'idle')], 1)).toEqual(nothing);
});

test('only the newest 240 count', () => {
  const cycles = [...Array.from({ length: MEASURED_CYCLES }, () => cycle(1)), cycle(1e6)];
  expect(summariseRuntime(cycles, 10)).toMatchObject({ cycles: 240, p95Ms: 1, overrunRate: 0 });
});

test('the 95th percentile is a measured time that at least 95 % do not exceed', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1, maxLength: 240 }), (times) => {
      const p95 =
        summariseRuntime(
          times.map((ms) => cycle(ms)),
          1,
        ).p95Ms ?? Number.NaN;
      expect(times).toContain(p95);
      expect(times.filter((ms) => ms <= p95).length).toBeGreaterThanOrEqual(0.95 * times.length);
      expect(times.filter((ms) => ms < p95).length).toBeLessThan(0.95 * times.length);
    }),
  );
});
