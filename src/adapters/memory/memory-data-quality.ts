import { mismatchSeverity } from '../../domain/reconciliation';
import { DAY, HOUR } from '../../domain/timeframe';
import { pairKey } from '../../domain/types';
import type { EpochMs, Pair, SlotRange } from '../../domain/types';
import type { ChangedCandles, DataQualityStore, Mismatch, StorageSample } from '../../ports/data-quality';

type MismatchFacts = Omit<Mismatch, 'severity'>;

/** For tests. */
export class MemoryDataQuality implements DataQualityStore {
  readonly #changed = new Map<string, ChangedCandles & { readonly pending: boolean }>();
  readonly #mismatches = new Map<string, Map<EpochMs, MismatchFacts>>();
  readonly #samples = new Map<number, StorageSample>();
  readonly #levels: StorageSample[] = [];

  async markChanged(pair: Pair, { from, to }: SlotRange): Promise<void> {
    const before = this.#changed.get(pairKey(pair));
    const known = before?.pending === true ? before : { from, to };
    this.#changed.set(pairKey(pair), {
      from: Math.min(known.from, from),
      to: Math.max(known.to, to),
      version: (before?.version ?? 0) + 1,
      pending: true,
    });
  }

  async changed(pair: Pair): Promise<ChangedCandles | null> {
    const known = this.#changed.get(pairKey(pair));
    if (known === undefined || !known.pending) return null;
    return { from: known.from, to: known.to, version: known.version };
  }

  async settleChanges(pair: Pair, version: number): Promise<void> {
    const known = this.#changed.get(pairKey(pair));
    if (known?.version === version) this.#changed.set(pairKey(pair), { ...known, pending: false });
  }

  async recordComparison(
    pair: Pair,
    range: SlotRange,
    differences: readonly Pick<Mismatch, 'openTime' | 'kind'>[],
    at: EpochMs,
  ): Promise<void> {
    const known = this.#mismatches.get(pairKey(pair)) ?? new Map<EpochMs, MismatchFacts>();
    this.#mismatches.set(pairKey(pair), known);
    for (const { openTime, kind } of differences) {
      const before = known.get(openTime);
      if (before !== undefined && before.lastAt >= at) continue;
      const times = before?.times ?? 0;
      const firstAt = before === undefined || times === 0 ? at : before.firstAt;
      known.set(openTime, { openTime, kind, times: times + 1, firstAt, lastAt: at });
    }
    for (const [openTime, facts] of known) {
      const compared = openTime >= range.from && openTime <= range.to;
      if (compared && facts.lastAt < at) known.set(openTime, { ...facts, times: 0 });
    }
  }

  async mismatches(pair: Pair): Promise<Mismatch[]> {
    const known = [...(this.#mismatches.get(pairKey(pair))?.values() ?? [])];
    return known
      .toSorted((a, b) => a.openTime - b.openTime)
      .map((facts) => ({ ...facts, severity: mismatchSeverity(facts.kind, facts.times) }));
  }

  async recordStorage(sample: StorageSample): Promise<boolean> {
    const hour = Math.floor(sample.at / HOUR);
    this.#samples.set(hour, sample);
    for (const old of this.#samples.keys()) if (old < hour - (365 * DAY) / HOUR) this.#samples.delete(old);
    const before = this.#levels[0];
    if ((before?.level ?? 'ok') === sample.level) return before?.at === sample.at;
    this.#levels.unshift(sample);
    return true;
  }

  async storageSamples(from: EpochMs): Promise<StorageSample[]> {
    return [...this.#samples.values()].filter(({ at }) => at >= from).toSorted((a, b) => a.at - b.at);
  }

  async storageLevelChanges(limit: number): Promise<StorageSample[]> {
    return this.#levels.slice(0, limit);
  }
}
