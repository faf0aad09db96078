import type { EpochMs, Pair, SlotRange } from '../domain/types';

/**
 * - `suspect`          missing and not yet decided
 * - `confirmed_empty`  the exchange has no candle there (no trades, or it lost them)
 * - `outage`           confirmed empty, and the exchange was down: for every symbol at once, or for this one it had answered
 *                      with errors then
 */
export type GapState = 'suspect' | 'confirmed_empty' | 'outage';

export interface KnownGap extends SlotRange {
  readonly state: GapState;
  /** Times the exchange was asked for these slots and answered; 0: they have closed, and their candles have not come. */
  readonly asks: number;
  readonly firstAskedAt: EpochMs;
  readonly lastAskedAt: EpochMs;
  /** The exchange gave errors instead of answers when these slots were due. */
  readonly failed?: boolean;
}

/** How much of a pair the ledger explains, by state. */
export type GapSummary = Readonly<Record<GapState, { readonly ranges: number; readonly slots: number }>>;

/** Slots without a candle, each with what is known about it; kept as disjoint ranges per pair. */
export interface GapLedger {
  list(pair: Pair): Promise<KnownGap[]>;
  /** Replaces whatever the ledger says about these slots. */
  record(pair: Pair, gaps: readonly KnownGap[]): Promise<void>;
  /** Removes slots from the ledger because a candle was stored there; ranges are split as needed. */
  resolve(pair: Pair, ranges: readonly SlotRange[]): Promise<void>;
  /**
   * Of all decided slots, those in `outages`, and those whose candles the exchange failed to give, become `outage` and all
   * others `confirmed_empty`; true when any changed.
   */
  markOutages(pair: Pair, outages: readonly SlotRange[]): Promise<boolean>;
  /** Milliseconds, however many ranges there are. */
  summary(pair: Pair): Promise<GapSummary>;
}
