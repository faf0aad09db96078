import { sql } from 'kysely';
import { aheadOf } from '../../domain/run-order';
import type { ErrorCode } from '../../domain/errors';
import type { Candle, EpochMs, Pair, Stage } from '../../domain/types';
import type { Revision } from '../../ports/candle-store';
import type { QuarantinedRow } from '../../ports/exchange';
import type { EarliestCandle, PairStateStore, StageRecord, SymbolState } from '../../ports/pair-state';
import type { StateDatabase } from './state-database';

/** Quarantined rows kept a pair, newest first: an exchange that answers nonsense for weeks must not fill the disk. */
const QUARANTINE_KEPT = 1000;

export class SqlitePairState implements PairStateStore {
  constructor(private readonly state: StateDatabase) {}

  async symbolStates(): Promise<SymbolState[]> {
    return this.state.read((db) => db.selectFrom('symbol_state').selectAll().orderBy('symbol').execute());
  }

  async setSymbolState(state: SymbolState, before?: SymbolState | null): Promise<boolean> {
    const { symbol, ...rest } = state;
    if (before === undefined || before === null) {
      const [inserted] = await this.state.write((db) =>
        db
          .insertInto('symbol_state')
          .values({ symbol, ...rest })
          .onConflict((conflict) => {
            const standing = conflict.column('symbol');
            return before === null ? standing.doNothing() : standing.doUpdateSet(rest);
          })
          .execute(),
      );
      return inserted?.numInsertedOrUpdatedRows === 1n;
    }
    const [updated] = await this.state.write((db) =>
      db
        .updateTable('symbol_state')
        .set(rest)
        .where('symbol', '=', symbol)
        .where('activation', '=', before.activation)
        .where('since', '=', before.since)
        .execute(),
    );
    return updated?.numUpdatedRows === 1n;
  }

  async earliest({ symbol, timeframe }: Pair): Promise<EarliestCandle | null> {
    const row = await this.state.read((db) =>
      db
        .selectFrom('earliest_candle')
        .select(['open_time as openTime', 'proven_at as provenAt'])
        .where((where) => where.and({ symbol, timeframe }))
        .executeTakeFirst(),
    );
    return row ?? null;
  }

  async setEarliest({ symbol, timeframe }: Pair, earliest: EarliestCandle): Promise<void> {
    const values = { open_time: earliest.openTime, proven_at: earliest.provenAt };
    await this.state.write((db) =>
      db
        .insertInto('earliest_candle')
        .values({ symbol, timeframe, ...values })
        .onConflict((conflict) => conflict.columns(['symbol', 'timeframe']).doUpdateSet(values))
        .execute(),
    );
  }

  async recordSuccess({ symbol, timeframe }: Pair, stage: Stage, at: EpochMs): Promise<void> {
    const ahead = aheadOf(at, at);
    // A success that is told late does not undo failures that came after it; one of a clock that was ahead came before it.
    const ends = sql<boolean>`(ifnull(last_failure_at, 0) <= ${at} OR last_failure_at > ${ahead})`;
    await this.state.write((db) =>
      db
        .insertInto('stage_record')
        .values({ symbol, timeframe, stage, last_success_at: at, failure_count: 0 })
        .onConflict((conflict) =>
          conflict.columns(['symbol', 'timeframe', 'stage']).doUpdateSet({
            last_success_at: sql`iif(last_success_at > ${ahead}, ${at}, max(ifnull(last_success_at, ${at}), ${at}))`,
            failure_count: sql`iif(${ends}, 0, failure_count)`,
            same_code_count: sql`iif(${ends}, 0, same_code_count)`,
          }),
        )
        .execute(),
    );
  }

  async recordFailure(pair: Pair, stage: Stage, at: EpochMs, code: ErrorCode, message: string): Promise<void> {
    const { symbol, timeframe } = pair;
    const failure = { last_failure_at: at, last_code: code, last_message: message };
    const ahead = aheadOf(at, at);
    const counts = sql<boolean>`(${at} >= ifnull(last_success_at, ${at}) OR last_success_at > ${ahead})`;
    await this.state.write((db) =>
      db
        .insertInto('stage_record')
        .values({ symbol, timeframe, stage, failure_count: 1, same_code_count: 1, ...failure })
        .onConflict((conflict) =>
          conflict
            .columns(['symbol', 'timeframe', 'stage'])
            .doUpdateSet({
              ...failure,
              failure_count: sql`failure_count + ${counts}`,
              same_code_count: sql`iif(last_code = ${code}, same_code_count, 0) + ${counts}`,
            })
            // The same failure told again, or one told late, changes nothing.
            .where(
              sql<boolean>`(${at} > ifnull(stage_record.last_failure_at, ${at} - 1) OR stage_record.last_failure_at > ${ahead})`,
            ),
        )
        .execute(),
    );
  }

  async stages({ symbol, timeframe }: Pair): Promise<StageRecord[]> {
    return this.state.read((db) =>
      db
        .selectFrom('stage_record')
        .select([
          'stage',
          'last_success_at as lastSuccessAt',
          'last_failure_at as lastFailureAt',
          'failure_count as failureCount',
          'same_code_count as sameCodeCount',
          'last_code as lastCode',
          'last_message as lastMessage',
        ])
        .where((where) => where.and({ symbol, timeframe }))
        .orderBy('stage')
        .execute(),
    );
  }

  async quarantine({ symbol, timeframe }: Pair, rows: readonly QuarantinedRow[], at: EpochMs): Promise<void> {
    if (rows.length === 0) return;
    await this.state.write(async (db) => {
      for (const { reason, openTime, raw } of rows) {
        await db
          .insertInto('quarantined_row')
          .values({ symbol, timeframe, reason, open_time: openTime, raw, at, times: 1 })
          .onConflict((conflict) =>
            conflict
              .columns(['symbol', 'timeframe', 'reason', 'raw'])
              .doUpdateSet({ at, times: sql`times + 1` })
              .where('quarantined_row.at', '<', at),
          )
          .execute();
      }
      const kept = db
        .selectFrom('quarantined_row')
        .select('id')
        .where((where) => where.and({ symbol, timeframe }))
        .orderBy('at', 'desc')
        .orderBy('id', 'desc')
        .limit(QUARANTINE_KEPT);
      await db
        .deleteFrom('quarantined_row')
        .where((where) => where.and({ symbol, timeframe }))
        .where('id', 'not in', kept)
        .execute();
    });
  }

  async quarantined({
    symbol,
    timeframe,
  }: Pair): Promise<readonly (QuarantinedRow & { readonly at: EpochMs; readonly times: number })[]> {
    return this.state.read((db) =>
      db
        .selectFrom('quarantined_row')
        .select(['reason', 'open_time as openTime', 'raw', 'at', 'times'])
        .where((where) => where.and({ symbol, timeframe }))
        .orderBy('id')
        .execute(),
    );
  }

  async recordRevisions({ symbol, timeframe }: Pair, revisions: readonly Revision[], at: EpochMs): Promise<void> {
    if (revisions.length === 0) return;
    await this.state.write(async (db) => {
      for (const { before, after } of revisions) {
        const values = { before: JSON.stringify(before), after: JSON.stringify(after) };
        await db
          .insertInto('revision')
          .values({ symbol, timeframe, open_time: after.openTime, at, ...values })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
    });
  }

  async revisions({ symbol, timeframe }: Pair): Promise<readonly (Revision & { readonly at: EpochMs })[]> {
    const rows = await this.state.read((db) =>
      db
        .selectFrom('revision')
        .select(['before', 'after', 'at'])
        .where((where) => where.and({ symbol, timeframe }))
        .orderBy('open_time')
        .orderBy('at')
        .execute(),
    );
    return rows.map(({ before, after, at }) => ({
      before: JSON.parse(before) as Candle,
      after: JSON.parse(after) as Candle,
      at,
    }));
  }
}
