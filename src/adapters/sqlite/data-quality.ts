import { sql } from 'kysely';
import { mismatchSeverity } from '../../domain/reconciliation';
import { DAY, HOUR } from '../../domain/timeframe';
import type { EpochMs, Pair, SlotRange } from '../../domain/types';
import type { ChangedCandles, DataQualityStore, Mismatch, StorageSample } from '../../ports/data-quality';
import type { StateDatabase } from './state-database';

const SAMPLES_KEPT_HOURS = (365 * DAY) / HOUR;

export class SqliteDataQuality implements DataQualityStore {
  constructor(private readonly state: StateDatabase) {}

  async markChanged({ symbol, timeframe }: Pair, { from, to }: SlotRange): Promise<void> {
    await this.state.write((db) =>
      db
        .insertInto('changed_candles')
        .values({ symbol, timeframe, from_open: from, to_open: to, version: 1, pending: 1 })
        .onConflict((conflict) =>
          conflict.columns(['symbol', 'timeframe']).doUpdateSet({
            from_open: sql`iif(pending = 1, min(from_open, excluded.from_open), excluded.from_open)`,
            to_open: sql`iif(pending = 1, max(to_open, excluded.to_open), excluded.to_open)`,
            version: sql`version + 1`,
            pending: 1,
          }),
        )
        .execute(),
    );
  }

  async changed({ symbol, timeframe }: Pair): Promise<ChangedCandles | null> {
    const row = await this.state.read((db) =>
      db
        .selectFrom('changed_candles')
        .select(['from_open as from', 'to_open as to', 'version'])
        .where((where) => where.and({ symbol, timeframe, pending: 1 }))
        .executeTakeFirst(),
    );
    return row === undefined ? null : { from: row.from, to: row.to, version: row.version };
  }

  async settleChanges({ symbol, timeframe }: Pair, version: number): Promise<void> {
    await this.state.write((db) =>
      db
        .updateTable('changed_candles')
        .set({ pending: 0 })
        .where((where) => where.and({ symbol, timeframe, version }))
        .execute(),
    );
  }

  async recordComparison(
    { symbol, timeframe }: Pair,
    range: SlotRange,
    differences: readonly Pick<Mismatch, 'openTime' | 'kind'>[],
    at: EpochMs,
  ): Promise<void> {
    await this.state.write(async (db) => {
      for (const { openTime, kind } of differences) {
        await db
          .insertInto('mismatch')
          .values({ symbol, timeframe, open_time: openTime, kind, times: 1, first_at: at, last_at: at })
          .onConflict((conflict) =>
            conflict
              .columns(['symbol', 'timeframe', 'open_time'])
              .doUpdateSet({
                kind,
                first_at: sql`iif(times = 0, ${at}, first_at)`,
                times: sql`times + 1`,
                last_at: at,
              })
              .where('mismatch.last_at', '<', at),
          )
          .execute();
      }
      // What this very comparison found is not undone by its repetition, which finds it mended.
      await db
        .updateTable('mismatch')
        .set({ times: 0 })
        .where((where) => where.and({ symbol, timeframe }))
        .where('open_time', '>=', range.from)
        .where('open_time', '<=', range.to)
        .where('last_at', '<', at)
        .execute();
    });
  }

  async mismatches({ symbol, timeframe }: Pair): Promise<Mismatch[]> {
    const rows = await this.state.read((db) =>
      db
        .selectFrom('mismatch')
        .select(['open_time as openTime', 'kind', 'times', 'first_at as firstAt', 'last_at as lastAt'])
        .where((where) => where.and({ symbol, timeframe }))
        .orderBy('open_time')
        .execute(),
    );
    return rows.map(({ openTime, kind, times, firstAt, lastAt }) => {
      return { openTime, kind, severity: mismatchSeverity(kind, times), times, firstAt, lastAt };
    });
  }

  async recordStorage(sample: StorageSample): Promise<boolean> {
    const { at, level } = sample;
    const values = { at, level, used_bytes: sample.usedBytes, budget_bytes: sample.budgetBytes };
    const hour = Math.floor(at / HOUR);
    return this.state.write(async (db) => {
      await db
        .insertInto('storage_sample')
        .values({ hour, ...values })
        .onConflict((conflict) => conflict.column('hour').doUpdateSet(values))
        .execute();
      await db
        .deleteFrom('storage_sample')
        .where('hour', '<', hour - SAMPLES_KEPT_HOURS)
        .execute();
      const before = await db
        .selectFrom('storage_level')
        .select(['at', 'level'])
        .orderBy('at', 'desc')
        .limit(1)
        .executeTakeFirst();
      if ((before?.level ?? 'ok') === level) return before?.at === at;
      await db
        .insertInto('storage_level')
        .values(values)
        .onConflict((conflict) => conflict.column('at').doUpdateSet(values))
        .execute();
      return true;
    });
  }

  async storageSamples(from: EpochMs): Promise<StorageSample[]> {
    const rows = await this.state.read((db) =>
      db.selectFrom('storage_sample').selectAll().where('at', '>=', from).orderBy('hour').execute(),
    );
    return rows.map(toSample);
  }

  async storageLevelChanges(limit: number): Promise<StorageSample[]> {
    const rows = await this.state.read((db) =>
      db.selectFrom('storage_level').selectAll().orderBy('at', 'desc').limit(limit).execute(),
    );
    return rows.map(toSample);
  }
}

function toSample(row: {
  readonly at: EpochMs;
  readonly level: StorageSample['level'];
  readonly used_bytes: number | null;
  readonly budget_bytes: number | null;
}): StorageSample {
  return { at: row.at, level: row.level, usedBytes: row.used_bytes, budgetBytes: row.budget_bytes };
}
