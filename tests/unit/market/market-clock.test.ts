import { setTimeout as wait } from 'node:timers/promises';
import { createClock } from '../../../src/market/clock';

test('a fixed clock stands still until it is set', async () => {
  const clock = createClock({ fixed: 1_000 });
  await wait(5);
  expect(clock.now()).toBe(1_000);
  clock.set(2_000);
  expect(clock.now()).toBe(2_000);
});

test('an accelerated clock begins at its start and runs by its factor', async () => {
  const clock = createClock({ start: 0, factor: 3_600 });
  const from = performance.now();
  const first = clock.now();
  await wait(20);
  const passed = clock.now() - first;
  expect(first).toBeLessThan(3_600 * 1_000);
  expect(passed).toBeGreaterThan(3_600 * 15);
  expect(passed).toBeLessThanOrEqual(3_600 * (performance.now() - from) + 3_600);
});

test('only a fixed clock can be set, and only to a time', () => {
  expect(() => createClock('real').set(1)).toThrow('only a fixed clock can be set');
  expect(() => createClock({ start: 0, factor: 2 }).set(1)).toThrow('only a fixed clock can be set');
  expect(() => createClock({ fixed: 0 }).set(Number.NaN)).toThrow('is not a time of the market');
});

test('a clock that can not run is refused', () => {
  expect(() => createClock({ fixed: 0.5 })).toThrow('is not a time of the market');
  expect(() => createClock({ start: 0, factor: 0 })).toThrow('is not a factor');
});
