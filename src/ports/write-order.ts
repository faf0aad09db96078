import type { Candle, EpochMs, Pair, SlotRange } from '../domain/types';

/** A candle with the time at which the exchange gave its values. */
export interface DatedCandle {
  readonly candle: Candle;
  readonly fetchedAt: EpochMs;
}

/** What a writer makes of the slots it is about to write. */
export interface Judgement<T> {
  readonly result: T;
  /** Slots whose values must outlast whatever arrives at the store late. */
  readonly decided: readonly DatedCandle[];
}

/**
 * Decides which writer of a slot is right, for a candle store that has no compare-and-set: the newer fetch, whatever
 * arrives last (I07). Kept where transactions exist and shared by all processes of a deployment. Every write is announced
 * before it is sent; who meets another write of the same slots, or changes a stored value, has its values kept here, and
 * readers let the newer of the two stand.
 */
export interface WriteOrder {
  /** Announces a write; returns its number. */
  begin(pair: Pair, range: SlotRange): Promise<number>;
  /**
   * In one transaction: shows what was decided about the slots and whether other writes of them are on their way, and
   * keeps what `judge` decides; of two decisions about a slot the newer fetch stands.
   */
  decide<T>(
    write: number,
    judge: (known: ReadonlyMap<EpochMs, DatedCandle>, contested: boolean) => Judgement<T>,
  ): Promise<T>;
  /**
   * The write was acknowledged. If others of the same slots began meanwhile, these values are decided on too. What was
   * decided of rows that the store refused is forgotten: it will never have them.
   */
  finish(write: number, written: readonly DatedCandle[], refused?: readonly DatedCandle[]): Promise<void>;
  /** Nothing was sent. A write that may have been sent is left open instead: it may still arrive. */
  cancel(write: number): Promise<void>;
  decided(pair: Pair, range: SlotRange): Promise<ReadonlyMap<EpochMs, DatedCandle>>;
  /** Forgets decisions about slots that open before `before`. */
  forgetBefore(pair: Pair, before: EpochMs): Promise<void>;
  close(): Promise<void>;
}
