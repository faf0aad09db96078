/** Numbered changes of a database's tables, each done once, whole or not at all (PROOF F47). */
import { PipelineError } from '../../domain/errors';
import { guarded, immediately } from './database';
import type { SqliteDatabase } from './database';

export interface Migration {
  /** 1, 2, 3 … in order, without a gap; never changed once released. */
  readonly version: number;
  readonly name: string;
  readonly statements: readonly string[];
}

const VERSION_TABLE = `CREATE TABLE IF NOT EXISTS schema_version (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) STRICT`;

/**
 * Brings the tables up to the last migration. Several processes may do so at once: each step takes the write lock
 * and looks again. `execute` runs one statement; tests put a failing one there.
 * @throws PipelineError `invalid_input` when a newer program has written the database.
 */
export async function migrate(
  path: string,
  database: SqliteDatabase,
  migrations: readonly Migration[],
  execute: (statement: string) => void = (statement) => database.exec(statement),
): Promise<void> {
  await guarded(path, () => execute(VERSION_TABLE));
  for (const migration of migrations) {
    await guarded(path, () =>
      immediately(database, () => {
        if (schemaVersion(database) < migration.version) apply(migration, execute);
      }),
    );
  }
  const newest = migrations.at(-1)?.version ?? 0;
  const found = schemaVersion(database);
  if (found > newest) {
    const sentence = `${path} has version ${found}, this program knows ${newest}: start the newer program`;
    throw new PipelineError('invalid_input', sentence);
  }
}

function apply(migration: Migration, execute: (statement: string) => void): void {
  for (const statement of migration.statements) execute(statement);
  execute(`INSERT INTO schema_version (version, name) VALUES (${migration.version}, '${migration.name}')`);
}

/** The number of the last migration done; 0 for an empty database. */
export function schemaVersion(database: SqliteDatabase): number {
  const rows = database.prepare('SELECT max(version) AS version FROM schema_version').all() as {
    version: number | null;
  }[];
  return rows[0]?.version ?? 0;
}
