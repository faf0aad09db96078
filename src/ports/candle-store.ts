import type { QuarantinedRow } from '../domain/candle';
import type { Candle, EpochMs, Pair, SlotRange } from '../domain/types';

/** A stored candle whose values changed at the exchange after it was stored. */
export interface Revision {
  readonly before: Candle;
  readonly after: Candle;
}

export interface WriteOutcome {
  readonly inserted: number;
  readonly unchanged: number;
  readonly revisions: readonly Revision[];
  /** Candles not written because a newer fetch had stored the slot already (I07). */
  readonly outdated: number;
  /** Candles that the store itself would not take, each with its reason; the others of the write are stored (P14). */
  readonly refused: readonly QuarantinedRow[];
}

/** What a write is about to change of what documents and scores may rest on. */
export interface PlannedChange {
  readonly revisions: readonly Revision[];
  /** From the first to the last slot that gets another candle, or its first one although later ones are stored. */
  readonly range: SlotRange;
}

/** Keeps what is told before it is done: a write that is never finished has been told of too much, not of too little. */
export type BeforeChange = (change: PlannedChange) => Promise<void>;

export interface Extent {
  /** Open times of the first and the last stored candle. */
  readonly first: EpochMs;
  readonly last: EpochMs;
  readonly count: number;
}

export interface ReadRange {
  /** Open times, both included; absent means unbounded. */
  readonly from?: EpochMs;
  readonly to?: EpochMs;
  /** Candles at most; the caller pages by asking again from the last open time + one slot. Default 10,000. */
  readonly limit?: number;
}

/** The source of truth for closed candles of one source. */
export interface CandleStore {
  /**
   * Resolves only when every candle given is durable, but those told as refused. Repeating a write changes nothing.
   * `fetchedAt` is when the exchange gave these values: an older fetch never replaces a newer one. `before` is waited for
   * before anything is changed that may have been shown.
   * @throws PipelineError `store_unavailable`, `store_unauthorized` or `disk_full`; then the candles may or may not be
   *   stored (P12). `store_refused` when so many of a page were refused that the fault can not be theirs; what it took of
   *   the others is stored.
   */
  write(pair: Pair, candles: readonly Candle[], fetchedAt: EpochMs, before?: BeforeChange): Promise<WriteOutcome>;
  /** Ascending by open time. */
  read(pair: Pair, range: ReadRange): Promise<Candle[]>;
  /** The newest `count` candles that open at or before `to`, ascending. */
  last(pair: Pair, count: number, to?: EpochMs): Promise<Candle[]>;
  /** First, last and number of stored candles, or null when there is none. Milliseconds, whatever the history. */
  extent(pair: Pair): Promise<Extent | null>;
  count(pair: Pair, range: SlotRange): Promise<number>;
  /** Slots of the range without a candle, as ranges, by calendar arithmetic. The range defaults to first..last stored. */
  holes(pair: Pair, range?: SlotRange): Promise<SlotRange[]>;
  /** Removes candles that open before `before` (retention only); returns how many. */
  deleteBefore(pair: Pair, before: EpochMs): Promise<number>;
  pairs(): Promise<Pair[]>;
  /** Bytes taken on disk, side files included, room that is written again left out; null when unreadable. */
  sizeBytes(): Promise<number | null>;
  close(): Promise<void>;
}
