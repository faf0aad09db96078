/** How much better than naive a champion has been, with what the number of forecasts lets one say of it (SPEC 6, 7). */
import { meanInterval } from './diebold-mariano';
import type { StepScore } from './scores';
import type { EpochMs } from './types';

type Scored = Pick<StepScore, 'step' | 'pinball'> & { readonly dataThrough: EpochMs };

export interface Skill {
  /** 1 - loss / loss of naive, over the same targets. */
  readonly estimate: number;
  /** 95 % interval; null while there are too few origins to tell one. */
  readonly lower: number | null;
  readonly upper: number | null;
  /** Forecasts it rests on. */
  readonly origins: number;
  /** The same for a reader. */
  readonly sentence: string;
}

/** Null while no target of both has closed. `steps`: of each forecast. */
export function skillOf(own: readonly Scored[], naive: readonly Scored[], steps: number): Skill | null {
  const rivals = new Map(naive.map((score) => [targetOf(score), score.pinball]));
  const byOrigin = new Map<EpochMs, { own: number; naive: number; count: number }>();
  for (const score of own) {
    const rival = rivals.get(targetOf(score));
    if (rival === undefined) continue;
    const sums = byOrigin.get(score.dataThrough) ?? { own: 0, naive: 0, count: 0 };
    sums.own += score.pinball;
    sums.naive += rival;
    sums.count += 1;
    byOrigin.set(score.dataThrough, sums);
  }
  const rows = [...byOrigin].toSorted(([a], [b]) => a - b).map(([, sums]) => sums);
  const total = rows.reduce((sum, row) => ({ own: sum.own + row.own, naive: sum.naive + row.naive }), {
    own: 0,
    naive: 0,
  });
  const estimate = 1 - total.own / total.naive;
  if (rows.length === 0 || !Number.isFinite(estimate)) return null;
  // Newest forecasts have few closed steps: only whole ones are alike enough for an interval.
  const whole = rows.filter(({ count }) => count === steps);
  const interval = meanInterval(
    whole.map((row) => (row.own - row.naive) / steps),
    steps - 1,
  );
  const scale = whole.reduce((sum, row) => sum + row.naive, 0) / steps / Math.max(1, whole.length);
  const known = interval !== null && scale > 0;
  const lower = known ? -interval.upper / scale : null;
  const upper = known ? -interval.lower / scale : null;
  return { estimate, lower, upper, origins: rows.length, sentence: sentenceOf(estimate, lower, upper, rows.length) };
}

function sentenceOf(estimate: number, lower: number | null, upper: number | null, origins: number): string {
  const over = `Over ${origins} past forecast${origins === 1 ? '' : 's'} its loss was ${share(estimate)} naive's`;
  if (lower === null || upper === null) return `${over}; that is too few to say whether it is better.`;
  const between = `(95 % interval: ${share(lower)} to ${share(upper)} it)`;
  if (lower > 0) return `${over} ${between}: better than naive.`;
  if (upper < 0) return `${over} ${between}: worse than naive.`;
  return `${over} ${between}: it can not be told from naive.`;
}

function share(skill: number): string {
  const percent = Math.abs(100 * skill).toFixed(1);
  return `${percent} % ${skill >= 0 ? 'below' : 'above'}`;
}

function targetOf({ dataThrough, step }: Scored): string {
  return `${dataThrough} ${step}`;
}
