import { expectedGrowth, growthPerDay, storageOptions } from '../../../src/domain/storage-projection';
import type { StorageState } from '../../../src/domain/storage-projection';
import { DAY, HOUR, parseTimeframe } from '../../../src/domain/timeframe';

const hourly = (bytes: readonly (number | null)[]) => bytes.map((usedBytes, hour) => ({ at: hour * HOUR, usedBytes }));

test('growth is the slope of the samples, whatever one of them is off', () => {
  expect(growthPerDay(hourly(Array.from({ length: 25 }, (_, hour) => 1000 + 10 * hour)))).toBeCloseTo(240);
  expect(growthPerDay(hourly(Array.from({ length: 25 }, (_, hour) => 1000 - 10 * hour)))).toBeCloseTo(-240);
  const noisy = Array.from({ length: 25 }, (_, hour) => 1000 + 10 * hour + (hour % 2 === 0 ? 5 : -5));
  expect(growthPerDay(hourly(noisy))).toBeCloseTo(240, -1);
});

test('growth is not told from less than six hours, nor from samples that could not be read', () => {
  expect(growthPerDay([])).toBeNull();
  expect(growthPerDay(hourly([1, 2, 3, 4, 5, 6]))).toBeNull();
  expect(growthPerDay(hourly([null, 2, 3, 4, 5, 6, null]))).toBeNull();
  expect(growthPerDay(hourly([1, null, null, null, null, null, 7]))).toBeCloseTo(24);
});

const state: StorageState = {
  usedBytes: 800,
  budgetBytes: 1000,
  bytesPerCandle: 1,
  shortestKeptDays: 14,
  timeframes: [
    { timeframe: parseTimeframe('1h'), symbols: 2, candles: 500, keptDays: null },
    { timeframe: parseTimeframe('1m'), symbols: 2, candles: 300, keptDays: 28 },
  ],
};

test('what is kept for a limited time does not grow', () => {
  expect(expectedGrowth(state)).toBe(2 * (DAY / HOUR));
});

test('each setting is told with the room it frees and the days it buys, most room first', () => {
  expect(storageOptions(state, 10)).toEqual([
    { setting: 'TIMEFRAMES without 1m', freesBytes: 300, daysLeft: 40 },
    { setting: '1m kept 14 days instead of 28', freesBytes: 150, daysLeft: 25 },
    { setting: 'twice the budget', freesBytes: 0, daysLeft: 100 },
    { setting: 'one symbol fewer (its candles stay)', freesBytes: 0, daysLeft: 20 },
  ]);
});

test('nothing is promised of a storage that can not be read', () => {
  expect(storageOptions({ ...state, usedBytes: null }, 10)).toEqual([]);
  expect(storageOptions({ ...state, budgetBytes: null }, 10)).toEqual([]);
});
