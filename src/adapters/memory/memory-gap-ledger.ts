import { countRanges } from '../../domain/coverage';
import { shiftSlots } from '../../domain/timeframe';
import { pairKey } from '../../domain/types';
import type { EpochMs, Pair, SlotRange } from '../../domain/types';
import type { GapLedger, GapState, GapSummary, KnownGap } from '../../ports/gap-ledger';

type Facts = Omit<KnownGap, 'from' | 'to'>;

/** Slot by slot, so that it owes nothing to the arithmetic on ranges of the durable one. For tests. */
export class MemoryGapLedger implements GapLedger {
  readonly #pairs = new Map<string, Map<EpochMs, Facts>>();

  async list(pair: Pair): Promise<KnownGap[]> {
    const gaps: KnownGap[] = [];
    for (const [slot, facts] of [...this.#slotsOf(pair)].toSorted(([a], [b]) => a - b)) {
      const last = gaps.at(-1);
      const goesOn = last !== undefined && shiftSlots(pair.timeframe, last.to, 1) === slot && sameFacts(last, facts);
      if (goesOn) gaps[gaps.length - 1] = { ...last, to: slot };
      else gaps.push({ from: slot, to: slot, ...facts });
    }
    return gaps;
  }

  async record(pair: Pair, gaps: readonly KnownGap[]): Promise<void> {
    const slots = this.#slotsOf(pair);
    for (const { from, to, state, asks, firstAskedAt, lastAskedAt, failed } of gaps) {
      const facts = { state, asks, firstAskedAt, lastAskedAt, ...(failed === true ? { failed } : {}) };
      for (const slot of slotsBetween(pair, { from, to })) slots.set(slot, facts);
    }
  }

  async resolve(pair: Pair, ranges: readonly SlotRange[]): Promise<void> {
    const slots = this.#slotsOf(pair);
    for (const slot of slots.keys()) {
      if (ranges.some(({ from, to }) => slot >= from && slot <= to)) slots.delete(slot);
    }
  }

  async markOutages(pair: Pair, outages: readonly SlotRange[]): Promise<boolean> {
    const slots = this.#slotsOf(pair);
    let changed = false;
    for (const [slot, facts] of slots) {
      if (facts.state === 'suspect') continue;
      const down = facts.failed === true || outages.some(({ from, to }) => slot >= from && slot <= to);
      const state: GapState = down ? 'outage' : 'confirmed_empty';
      changed ||= state !== facts.state;
      slots.set(slot, { ...facts, state });
    }
    return changed;
  }

  async summary(pair: Pair): Promise<GapSummary> {
    const gaps = await this.list(pair);
    const of = (state: GapState) => {
      const members = gaps.filter((gap) => gap.state === state);
      return { ranges: members.length, slots: countRanges(pair.timeframe, members) };
    };
    return { suspect: of('suspect'), confirmed_empty: of('confirmed_empty'), outage: of('outage') };
  }

  #slotsOf(pair: Pair): Map<EpochMs, Facts> {
    const slots = this.#pairs.get(pairKey(pair)) ?? new Map<EpochMs, Facts>();
    this.#pairs.set(pairKey(pair), slots);
    return slots;
  }
}

function* slotsBetween({ timeframe }: Pair, { from, to }: SlotRange): Generator<EpochMs> {
  for (let slot = from; slot <= to; slot = shiftSlots(timeframe, slot, 1)) yield slot;
}

function sameFacts(a: Facts, b: Facts): boolean {
  return (
    a.state === b.state &&
    a.asks === b.asks &&
    a.firstAskedAt === b.firstAskedAt &&
    a.lastAskedAt === b.lastAskedAt &&
    (a.failed ?? false) === (b.failed ?? false)
  );
}
