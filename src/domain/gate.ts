/** Whether what is stored of a pair is enough to forecast from (SPEC 2.4, PROOF I41, F85). */
import { isUnderfilled } from './coverage';
import type { EpochMs } from './types';

export interface GateInput {
  /** Closed candles stored, and how many a forecast needs. */
  readonly count: number;
  readonly minimum: number;
  /** Close of the newest stored candle, or null when nothing is stored. */
  readonly dataThrough: EpochMs | null;
  readonly now: EpochMs;
  /** Age above which nothing is forecast: the timeframe's hard limit. */
  readonly hardMs: number;
  /**
   * The slots the forecast would mostly rest on (the newest `minimum` ones): how many there are, are stored, and are
   * explained by the gap ledger. Null where that is not asked.
   */
  readonly recent: { readonly slots: number; readonly stored: number; readonly explained: number } | null;
}

export type GateVerdict =
  | { readonly verdict: 'pass' }
  /** `reason` names every shortfall with its counts; `cause` is the first of them. */
  | { readonly verdict: 'refused'; readonly cause: 'samples' | 'freshness' | 'coverage'; readonly reason: string };

/** Total: a number that is not one refuses. */
export function judgeGate(input: GateInput): GateVerdict {
  const shortfalls = [samplesShortfall(input), freshnessShortfall(input), coverageShortfall(input)];
  const found = shortfalls.filter((shortfall) => shortfall !== null);
  const [first] = found;
  if (first === undefined) return { verdict: 'pass' };
  return { verdict: 'refused', cause: first.cause, reason: found.map(({ words }) => words).join('; ') };
}

interface Shortfall {
  readonly cause: 'samples' | 'freshness' | 'coverage';
  readonly words: string;
}

function samplesShortfall({ count, minimum }: GateInput): Shortfall | null {
  return count >= minimum ? null : { cause: 'samples', words: `${count} of ${minimum} closed candles` };
}

function freshnessShortfall({ dataThrough, now, hardMs }: GateInput): Shortfall | null {
  if (dataThrough === null) return { cause: 'freshness', words: 'no candle is stored' };
  const age = now - dataThrough;
  if (Number.isFinite(age) && age <= hardMs) return null;
  return {
    cause: 'freshness',
    words: `the newest candle closed ${Math.floor(age / 60_000)} minutes ago, more than ${hardMs / 60_000}`,
  };
}

function coverageShortfall({ recent }: GateInput): Shortfall | null {
  if (recent === null || !isUnderfilled(recent)) return null;
  const expected = recent.slots - recent.explained;
  return { cause: 'coverage', words: `${recent.stored} of the newest ${expected} expected candles, fewer than 80 %` };
}
