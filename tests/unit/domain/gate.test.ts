import * as fc from 'fast-check';
import { judgeGate } from '../../../src/domain/gate';
import type { GateInput } from '../../../src/domain/gate';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import { runs } from './property';

const now = Date.UTC(2024, 0, 1, 12);
const input: GateInput = {
  count: 240,
  minimum: 240,
  dataThrough: now - HOUR,
  now,
  hardMs: 130 * MINUTE,
  recent: { slots: 240, stored: 240, explained: 0 },
};

test('enough fresh candles without holes pass', () => {
  expect(judgeGate(input)).toEqual({ verdict: 'pass' });
});

test('I41 F85 one candle too few is refused with the counts as the reason', () => {
  expect(judgeGate({ ...input, count: 239 })).toEqual({
    verdict: 'refused',
    cause: 'samples',
    reason: '239 of 240 closed candles',
  });
});

test('F85 a last candle older than the hard limit is refused, one just within it is not', () => {
  expect(judgeGate({ ...input, dataThrough: now - 130 * MINUTE }).verdict).toBe('pass');
  expect(judgeGate({ ...input, dataThrough: now - 131 * MINUTE })).toMatchObject({
    cause: 'freshness',
    reason: 'the newest candle closed 131 minutes ago, more than 130',
  });
});

test('F85 too many holes are refused, holes the ledger explains are not', () => {
  expect(judgeGate({ ...input, recent: { slots: 240, stored: 191, explained: 0 } })).toMatchObject({
    cause: 'coverage',
    reason: '191 of the newest 240 expected candles, fewer than 80 %',
  });
  expect(judgeGate({ ...input, recent: { slots: 240, stored: 191, explained: 49 } }).verdict).toBe('pass');
});

test('every shortfall is named, the first is the cause', () => {
  const recent = { slots: 240, stored: 3, explained: 0 };
  expect(judgeGate({ ...input, count: 3, dataThrough: now - 3 * HOUR, recent })).toEqual({
    verdict: 'refused',
    cause: 'samples',
    reason:
      '3 of 240 closed candles; the newest candle closed 180 minutes ago, more than 130; ' +
      '3 of the newest 240 expected candles, fewer than 80 %',
  });
});

test('an empty store never passes, even where no minimum is set', () => {
  expect(judgeGate({ ...input, count: 0, minimum: 0, dataThrough: null, recent: null })).toMatchObject({
    cause: 'freshness',
    reason: 'no candle is stored',
  });
});

test('I41 it passes only when every number is one and every rule is kept', () => {
  const number = fc.oneof(fc.integer({ min: -10, max: 500 }), fc.constantFrom(NaN, Infinity, -Infinity));
  const verdicts = new Set<string>();
  fc.assert(
    fc.property(number, fc.option(number), number, fc.constantFrom(240, NaN), (count, age, stored, minimum) => {
      const dataThrough = age === null ? null : now - age * MINUTE;
      const { verdict } = judgeGate({
        ...input,
        count,
        minimum,
        dataThrough,
        recent: { slots: 240, stored, explained: 0 },
      });
      const kept = count >= minimum && age !== null && Number.isFinite(age) && age <= 130 && stored >= 192;
      expect(verdict).toBe(kept ? 'pass' : 'refused');
      verdicts.add(verdict);
    }),
    { numRuns: Math.max(2_000, runs.numRuns) },
  );
  expect(verdicts.size).toBe(2);
});
