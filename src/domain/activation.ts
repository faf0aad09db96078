/** When a symbol may be shown (SPEC 3). It rests on the symbol's 1h candles alone. */
import { hasBackwardGap } from './coverage';
import type { EpochMs } from './types';

/** The states a symbol passes through by itself. */
export type ActivationState = 'registered' | 'backfilling' | 'ready';

export interface ActivationInput {
  /** The state so far; null when none is known. Any other word (retired) has to earn `ready` anew. */
  readonly current: string | null;
  /** Open times of the first and the last stored 1h candle, or null when there is none. */
  readonly extent: { readonly first: EpochMs; readonly last: EpochMs } | null;
  /** The exchange's earliest 1h candle, or null while it is not known. */
  readonly earliest: EpochMs | null;
  /** Open time of the last closed 1h candle. */
  readonly lastClosed: EpochMs;
  /** Slots of the stored 1h range that have no candle and are not in the gap ledger with at least one ask. */
  readonly unexplainedHoles: number;
}

export interface ActivationVerdict {
  readonly state: ActivationState;
  /** What is still missing, in words; null when ready. */
  readonly reason: string | null;
}

/**
 * The next state. `ready` stays (a late candle or a new hole hides nothing) unless the rows disappear. A fact that is not
 * known never makes a symbol ready.
 */
export function nextActivation(input: ActivationInput): ActivationVerdict {
  const { current, extent, earliest, lastClosed, unexplainedHoles } = input;
  if (extent === null) return { state: 'registered', reason: 'no 1h candle is stored' };
  if (current === 'ready') return { state: 'ready', reason: null };
  const backfilling = (reason: string): ActivationVerdict => ({ state: 'backfilling', reason });
  if (earliest === null) return backfilling("the exchange's earliest 1h candle is not known yet");
  if (!Number.isFinite(extent.first) || hasBackwardGap(extent.first, earliest) || Number.isNaN(earliest)) {
    return backfilling("1h history does not reach back to the exchange's earliest candle");
  }
  if (!(extent.last >= lastClosed)) return backfilling('1h history does not reach the last closed candle');
  if (!(unexplainedHoles <= 0)) return backfilling(`${unexplainedHoles} 1h slots without a candle or an explanation`);
  return { state: 'ready', reason: null };
}

/** Only a symbol known to be ready is shown; no state, or any other, is hidden. */
export function visibilityOf(state: string | null | undefined): 'visible' | 'hidden_backfilling' {
  return state === 'ready' ? 'visible' : 'hidden_backfilling';
}
