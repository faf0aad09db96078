import { mayReplace } from '../../domain/run-order';
import { pairKey } from '../../domain/types';
import type { EpochMs, Pair } from '../../domain/types';
import type { GenerationRecord, PublicationRow, PublicationStore, RenderedGeneration } from '../../ports/publication';

/** For tests. */
export class MemoryPublication implements PublicationStore {
  readonly #rows = new Map<string, PublicationRow>();
  #generations: GenerationRecord[] = [];
  /** Commits wait in line, as for the lock of a database. */
  #line: Promise<unknown> = Promise.resolve();

  async upsert(row: PublicationRow, now: EpochMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const standing = this.#rows.get(pairKey(row));
    if (standing !== undefined && !mayReplace(standing, row, now)) return false;
    this.#rows.set(pairKey(row), structuredClone(row));
    return true;
  }

  async rows(): Promise<PublicationRow[]> {
    return [...this.#rows.values()].toSorted((a, b) => (pairKey(a) < pairKey(b) ? -1 : 1));
  }

  async remove(pair: Pair): Promise<void> {
    this.#rows.delete(pairKey(pair));
  }

  async commit(
    render: (input: {
      readonly generation: number;
      readonly rows: readonly PublicationRow[];
    }) => Promise<RenderedGeneration>,
  ): Promise<GenerationRecord> {
    const mine = this.#line.then(async () => {
      const generation = (this.#generations.at(-1)?.generation ?? 0) + 1;
      const { rows = [], ...rendered } = await render({ generation, rows: await this.rows() });
      const record = { ...rendered, generation };
      for (const row of rows) this.#rows.set(pairKey(row), structuredClone(row));
      this.#generations.push(record);
      return record;
    });
    this.#line = mine.catch(() => undefined);
    return mine;
  }

  async generations(limit: number): Promise<GenerationRecord[]> {
    return this.#generations.toReversed().slice(0, limit);
  }

  async forgetGenerations(below: number): Promise<void> {
    const newest = this.#generations.at(-1);
    this.#generations = this.#generations.filter((record) => record.generation >= below || record === newest);
  }
}
