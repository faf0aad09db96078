import { findHoles, intersectRanges, mergeRanges, subtractRanges } from '../../domain/coverage';
import { slotAt, slotIndex } from '../../domain/timeframe';
import type { EpochMs, SlotRange, TimeframeId } from '../../domain/types';

/** Slots looked at together: counting them is many times faster than listing their open times. */
const BLOCK_SLOTS = 512;

/** The candles of one pair; there is at least one. */
export interface StoredSlots {
  readonly first: EpochMs;
  readonly last: EpochMs;
  readonly count: (range: SlotRange) => number;
  readonly openTimes: (range: SlotRange) => EpochMs[];
}

/**
 * The slots of `range` without a candle. Full blocks are passed over by their count alone; only blocks that lack a
 * candle are listed.
 */
export function holesByBlocks(timeframe: TimeframeId, range: SlotRange, stored: StoredSlots): SlotRange[] {
  const extent = [{ from: stored.first, to: stored.last }];
  const holes = subtractRanges(timeframe, [range], extent);
  for (const { from, to } of intersectRanges(timeframe, [range], extent)) {
    const end = slotIndex(timeframe, to);
    for (let slot = slotIndex(timeframe, from); slot <= end; slot += BLOCK_SLOTS) {
      const slots = Math.min(BLOCK_SLOTS, end - slot + 1);
      const block = { from: slotAt(timeframe, slot), to: slotAt(timeframe, slot + slots - 1) };
      if (stored.count(block) < slots) holes.push(...findHoles(timeframe, stored.openTimes(block), block));
    }
  }
  return mergeRanges(timeframe, holes);
}
