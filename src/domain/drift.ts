/**
 * Signs that a champion no longer fits its market (SPEC 7). Each stands for an alert and an observation of the drift
 * trigger; what can not be computed is no sign.
 */
import { isFiniteNumber } from './metric';

export const DRIFT_RULES = {
  /** Loss of the last window over the loss at promotion. */
  lossRatio: 1.2,
  /** Champion's mean absolute error over the shadow's, over {@link DRIFT_RULES.shadowDays}. */
  shadowRatio: 1.2,
  /** And a horizon of origins at least: fewer long candles share nearly all of their targets. */
  shadowDays: 3,
  coverage80: { from: 0.7, to: 0.9 },
  /** Population stability index of the moves. */
  inputShift: 0.25,
  /**
   * What the thresholds cost: days between two false alarms of a champion without fault, judged once a day on five hourly
   * pairs over 30 days, are at least these (by simulation, see tests/proof/models). Training needs the sign twice in a row.
   */
  daysBetweenFalseAlarms: { loss: 250, coverage: 250, input: 250 },
} as const;

export type DriftName = 'loss' | 'shadow' | 'coverage' | 'input';

export interface DriftSign {
  readonly name: DriftName;
  readonly value: number;
  readonly threshold: string;
}

/** Null or not finite: unknown. */
export interface DriftFacts {
  readonly loss: number | null;
  readonly lossAtPromotion: number | null;
  readonly error: number | null;
  readonly shadowError: number | null;
  readonly coverage80: number | null;
  readonly inputShift: number | null;
}

/** The signs that hold now, with their values. */
export function driftSigns(facts: DriftFacts): DriftSign[] {
  const signs: DriftSign[] = [];
  const loss = share(facts.loss, facts.lossAtPromotion);
  if (loss !== null && loss > DRIFT_RULES.lossRatio) {
    signs.push({ name: 'loss', value: loss, threshold: `<= ${DRIFT_RULES.lossRatio} of the loss at promotion` });
  }
  const shadow = share(facts.error, facts.shadowError);
  if (shadow !== null && shadow > DRIFT_RULES.shadowRatio) {
    signs.push({ name: 'shadow', value: shadow, threshold: `<= ${DRIFT_RULES.shadowRatio} of the shadow's error` });
  }
  const { from, to } = DRIFT_RULES.coverage80;
  if (isFiniteNumber(facts.coverage80) && (facts.coverage80 < from || facts.coverage80 > to)) {
    signs.push({ name: 'coverage', value: facts.coverage80, threshold: `${from} to ${to}` });
  }
  if (isFiniteNumber(facts.inputShift) && facts.inputShift > DRIFT_RULES.inputShift) {
    signs.push({ name: 'input', value: facts.inputShift, threshold: `<= ${DRIFT_RULES.inputShift}` });
  }
  return signs;
}

function share(value: number | null, of: number | null): number | null {
  if (!isFiniteNumber(value) || !isFiniteNumber(of) || of <= 0) return null;
  return value / of;
}

const BINS = 10;
/** Share a bin counts as at least, so that an empty one is no infinity. */
const SMALLEST_SHARE = 1e-4;

/**
 * Population stability index of `recent` against `reference`: sum of (p - q) ln(p / q) over the deciles of the reference.
 * Null below ten values on either side, or where one is not finite.
 */
export function populationStability(reference: readonly number[], recent: readonly number[]): number | null {
  if (reference.length < BINS || recent.length < BINS) return null;
  if (!reference.every(isFiniteNumber) || !recent.every(isFiniteNumber)) return null;
  const sorted = reference.toSorted((a, b) => a - b);
  const edges = Array.from({ length: BINS - 1 }, (_, k) => sorted[Math.floor(((k + 1) * sorted.length) / BINS)] ?? NaN);
  const expected = sharesOf(reference, edges);
  const found = sharesOf(recent, edges);
  return expected.reduce((sum, q, k) => {
    const p = found[k] ?? SMALLEST_SHARE;
    return sum + (p - q) * Math.log(p / q);
  }, 0);
}

function sharesOf(values: readonly number[], edges: readonly number[]): number[] {
  const counts = Array.from({ length: BINS }, () => 0);
  for (const value of values) {
    const place = edges.findIndex((edge) => value < edge);
    const bin = place === -1 ? BINS - 1 : place;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count) => Math.max(SMALLEST_SHARE, count / values.length));
}
