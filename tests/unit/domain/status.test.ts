import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { PAIR_STATUSES, evaluateStatus, splitReason } from '../../../src/domain/status';
import type { StatusInput } from '../../../src/domain/status';
import { HOUR, KNOWN_TIMEFRAMES, MINUTE } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { runs } from './property';

const now = Date.UTC(2024, 0, 1, 12);
const softMs = 65 * MINUTE;
const hardMs = 130 * MINUTE;
const fresh: StatusInput = {
  now,
  dataThrough: now,
  predictionDataThrough: now,
  predicts: true,
  softMs,
  hardMs,
  visibility: 'visible',
  exportBlock: null,
  gateReason: null,
  degraded: false,
  document: 'ok',
};
const judge = (change: Partial<StatusInput>): ReturnType<typeof evaluateStatus> =>
  evaluateStatus({ ...fresh, ...change });
const aged = (ms: number): Partial<StatusInput> => ({ dataThrough: now - ms, predictionDataThrough: now - ms });

describe('by age', () => {
  test.each([
    [0, 'fresh', true],
    [softMs, 'fresh', true],
    [softMs + 1, 'stale', true],
    [hardMs, 'stale', true],
    [hardMs + 1, 'hard_stale', false],
    [1e12, 'hard_stale', false],
  ])('I30 data %i ms old is %s and served: %s', (ms, status, serveAllowed) => {
    expect(judge(aged(ms))).toMatchObject({ status, serveAllowed, ageMinutes: ms / MINUTE });
  });

  test('a future time counts as age 0', () => {
    expect(judge(aged(-HOUR))).toMatchObject({ status: 'fresh', ageMinutes: 0 });
  });

  test('I30 with time alone a pair only ever gets worse, on every timeframe', () => {
    const rank = { fresh: 0, stale: 1, hard_stale: 2, corrupt: 9, missing: 9, insufficient_data: 9 };
    fc.assert(
      fc.property(fc.constantFrom(...KNOWN_TIMEFRAMES), fc.nat(2e10), fc.nat(2e10), (timeframe, age, later) => {
        const { softMinutes, hardMinutes } = defaultRules(timeframe);
        const limits = { softMs: softMinutes * MINUTE, hardMs: hardMinutes * MINUTE };
        const before = judge({ ...limits, ...aged(age) }).status;
        const after = judge({ ...limits, ...aged(age), now: now + later }).status;
        expect(rank[after]).toBeGreaterThanOrEqual(rank[before]);
      }),
      runs,
    );
  });

  test('a stale pair says since when and what the limit is', () => {
    expect(judge(aged(90 * MINUTE)).reason).toBe('data ended 90 min ago, more than 65 min');
    expect(judge(aged(5 * HOUR)).reason).toBe('data ended 5 h ago, more than 2 h');
    expect(judge(aged(100 * HOUR)).reason).toBe('data ended 4 d ago, more than 2 h');
  });

  test('a fresh and served pair has no reason, and tells its thresholds', () => {
    expect(judge({})).toEqual({
      status: 'fresh',
      serveAllowed: true,
      degraded: false,
      reason: null,
      ageMinutes: 0,
      thresholds: { softMinutes: 65, hardMinutes: 130 },
    });
  });
});

describe('a timeframe that predicts', () => {
  test.each([
    [softMs, 'fresh'],
    [softMs + 1, 'stale'],
    [hardMs + 1, 'hard_stale'],
  ])('I30 whose forecast is %i ms old over fresh history is %s, at the age of the history', (ms, status) => {
    expect(judge({ predictionDataThrough: now - ms, degraded: true })).toMatchObject({
      status,
      degraded: true,
      ageMinutes: 0,
    });
  });

  test('is as old as its history where that is the older', () => {
    expect(judge({ dataThrough: now - hardMs - 1 }).status).toBe('hard_stale');
    expect(judge({ dataThrough: now - softMs - 1 })).toMatchObject({ status: 'stale', ageMinutes: 65 + 1 / MINUTE });
  });

  test('what was published and is not there is told from what never was', () => {
    const never = judge({ document: 'missing', dataThrough: null, predictionDataThrough: null });
    expect(never.reason).toBe('no history has been published yet');
    expect(judge({ document: 'missing' })).toMatchObject({
      status: 'missing',
      serveAllowed: false,
      reason: 'a published document is not there',
    });
  });

  test('without a first forecast is missing', () => {
    expect(judge({ predictionDataThrough: null })).toMatchObject({ status: 'missing', serveAllowed: false });
  });

  test('is served while degraded, as long as its forecast is young enough', () => {
    expect(judge({ degraded: true, predictionDataThrough: now - HOUR })).toMatchObject({
      status: 'fresh',
      degraded: true,
      serveAllowed: true,
    });
  });
});

test('a timeframe without prediction is judged on its history', () => {
  expect(judge({ predicts: false, predictionDataThrough: null }).status).toBe('fresh');
  expect(judge({ predicts: false, predictionDataThrough: now - 9e9 }).status).toBe('fresh');
});

describe('documents and gate', () => {
  test('a document that can not be trusted is corrupt, before all else', () => {
    expect(judge({ ...aged(9e9), document: 'corrupt', gateReason: 'too few' })).toMatchObject({
      status: 'corrupt',
      serveAllowed: false,
    });
  });

  test.each([{ document: 'missing' as const }, { dataThrough: null, predictionDataThrough: null }])(
    'no document is missing: %j',
    (change) => {
      expect(judge(change)).toMatchObject({ status: 'missing', serveAllowed: false });
    },
  );

  test('I41 a refusing gate is insufficient_data with its counts as the reason, with or without documents', () => {
    for (const change of [
      {},
      { document: 'missing' as const },
      { dataThrough: null },
      { predictionDataThrough: null },
    ]) {
      expect(judge({ ...change, gateReason: '100 of 240 closed candles' })).toMatchObject({
        status: 'insufficient_data',
        serveAllowed: false,
        reason: '100 of 240 closed candles',
      });
    }
  });

  test('data past the hard limit is hard_stale though the gate refused, and both reasons are given', () => {
    expect(judge({ ...aged(5 * HOUR), gateReason: '100 of 240 closed candles' })).toMatchObject({
      status: 'hard_stale',
      reason: 'data ended 5 h ago, more than 2 h; 100 of 240 closed candles',
    });
  });

  test('store and document that disagree by more than hard are hard_stale, either way', () => {
    expect(judge({ storeDataThrough: now + hardMs }).status).toBe('fresh');
    expect(judge({ storeDataThrough: now - hardMs - 1 }).status).toBe('hard_stale');
    expect(judge({ storeDataThrough: now + hardMs + 1 })).toMatchObject({
      status: 'hard_stale',
      reason: 'store and published data are 2 h apart',
    });
    expect(judge({ storeDataThrough: null }).status).toBe('fresh');
  });
});

describe('served', () => {
  test('a hidden pair is never served', () => {
    expect(judge({ visibility: 'hidden_backfilling' })).toMatchObject({
      status: 'fresh',
      serveAllowed: false,
      reason: 'hidden: the symbol is not ready',
    });
  });

  test('an export block stops serving and says why, before the age', () => {
    expect(judge({ ...aged(90 * MINUTE), exportBlock: 'the disk is full' })).toMatchObject({
      status: 'stale',
      serveAllowed: false,
      reason: 'blocked: the disk is full; data ended 90 min ago, more than 65 min',
    });
  });
});

const anyTime = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: -200, max: 200 }).map((minutes) => now + minutes * MINUTE) },
  { weight: 1, arbitrary: fc.constantFrom(NaN, Infinity, -Infinity) },
);
const anyInput = fc.record({
  now: anyTime,
  dataThrough: fc.option(anyTime),
  predictionDataThrough: fc.option(anyTime),
  predicts: fc.boolean(),
  softMs: fc.constantFrom(softMs, softMs, softMs, 0, NaN, Infinity, -1),
  hardMs: fc.constantFrom(hardMs, hardMs, hardMs, 0, NaN, Infinity, -1),
  visibility: fc.constantFrom('visible' as const, 'hidden_backfilling' as const),
  exportBlock: fc.constantFrom(null, 'the disk is full'),
  gateReason: fc.constantFrom(null, null, '3 of 240'),
  degraded: fc.boolean(),
  document: fc.constantFrom('ok' as const, 'ok' as const, 'missing' as const, 'corrupt' as const),
  storeDataThrough: fc.option(anyTime),
});

test('I30 every input has exactly one status, and what is served is visible, whole and young by every clock that counts', () => {
  let served = 0;
  fc.assert(
    fc.property(anyInput, (input) => {
      const verdict = evaluateStatus(input);
      expect(PAIR_STATUSES).toContain(verdict.status);
      expect(verdict.degraded).toBe(input.degraded);
      expect(verdict.reason === null).toBe(verdict.status === 'fresh' && verdict.serveAllowed);
      if (input.visibility === 'visible') {
        const rest = evaluateStatus({ ...input, exportBlock: null }).reason;
        expect(splitReason(verdict.reason)).toEqual({ block: input.exportBlock, rest });
      }
      expect(verdict.ageMinutes === null || Number.isFinite(verdict.ageMinutes)).toBe(true);
      if (!verdict.serveAllowed) return;
      served++;
      const oldest = input.predicts ? (input.predictionDataThrough ?? NaN) : now;
      expect(input.now - (input.dataThrough ?? NaN) <= input.hardMs).toBe(true);
      expect(input.predicts ? input.now - oldest <= input.hardMs : true).toBe(true);
      expect(input).toMatchObject({ visibility: 'visible', exportBlock: null, gateReason: null, document: 'ok' });
      expect([input.now, input.dataThrough, input.softMs, input.hardMs].every(Number.isFinite)).toBe(true);
    }),
    { numRuns: Math.max(20_000, runs.numRuns) },
  );
  expect(served).toBeGreaterThan(50);
});

test('the evaluator imports nothing at run time, so that a browser can load it', () => {
  const source = readFileSync(resolve(__dirname, '../../../src/domain/status.ts'), 'utf8');
  const imports = source.split('\n').filter((line) => /^(import|export .* from)\b/.test(line));
  expect(imports.every((line) => line.startsWith('import type '))).toBe(true);
  expect(source).not.toMatch(/\brequire\(|\bimport\(|\bprocess\.|\bDate\.now/);
});
