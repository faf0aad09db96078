/** What is stored of one pair, and which of its missing slots are explained by the gap ledger. */
import { closeOf, countSlots, lastClosedOpen } from '../domain/timeframe';
import type { EpochMs, Pair } from '../domain/types';
import type { Extent } from '../ports/candle-store';
import type { CliStores } from './wiring';

export interface PairCoverage {
  readonly pair: Pair;
  readonly extent: Extent | null;
  /** The exchange's earliest candle, where it is known. */
  readonly earliest: EpochMs | null;
  /** The exchange's first candle has not closed yet: nothing is due. */
  readonly forming: boolean;
  /** Slots between the first and the last stored candle. */
  readonly slots: number;
  /** Of those, missing because the exchange has no candle there. */
  readonly empty: number;
  /** Of those, missing because the exchange was down. */
  readonly outage: number;
  /** Of those, missing, asked for and not decided yet. */
  readonly suspect: number;
  /** Of those, missing and not decided: the suspects, and what nobody has asked for yet. */
  readonly unexplained: number;
  /** Runs of missing slots in the gap ledger. */
  readonly ranges: number;
  /** Closed candles that exist after the last stored one. */
  readonly behind: number;
  /** Slots between the exchange's earliest candle and the first stored one. */
  readonly before: number;
}

const NOTHING = { slots: 0, empty: 0, outage: 0, suspect: 0, unexplained: 0, ranges: 0, behind: 0, before: 0 };

/** Reads the coverage of one pair at `now`; history before `retainedFrom` is not expected (1m). */
export async function pairCoverage(
  stores: Pick<CliStores, 'candles' | 'gapLedger' | 'pairState'>,
  pair: Pair,
  now: EpochMs,
  settleMs: number,
  retainedFrom: EpochMs | null = null,
): Promise<PairCoverage> {
  const [extent, known] = [await stores.candles.extent(pair), await stores.pairState.earliest(pair)];
  const earliest = known?.openTime ?? null;
  const newest = lastClosedOpen(pair.timeframe, now, settleMs);
  const forming = earliest !== null && earliest > newest;
  if (extent === null) return { ...NOTHING, pair, extent, earliest, forming };
  // Counts alone: no slot is both stored and in the ledger (I03), so nothing has to be looked for.
  const gaps = await stores.gapLedger.summary(pair);
  const slots = countSlots(pair.timeframe, { from: extent.first, to: extent.last });
  const missing = slots - extent.count;
  // Suspects after the last candle are told as `behind`.
  const undecided = Math.max(0, missing - gaps.confirmed_empty.slots - gaps.outage.slots);
  const expectedFrom = earliest === null ? null : Math.max(earliest, retainedFrom ?? earliest);
  const before =
    expectedFrom === null || expectedFrom >= extent.first
      ? 0
      : countSlots(pair.timeframe, { from: expectedFrom, to: extent.first }) - 1;
  return {
    pair,
    extent,
    earliest,
    forming,
    slots,
    empty: gaps.confirmed_empty.slots,
    outage: gaps.outage.slots,
    suspect: Math.min(gaps.suspect.slots, undecided),
    unexplained: undecided,
    ranges: gaps.suspect.ranges + gaps.confirmed_empty.ranges + gaps.outage.ranges,
    behind: countSlots(pair.timeframe, { from: closeOf(pair.timeframe, extent.last), to: newest }),
    before: Math.max(0, before),
  };
}

/** Stored candles and explained slots, as a share of the slots; 0 without a candle. */
export function coverageShare(coverage: PairCoverage): number {
  return coverage.slots === 0 ? 0 : (coverage.slots - coverage.unexplained) / coverage.slots;
}

/** The state in a few words, worst first. */
export function coverageWords(coverage: PairCoverage): string {
  if (coverage.extent === null) return coverage.forming ? 'first candle not closed yet' : 'no candles';
  const words: string[] = [];
  if (coverage.before > 0) words.push(`${coverage.before} older to fetch`);
  if (coverage.unexplained > 0) words.push(`${coverage.unexplained} missing`);
  if (coverage.behind > 0) words.push(`${coverage.behind} behind`);
  return words.length === 0 ? 'complete' : words.join(', ');
}
