import * as fc from 'fast-check';
import { judgePromotion } from '../../../src/domain/promotion-gate';
import type { PromotionEvidence } from '../../../src/domain/promotion-gate';
import { runs } from './property';

const good: PromotionEvidence = {
  kind: 'challenger',
  basis: 'ledger',
  origins: 240,
  minimumOrigins: 240,
  challengerTargets: 'abc',
  rivalTargets: 'abc',
  challengerLoss: 0.0098,
  rivalLoss: 0.01,
  p: 0.04,
  coverage80: 0.8,
  worstSymbolRatio: 1.05,
  inferenceMs: 900,
  inferenceBudgetMs: 30_000,
};
const verdictOf = (evidence: unknown) => judgePromotion(evidence).verdict;

describe('I32 the promotion gate', () => {
  test('promotes when every criterion holds, and tells each with its value and threshold', () => {
    const decision = judgePromotion(good);
    expect(decision).toMatchObject({ verdict: 'PROMOTE', reason: 'every criterion holds' });
    expect(decision.criteria.map(({ name, value, threshold }) => [name, value, threshold])).toEqual([
      ['kind', 'challenger', 'challenger or first'],
      ['basis', 'ledger', 'ledger or backtest'],
      ['origins', 240, '>= 240'],
      ['same targets', 'abc', '= abc'],
      ['loss ratio', 0.98, '<= 0.99'],
      ['p', 0.04, '<= 0.05'],
      ['coverage of the 80 % interval', 0.8, '0.72 to 0.88'],
      ['worst symbol ratio', 1.05, '<= 1.1'],
      ['inference ms', 900, '<= 30000'],
    ]);
  });

  test.each([
    ['less than 1 % better', { challengerLoss: 0.009_901 }],
    ['within noise', { p: 0.050_1 }],
    ['bands too narrow', { coverage80: 0.71 }],
    ['bands too wide', { coverage80: 0.89 }],
    ['one symbol more than 10 % worse', { worstSymbolRatio: 1.11 }],
    ['too slow', { inferenceMs: 30_001 }],
    ['scored on other targets', { rivalTargets: 'abd' }],
  ] as const)('keeps the champion: %s', (_, change) => {
    const decision = judgePromotion({ ...good, ...change });
    expect(decision.verdict).toBe('KEEP');
    expect(decision.criteria.filter(({ passed }) => !passed)).toHaveLength(1);
  });

  test('F88 one origin too few is not enough evidence', () => {
    expect(judgePromotion({ ...good, origins: 239 })).toMatchObject({
      verdict: 'INSUFFICIENT_EVIDENCE',
      reason: 'origins 239 (needs >= 240)',
    });
  });

  test('the first champion need only not be worse than naive by more than 1 %, without a test', () => {
    const first = { ...good, kind: 'first', p: null };
    expect(verdictOf({ ...first, challengerLoss: 0.0101 })).toBe('PROMOTE');
    expect(verdictOf({ ...first, challengerLoss: 0.010_11 })).toBe('KEEP');
    expect(verdictOf({ ...good, p: null })).toBe('INSUFFICIENT_EVIDENCE');
  });

  const spoilt = fc.oneof(
    fc.constantFrom(NaN, Infinity, -Infinity, null, undefined, '', '0.001', '1e9', true, false),
    fc.constant([]),
    fc.constant({}),
    fc.double({ max: -Number.MIN_VALUE, noNaN: true }),
  );
  const fields = Object.keys(good) as (keyof PromotionEvidence)[];

  test('F87 P1 any one field missing, null, a string, negative or not finite is never promoted, also after a JSON round trip', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), spoilt, (field, value) => {
        const evidence = { ...good, [field]: value };
        expect(verdictOf(evidence)).not.toBe('PROMOTE');
        expect(verdictOf(JSON.parse(JSON.stringify(evidence)))).not.toBe('PROMOTE');
        const { [field]: _gone, ...rest } = good;
        expect(verdictOf(rest)).not.toBe('PROMOTE');
      }),
      runs,
    );
  });

  test('F87 it is total: any value at all gets a verdict, and nothing but complete evidence is promoted', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        expect(['KEEP', 'INSUFFICIENT_EVIDENCE']).toContain(verdictOf(anything));
      }),
      runs,
    );
    for (const nothing of [null, undefined, [], {}, 'PROMOTE', 1, Object.create(good)]) {
      expect(verdictOf(nothing)).toBe('INSUFFICIENT_EVIDENCE');
    }
  });

  test('every decision names every criterion, whatever is missing', () => {
    expect(judgePromotion(null).criteria).toHaveLength(judgePromotion(good).criteria.length);
    expect(judgePromotion(null).criteria.every(({ value, passed }) => value === null && !passed)).toBe(true);
  });
});
