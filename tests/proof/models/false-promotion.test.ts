/**
 * F88: a challenger that is only as good as the champion is promoted at most one time in twenty, with correlated symbols
 * and overlapping origins. The short form runs with the tests, 1,000 pairs by `npm run proof:models`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareForecasts, worstRatio } from '../../../src/domain/forecast-comparison';
import type { ForecastComparison } from '../../../src/domain/forecast-comparison';
import { judgePromotion } from '../../../src/domain/promotion-gate';
import { equalPair, STEPS } from './equal-models';

const FULL = process.env.PROOF === 'full';
const PAIRS = FULL ? 1_000 : 100;
/** Origins the gate rests on at least: 1h 240, 1d 120, 1w 52, 1M 36. */
const SIZES = FULL ? [240, 120, 52, 36] : [120];
/** A hundred pairs can not tell 5 % from 9 %. */
const LIMIT = FULL ? 0.05 : 0.09;

const lines: string[] = [];
afterAll(() => {
  if (!FULL) return;
  const folder = join(__dirname, '../../../test-output/proof');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'models-false-promotion.txt'), `${lines.join('\n')}\n`);
});

test.each(SIZES)(
  'F88 I32 of equally good models with %i origins at most 5 % are promoted',
  (origins) => {
    const found = { promoted: 0, significant: 0, student: 0, onePercent: 0 };
    for (let seed = 1; seed <= PAIRS; seed++) {
      const { challenger, champion } = equalPair(seed, origins);
      const comparison = compareForecasts(challenger, champion, { steps: STEPS, limit: origins });
      if (comparison === null) throw new Error('nothing to compare');
      found.promoted += Number(judge(comparison, origins) === 'PROMOTE');
      found.significant += Number((comparison.test?.p ?? 1) <= 0.05);
      found.student += Number((comparison.test?.pStudent ?? 1) <= 0.05);
      found.onePercent += Number(comparison.challengerLoss <= 0.99 * comparison.rivalLoss);
    }
    lines.push(`${origins} origins, ${PAIRS} pairs: ${JSON.stringify(found)}`);
    // Not vacuous: many equally good challengers look at least 1 % better by chance.
    expect(found.onePercent).toBeGreaterThan(PAIRS / 10);
    expect(found.promoted).toBeLessThanOrEqual(PAIRS * LIMIT);
  },
  900_000,
);

test('a challenger that is truly better is promoted', () => {
  const { challenger, champion } = equalPair(1, 240);
  const better = challenger.map((loss, k) => ({ ...loss, loss: (champion[k]?.loss ?? NaN) * (0.93 + 0.02 * (k % 2)) }));
  const comparison = compareForecasts(better, champion, { steps: STEPS, limit: 240 });
  expect(comparison === null ? null : judge({ ...comparison, coverage80: 0.8 }, 240)).toBe('PROMOTE');
});

function judge(comparison: ForecastComparison, origins: number): string {
  return judgePromotion({
    kind: 'challenger',
    basis: 'ledger',
    origins: comparison.origins,
    minimumOrigins: origins,
    challengerTargets: comparison.targets,
    rivalTargets: comparison.targets,
    challengerLoss: comparison.challengerLoss,
    rivalLoss: comparison.rivalLoss,
    p: comparison.test?.p ?? null,
    coverage80: comparison.coverage80,
    worstSymbolRatio: worstRatio(comparison),
    inferenceMs: 1,
    inferenceBudgetMs: 30_000,
  }).verdict;
}
