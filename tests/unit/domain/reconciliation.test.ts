import { compareCandles, isSameWithinTolerance, mismatchSeverity } from '../../../src/domain/reconciliation';
import { HOUR } from '../../../src/domain/timeframe';
import type { Candle } from '../../../src/domain/types';

const candle = (index: number, changes: Partial<Candle> = {}): Candle => ({
  openTime: index * HOUR,
  open: 100,
  high: 110,
  low: 90,
  close: 105,
  volume: 50,
  ...changes,
});

test('I12 slots are told apart: the same, missing, different, and not at the exchange any more', () => {
  const changed = candle(2, { close: 106 });
  const { differences, same, notAtExchange } = compareCandles(
    [candle(0), candle(2), candle(3)],
    [candle(0), candle(1), changed],
  );
  expect(differences).toEqual([
    { kind: 'missing', candle: candle(1) },
    { kind: 'different', stored: candle(2), candle: changed },
  ]);
  expect(same).toBe(1);
  expect(notAtExchange).toEqual([3 * HOUR]);
});

test.each([
  ['a price within a millionth', { close: 105 * (1 + 0.9e-6) }, true],
  ['a price beyond a millionth', { close: 105 * (1 + 1.1e-6) }, false],
  ['an open beyond it', { open: 100.001 }, false],
  ['a high beyond it', { high: 110.001 }, false],
  ['a low beyond it', { low: 90.001 }, false],
  ['a volume within a ten-thousandth', { volume: 50 * (1 + 0.9e-4) }, true],
  ['a volume beyond a ten-thousandth', { volume: 50 * (1 + 1.1e-4) }, false],
  ['a volume of nothing on one side', { volume: 0 }, false],
  ['a number that is not one', { close: Number.NaN }, false],
])('%s: same is %s', (_, changes, same) => {
  expect(isSameWithinTolerance(candle(0), candle(0, changes))).toBe(same);
});

test('no volume on both sides is the same', () => {
  expect(isSameWithinTolerance(candle(0, { volume: 0 }), candle(0, { volume: 0 }))).toBe(true);
});

test('missing is critical at once, different from the third time running', () => {
  expect(mismatchSeverity('missing', 1)).toBe('critical');
  expect([1, 2, 3, 4].map((times) => mismatchSeverity('different', times))).toEqual([
    'warning',
    'warning',
    'critical',
    'critical',
  ]);
});
