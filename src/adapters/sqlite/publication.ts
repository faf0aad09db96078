import { mayReplace } from '../../domain/run-order';
import type { EpochMs, Pair } from '../../domain/types';
import type { GenerationRecord, PublicationRow, PublicationStore, RenderedGeneration } from '../../ports/publication';
import type { StateConnection, StateDatabase } from './state-database';
import type { GenerationTable } from './state-schema';

export class SqlitePublication implements PublicationStore {
  constructor(private readonly state: StateDatabase) {}

  async upsert(row: PublicationRow, now: EpochMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    const { symbol, timeframe } = row;
    return this.state.write(async (db) => {
      const found = await db
        .selectFrom('publication')
        .select('row')
        .where((where) => where.and({ symbol, timeframe }))
        .executeTakeFirst();
      const standing = found === undefined ? null : (JSON.parse(found.row) as PublicationRow);
      if (standing !== null && !mayReplace(standing, row, now)) return false;
      await put(db, row);
      return true;
    });
  }

  async rows(): Promise<PublicationRow[]> {
    return this.state.read(rowsOf);
  }

  async remove({ symbol, timeframe }: Pair): Promise<void> {
    await this.state.write((db) =>
      db
        .deleteFrom('publication')
        .where((where) => where.and({ symbol, timeframe }))
        .execute(),
    );
  }

  async commit(
    render: (input: {
      readonly generation: number;
      readonly rows: readonly PublicationRow[];
    }) => Promise<RenderedGeneration>,
  ): Promise<GenerationRecord> {
    return this.state.write(async (db) => {
      const generation = (await newestOf(db)) + 1;
      const { rows = [], ...rendered } = await render({ generation, rows: await rowsOf(db) });
      const record: GenerationRecord = { ...rendered, generation };
      for (const row of rows) await put(db, row);
      await db.insertInto('generation').values(toRow(record)).execute();
      return record;
    });
  }

  async generations(limit: number): Promise<GenerationRecord[]> {
    const rows = await this.state.read((db) =>
      db.selectFrom('generation').selectAll().orderBy('generation', 'desc').limit(limit).execute(),
    );
    return rows.map(toRecord);
  }

  async forgetGenerations(below: number): Promise<void> {
    await this.state.write(async (db) =>
      db
        .deleteFrom('generation')
        .where('generation', '<', below)
        // The next number is taken from the newest row: without it, numbers would start again.
        .where('generation', '<', await newestOf(db))
        .execute(),
    );
  }
}

async function put(db: StateConnection, row: PublicationRow): Promise<void> {
  const { symbol, timeframe, asOf } = row;
  const values = { as_of: asOf, row: JSON.stringify(row) };
  await db
    .insertInto('publication')
    .values({ symbol, timeframe, ...values })
    .onConflict((conflict) => conflict.columns(['symbol', 'timeframe']).doUpdateSet(values))
    .execute();
}

async function newestOf(db: StateConnection): Promise<number> {
  const row = await db
    .selectFrom('generation')
    .select(({ fn }) => fn.max('generation').as('newest'))
    .executeTakeFirst();
  return row?.newest ?? 0;
}

async function rowsOf(db: StateConnection): Promise<PublicationRow[]> {
  const rows = await db.selectFrom('publication').select('row').orderBy('symbol').orderBy('timeframe').execute();
  return rows.map(({ row }) => JSON.parse(row) as PublicationRow);
}

function toRow({ generation, manifest, opsManifest, generatedAt, rollbackOf }: GenerationRecord): GenerationTable {
  return {
    generation,
    manifest_sha256: manifest.sha256,
    manifest_bytes: manifest.bytes,
    ops_manifest_sha256: opsManifest.sha256,
    ops_manifest_bytes: opsManifest.bytes,
    generated_at: generatedAt,
    rollback_of: rollbackOf,
  };
}

function toRecord(row: GenerationTable): GenerationRecord {
  return {
    generation: row.generation,
    manifest: { sha256: row.manifest_sha256, bytes: row.manifest_bytes },
    opsManifest: { sha256: row.ops_manifest_sha256, bytes: row.ops_manifest_bytes },
    generatedAt: row.generated_at,
    rollbackOf: row.rollback_of,
  };
}
