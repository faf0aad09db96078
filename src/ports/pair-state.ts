import type { ErrorCode } from '../domain/errors';
import type { EpochMs, MarketSymbol, Pair, Stage } from '../domain/types';
import type { QuarantinedRow } from './exchange';
import type { Revision } from './candle-store';

/** `quarantined`: the exchange does not know it (delisted, misspelt). `retired`: no longer configured; data kept. */
export type SymbolActivation = 'registered' | 'backfilling' | 'ready' | 'quarantined' | 'retired';

export interface SymbolState {
  readonly symbol: MarketSymbol;
  readonly activation: SymbolActivation;
  readonly since: EpochMs;
  readonly reason: string | null;
}

/** The exchange's earliest candle of a pair, as proven by two probes of different size. */
export interface EarliestCandle {
  readonly openTime: EpochMs;
  readonly provenAt: EpochMs;
}

export interface StageRecord {
  readonly stage: Stage;
  readonly lastSuccessAt: EpochMs | null;
  readonly lastFailureAt: EpochMs | null;
  /** Failures since the last success. */
  readonly failureCount: number;
  /** Of those, the newest running with `lastCode`. */
  readonly sameCodeCount: number;
  readonly lastCode: ErrorCode | null;
  readonly lastMessage: string | null;
}

/** Operational facts about symbols and pairs. */
export interface PairStateStore {
  symbolStates(): Promise<SymbolState[]>;
  /**
   * `before`: the state that this one was made from, null for none; when another stands by now nothing is written, and it
   * gives false. An attempt that hung must not put back what others have found meanwhile.
   */
  setSymbolState(state: SymbolState, before?: SymbolState | null): Promise<boolean>;
  earliest(pair: Pair): Promise<EarliestCandle | null>;
  setEarliest(pair: Pair, earliest: EarliestCandle): Promise<void>;
  recordSuccess(pair: Pair, stage: Stage, at: EpochMs): Promise<void>;
  recordFailure(pair: Pair, stage: Stage, at: EpochMs, code: ErrorCode, message: string): Promise<void>;
  stages(pair: Pair): Promise<StageRecord[]>;
  quarantine(pair: Pair, rows: readonly QuarantinedRow[], at: EpochMs): Promise<void>;
  quarantined(pair: Pair): Promise<readonly (QuarantinedRow & { readonly at: EpochMs; readonly times: number })[]>;
  /** Audit of candles that changed after they were stored; keyed by slot and time, so repeats add nothing. */
  recordRevisions(pair: Pair, revisions: readonly Revision[], at: EpochMs): Promise<void>;
  revisions(pair: Pair): Promise<readonly (Revision & { readonly at: EpochMs })[]>;
}
