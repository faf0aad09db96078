/**
 * Whether a challenger becomes champion: a total function over anything JSON can hold, since a missing or spoilt number
 * once promoted a bad model (PROOF P1, I32). What can not be judged is never promoted.
 */
import { isFiniteNumber } from './metric';

export const PROMOTION_RULES = {
  /** Pinball loss over the champion's at most: 1 % better. */
  lossRatio: 0.99,
  /** The first champion may be this much worse than naive. */
  firstLossRatio: 1.01,
  /** One-sided, see diebold-mariano.ts. */
  p: 0.05,
  coverage80: { from: 0.72, to: 0.88 },
  /** No symbol may lose more than this to the champion. */
  worstSymbolRatio: 1.1,
} as const;

/** PROMOTE: all holds. KEEP: something was measured and does not. INSUFFICIENT_EVIDENCE: something could not be measured. */
export type GateVerdict = 'PROMOTE' | 'KEEP' | 'INSUFFICIENT_EVIDENCE';

/** Names of the evidence that every comparison must bring, as {@link judgePromotion} reads it. */
export interface PromotionEvidence {
  /** `first`: there is no champion to beat, the yardstick is naive. */
  readonly kind: 'challenger' | 'first';
  /** Where the losses come from; `backtest` when the ledger is young. */
  readonly basis: 'ledger' | 'backtest';
  /** Scored origins, and how many are needed. */
  readonly origins: number;
  readonly minimumOrigins: number;
  /** Hash of the targets each side was scored on: equal, or the comparison is void. */
  readonly challengerTargets: string;
  readonly rivalTargets: string;
  /** Mean pinball loss over the same targets; the rival is the champion, or naive. */
  readonly challengerLoss: number;
  readonly rivalLoss: number;
  /** One-sided; not asked of a first champion. */
  readonly p: number | null;
  readonly coverage80: number;
  /** Largest ratio of losses of one symbol. */
  readonly worstSymbolRatio: number;
  /** Milliseconds of one forecast of all symbols, and what the cycle can spare. */
  readonly inferenceMs: number;
  readonly inferenceBudgetMs: number;
}

export interface GateCriterion {
  readonly name: string;
  /** Null: it could not be measured. */
  readonly value: number | string | null;
  /** In words with the number: `<= 0.99`. */
  readonly threshold: string;
  readonly passed: boolean;
}

export interface GateDecision {
  readonly verdict: GateVerdict;
  readonly criteria: readonly GateCriterion[];
  /** One sentence. */
  readonly reason: string;
}

export function judgePromotion(evidence: unknown): GateDecision {
  const given = fieldsOf(evidence);
  const first = given.kind === 'first';
  const criteria: GateCriterion[] = [
    oneOf('kind', given.kind, ['challenger', 'first']),
    oneOf('basis', given.basis, ['ledger', 'backtest']),
    atLeast('origins', count(given.origins), count(given.minimumOrigins)),
    sameText('same targets', given.challengerTargets, given.rivalTargets),
    atMost('loss ratio', ratio(given.challengerLoss, given.rivalLoss), lossLimit(first)),
    ...(first ? [] : [atMost('p', share(given.p), PROMOTION_RULES.p)]),
    within('coverage of the 80 % interval', share(given.coverage80), PROMOTION_RULES.coverage80),
    atMost('worst symbol ratio', positive(given.worstSymbolRatio), PROMOTION_RULES.worstSymbolRatio),
    atMost('inference ms', notNegative(given.inferenceMs), positive(given.inferenceBudgetMs)),
  ];
  return { criteria, ...verdictOf(criteria) };
}

function verdictOf(criteria: readonly GateCriterion[]): Pick<GateDecision, 'verdict' | 'reason'> {
  const failed = criteria.filter(({ passed }) => !passed);
  if (failed.length === 0) return { verdict: 'PROMOTE', reason: 'every criterion holds' };
  const unmeasured = failed.filter(({ name, value }) => value === null || name === 'origins');
  const list = (some: readonly GateCriterion[]): string =>
    some.map(({ name, value, threshold }) => `${name} ${value ?? 'unknown'} (needs ${threshold})`).join(', ');
  if (unmeasured.length > 0) return { verdict: 'INSUFFICIENT_EVIDENCE', reason: list(unmeasured) };
  return { verdict: 'KEEP', reason: list(failed) };
}

const lossLimit = (first: boolean): number => (first ? PROMOTION_RULES.firstLossRatio : PROMOTION_RULES.lossRatio);

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  // Own fields only: nothing that a prototype brings is evidence.
  return Object.fromEntries(Object.entries(value));
}

function positive(value: unknown): number | null {
  return isFiniteNumber(value) && value > 0 ? value : null;
}

function notNegative(value: unknown): number | null {
  return isFiniteNumber(value) && value >= 0 ? value : null;
}

function share(value: unknown): number | null {
  return isFiniteNumber(value) && value >= 0 && value <= 1 ? value : null;
}

function count(value: unknown): number | null {
  return Number.isSafeInteger(value) && isFiniteNumber(value) && value > 0 ? value : null;
}

function ratio(challenger: unknown, rival: unknown): number | null {
  const [own, other] = [notNegative(challenger), positive(rival)];
  return own === null || other === null ? null : positive(own / other);
}

function oneOf(name: string, value: unknown, allowed: readonly string[]): GateCriterion {
  const known = typeof value === 'string' && allowed.includes(value);
  return { name, value: known ? value : null, threshold: allowed.join(' or '), passed: known };
}

function sameText(name: string, one: unknown, other: unknown): GateCriterion {
  const known = typeof one === 'string' && one !== '' && typeof other === 'string' && other !== '';
  return { name, value: known ? one : null, threshold: known ? `= ${other}` : 'equal', passed: known && one === other };
}

function atLeast(name: string, value: number | null, limit: number | null): GateCriterion {
  const passed = value !== null && limit !== null && value >= limit;
  return { name, value: limit === null ? null : value, threshold: `>= ${limit ?? 'unknown'}`, passed };
}

function atMost(name: string, value: number | null, limit: number | null): GateCriterion {
  const passed = value !== null && limit !== null && value <= limit;
  return { name, value: limit === null ? null : value, threshold: `<= ${limit ?? 'unknown'}`, passed };
}

function within(
  name: string,
  value: number | null,
  limits: { readonly from: number; readonly to: number },
): GateCriterion {
  const passed = value !== null && value >= limits.from && value <= limits.to;
  return { name, value, threshold: `${limits.from} to ${limits.to}`, passed };
}
