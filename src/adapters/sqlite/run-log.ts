import { sql } from 'kysely';
import type { EpochMs, TimeframeId } from '../../domain/types';
import type { BoundaryRecord, CycleRun, CycleRunEnd, RunLog } from '../../ports/run-log';
import type { StateDatabase } from './state-database';
import type { CycleRunTable } from './state-schema';

export class SqliteRunLog implements RunLog {
  constructor(private readonly state: StateDatabase) {}

  async begin(run: CycleRun): Promise<void> {
    const row = {
      run_id: run.runId,
      round: run.round,
      timeframe: run.timeframe,
      workflow_id: run.workflowId,
      as_of: run.asOf,
      started_at: run.startedAt,
      trigger: run.trigger,
    };
    await this.state.write((db) =>
      db
        .insertInto('cycle_run')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    );
  }

  async end(runId: string, round: number, end: CycleRunEnd): Promise<void> {
    const values = {
      first_pass_at: end.firstPassAt,
      ended_at: end.endedAt,
      outcome: end.outcome,
      pairs: end.pairs,
      failed: end.failed,
      new_candles: end.newCandles,
    };
    await this.state.write((db) =>
      db
        .updateTable('cycle_run')
        .set(values)
        .where((where) => where.and({ run_id: runId, round }))
        .execute(),
    );
  }

  async recent(
    timeframe: TimeframeId,
    limit: number,
  ): Promise<readonly (CycleRun & { readonly end: CycleRunEnd | null })[]> {
    const rows = await this.state.read((db) =>
      db
        .selectFrom('cycle_run')
        .selectAll()
        .where('timeframe', '=', timeframe)
        .orderBy('started_at', 'desc')
        .orderBy('round', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map((row) => ({
      timeframe: row.timeframe,
      workflowId: row.workflow_id,
      runId: row.run_id,
      round: row.round,
      asOf: row.as_of,
      startedAt: row.started_at,
      trigger: row.trigger,
      end: endOf(row),
    }));
  }

  async recordBoundaries(records: readonly BoundaryRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.state.write(async (db) => {
      for (const { timeframe, boundary, outcome, reason, recordedAt } of records) {
        const values = { outcome, reason, recorded_at: recordedAt };
        await db
          .insertInto('boundary')
          .values({ timeframe, boundary, ...values })
          .onConflict((conflict) =>
            conflict
              .columns(['timeframe', 'boundary'])
              .doUpdateSet(values)
              // Work that was done stays done, whoever says later that it skipped or failed it.
              .where(sql<boolean>`boundary.outcome <> 'done'`),
          )
          .execute();
      }
    });
  }

  async boundaries(timeframe: TimeframeId, from: EpochMs, to: EpochMs): Promise<BoundaryRecord[]> {
    return this.state.read((db) =>
      db
        .selectFrom('boundary')
        .select(['timeframe', 'boundary', 'outcome', 'reason', 'recorded_at as recordedAt'])
        .where('timeframe', '=', timeframe)
        .where('boundary', '>=', from)
        .where('boundary', '<=', to)
        .orderBy('boundary')
        .execute(),
    );
  }
}

function endOf(row: CycleRunTable): CycleRunEnd | null {
  if (row.ended_at === null || row.outcome === null) return null;
  return {
    firstPassAt: row.first_pass_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
    pairs: row.pairs ?? 0,
    failed: row.failed ?? 0,
    newCandles: row.new_candles ?? 0,
  };
}
