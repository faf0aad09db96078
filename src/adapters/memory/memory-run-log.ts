import type { EpochMs, TimeframeId } from '../../domain/types';
import type { BoundaryRecord, CycleRun, CycleRunEnd, RunLog } from '../../ports/run-log';

/** For tests. */
export class MemoryRunLog implements RunLog {
  readonly #runs = new Map<string, CycleRun & { readonly end: CycleRunEnd | null }>();
  readonly #boundaries = new Map<string, BoundaryRecord>();

  async begin(run: CycleRun): Promise<void> {
    const key = runKey(run.runId, run.round);
    if (!this.#runs.has(key)) this.#runs.set(key, { ...run, end: null });
  }

  async end(runId: string, round: number, end: CycleRunEnd): Promise<void> {
    const run = this.#runs.get(runKey(runId, round));
    if (run !== undefined) this.#runs.set(runKey(runId, round), { ...run, end });
  }

  async recent(
    timeframe: TimeframeId,
    limit: number,
  ): Promise<readonly (CycleRun & { readonly end: CycleRunEnd | null })[]> {
    return [...this.#runs.values()]
      .filter((run) => run.timeframe === timeframe)
      .toSorted((a, b) => b.startedAt - a.startedAt || b.round - a.round)
      .slice(0, limit);
  }

  async recordBoundaries(records: readonly BoundaryRecord[]): Promise<void> {
    for (const record of records) {
      const key = `${record.timeframe} ${record.boundary}`;
      if (this.#boundaries.get(key)?.outcome !== 'done') this.#boundaries.set(key, record);
    }
  }

  async boundaries(timeframe: TimeframeId, from: EpochMs, to: EpochMs): Promise<BoundaryRecord[]> {
    return [...this.#boundaries.values()]
      .filter((record) => record.timeframe === timeframe && record.boundary >= from && record.boundary <= to)
      .toSorted((a, b) => a.boundary - b.boundary);
  }
}

function runKey(runId: string, round: number): string {
  return `${round} ${runId}`;
}
