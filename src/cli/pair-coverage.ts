/** What is stored of one pair, and which of its missing slots are explained by the gap ledger. */
import { countRanges, intersectRanges } from '../domain/coverage';
import { closeOf, countSlots, lastClosedOpen } from '../domain/timeframe';
import type { EpochMs, Pair } from '../domain/types';
import type { Extent } from '../ports/candle-store';
import type { KnownGap } from '../ports/gap-ledger';
import type { CliStores } from './wiring';

export interface PairCoverage {
  readonly pair: Pair;
  readonly extent: Extent | null;
  /** The exchange's earliest candle, where it is known. */
  readonly earliest: EpochMs | null;
  /** Slots between the first and the last stored candle. */
  readonly slots: number;
  /** Of those, missing and known to be missing at the exchange too. */
  readonly explained: number;
  /** Of those, missing and not decided. */
  readonly unexplained: number;
  /** Closed candles that exist after the last stored one. */
  readonly behind: number;
  /** Slots between the exchange's earliest candle and the first stored one. */
  readonly before: number;
}

/** Known to be empty at the exchange: nothing to fetch there. */
function isDecided(gap: KnownGap): boolean {
  return gap.state !== 'suspect';
}

/** Reads the coverage of one pair at `now`; history before `retainedFrom` is not expected (1m). */
export async function pairCoverage(
  stores: CliStores,
  pair: Pair,
  now: EpochMs,
  settleMs: number,
  retainedFrom: EpochMs | null = null,
): Promise<PairCoverage> {
  const [extent, known] = [await stores.candles.extent(pair), await stores.pairState.earliest(pair)];
  const earliest = known?.openTime ?? null;
  if (extent === null) return { pair, extent, earliest, slots: 0, explained: 0, unexplained: 0, behind: 0, before: 0 };
  const holes = await stores.candles.holes(pair);
  const decided = (await stores.gapLedger.list(pair)).filter(isDecided);
  const missing = countRanges(pair.timeframe, holes);
  const explained = countRanges(pair.timeframe, intersectRanges(pair.timeframe, holes, decided));
  const newest = { from: closeOf(pair.timeframe, extent.last), to: lastClosedOpen(pair.timeframe, now, settleMs) };
  const expectedFrom = earliest === null ? null : Math.max(earliest, retainedFrom ?? earliest);
  const before =
    expectedFrom === null || expectedFrom >= extent.first
      ? 0
      : countSlots(pair.timeframe, { from: expectedFrom, to: extent.first }) - 1;
  return {
    pair,
    extent,
    earliest,
    slots: countSlots(pair.timeframe, { from: extent.first, to: extent.last }),
    explained,
    unexplained: missing - explained,
    behind: countSlots(pair.timeframe, newest),
    before: Math.max(0, before),
  };
}

/** Stored candles and explained slots, as a share of the slots; 0 without a candle. */
export function coverageShare(coverage: PairCoverage): number {
  return coverage.slots === 0 ? 0 : (coverage.slots - coverage.unexplained) / coverage.slots;
}

/** The state in a few words, worst first. */
export function coverageWords(coverage: PairCoverage): string {
  if (coverage.extent === null) return 'no candles';
  const words: string[] = [];
  if (coverage.before > 0) words.push(`${coverage.before} older to fetch`);
  if (coverage.unexplained > 0) words.push(`${coverage.unexplained} missing`);
  if (coverage.behind > 0) words.push(`${coverage.behind} behind`);
  return words.length === 0 ? 'complete' : words.join(', ');
}
