/** How often a champion without fault is said to drift: five hourly pairs, judged once a day over 30 days. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DRIFT_RULES, driftSigns, populationStability } from '../../../src/domain/drift';
import type { DriftName } from '../../../src/domain/drift';
import type { OriginLoss } from '../../../src/domain/forecast-comparison';
import { lossAt, normals, sharedShocks, STEPS } from './equal-models';

const FULL = process.env.PROOF === 'full';
const DAY_HOURS = 24;
const WINDOW = 30 * DAY_HOURS;
const DAYS = FULL ? 400 : 150;
const SEEDS = FULL ? 10 : 2;

interface Judged {
  readonly days: number;
  readonly alarms: ReadonlyMap<DriftName, number>;
}

/** An alarm is a sign that holds today and did not yesterday. */
function judgeDays(seed: number, scaleFrom: (hour: number) => number): Judged {
  const hours = WINDOW + DAYS * DAY_HOURS;
  const pairs = sharedShocks(normals(seed), hours + STEPS);
  const losses = pairs.flatMap(({ symbol, shocks }) =>
    Array.from({ length: hours }, (_, hour) => lossAt(symbol, shocks, hour, scaleFrom(hour), 0)),
  );
  const loss = sumsByHour(losses, hours, (one) => one.loss);
  const inside = sumsByHour(losses, hours, (one) => one.inside80);
  const mean = (sums: readonly number[], from: number): number =>
    ((sums[from + WINDOW] ?? NaN) - (sums[from] ?? NaN)) / (WINDOW * pairs.length);
  const moves = (from: number): number[] =>
    pairs.flatMap(({ shocks }) => shocks.slice(from, from + WINDOW).map(Math.abs));
  const lossAtPromotion = mean(loss, 0);
  const reference = moves(0);
  const alarms = new Map<DriftName, number>();
  let yesterday = new Set<DriftName>();
  for (let day = 1; day <= DAYS; day++) {
    const from = day * DAY_HOURS;
    const signs = driftSigns({
      loss: mean(loss, from),
      lossAtPromotion,
      error: null,
      shadowError: null,
      coverage80: mean(inside, from),
      inputShift: populationStability(reference, moves(from)),
    });
    for (const { name } of signs) if (!yesterday.has(name)) alarms.set(name, (alarms.get(name) ?? 0) + 1);
    yesterday = new Set(signs.map(({ name }) => name));
  }
  return { days: DAYS, alarms };
}

/** Sums of all pairs up to each hour, so that any window costs two looks. */
function sumsByHour(losses: readonly OriginLoss[], hours: number, value: (loss: OriginLoss) => number): number[] {
  const sums = [0];
  const byHour = Array.from({ length: hours }, () => 0);
  for (const loss of losses) byHour[loss.origin] = (byHour[loss.origin] ?? 0) + value(loss);
  for (const sum of byHour) sums.push((sums.at(-1) ?? 0) + sum);
  return sums;
}

test('false alarms of drift are as rare as stated, in days between two of them', () => {
  const total = new Map<DriftName, number>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    for (const [name, count] of judgeDays(seed, () => 1).alarms) total.set(name, (total.get(name) ?? 0) + count);
  }
  const days = SEEDS * DAYS;
  const between = (name: DriftName): number => days / (total.get(name) ?? 0);
  if (FULL) {
    const folder = join(__dirname, '../../../test-output/proof');
    mkdirSync(folder, { recursive: true });
    const lines = (['loss', 'coverage', 'input'] as const).map((name) => `${name}: one in ${between(name)} days`);
    writeFileSync(join(folder, 'models-false-alarms.txt'), `over ${days} days\n${lines.join('\n')}\n`);
  }
  const { daysBetweenFalseAlarms: stated } = DRIFT_RULES;
  expect(between('loss')).toBeGreaterThanOrEqual(stated.loss);
  expect(between('coverage')).toBeGreaterThanOrEqual(stated.coverage);
  expect(between('input')).toBeGreaterThanOrEqual(stated.input);
}, 600_000);

test('a champion whose bands turn half as wide is found', () => {
  const { alarms } = judgeDays(1, (hour) => (hour < WINDOW + 50 * DAY_HOURS ? 1 : 0.5));
  expect(alarms.get('coverage')).toBeGreaterThanOrEqual(1);
});
