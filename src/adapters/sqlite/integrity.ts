/** Whether a database file is whole: for preflight, doctor and repair; it reads everything, so not for every start. */
import { PipelineError } from '../../domain/errors';
import { closeDatabase, guarded, openDatabase } from './database';
import type { SqliteDatabase } from './database';

/** Faults named at most. */
const FAULTS_TOLD = 20;

/**
 * What is wrong with the file at `path`, in words; empty when nothing is. SQLite keeps no checksums: damage to its
 * structure is always found, a changed number only when it is no longer that of a candle. The rest is found by
 * comparing with the exchange.
 * @throws PipelineError `store_unavailable` when the file can not be read at all.
 */
export async function integrityFaults(path: string): Promise<string[]> {
  try {
    const database = await openDatabase(path);
    try {
      return await guarded(path, () => [...structureFaults(database), ...candleFaults(database)]);
    } finally {
      closeDatabase(database);
    }
  } catch (error) {
    if (error instanceof PipelineError && error.code === 'store_corrupt') return [error.message];
    throw error;
  }
}

function structureFaults(database: SqliteDatabase): string[] {
  const rows = database.prepare(`PRAGMA integrity_check(${FAULTS_TOLD})`).raw().all() as [string][];
  return rows.map(([fault]) => fault).filter((fault) => fault !== 'ok');
}

function candleFaults(database: SqliteDatabase): string[] {
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'candle'").all();
  if (tables.length === 0) return [];
  const bad = database
    .prepare(
      `SELECT symbol || ' ' || timeframe, open_time FROM candle JOIN series ON series.id = candle.series
       WHERE NOT (low > 0 AND low <= min(open, close) AND high >= max(open, close) AND volume >= 0) LIMIT ${FAULTS_TOLD}`,
    )
    .raw()
    .all() as [string, number][];
  const miscounted = database
    .prepare(
      `SELECT symbol || ' ' || timeframe FROM series
       WHERE candle_count <> (SELECT count(*) FROM candle WHERE candle.series = series.id)`,
    )
    .raw()
    .all() as [string][];
  return [
    ...bad.map(([pair, openTime]) => `${pair}: the candle at ${openTime} breaks a rule of candles`),
    ...miscounted.map(([pair]) => `${pair}: the number of candles is not the number kept beside them`),
  ];
}
