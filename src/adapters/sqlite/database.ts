/** How every database file is opened and how its failures are named. One place, so that no file is opened less safely. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Database from 'libsql';
import { PipelineError } from '../../domain/errors';

export type SqliteDatabase = Database.Database;
export type SqliteStatement = Database.Statement;

/** How long an operation waits for another process to let go of the write lock. */
const BUSY_LIMIT_MS = 5000;
/** SQLite waits by blocking the event loop, so it waits briefly and the rest of the time is waited outside it. */
const BLOCKING_WAIT_MS = 25;
const BUSY_PAUSE_MS = 15;
/** What is left of the write-ahead log on disk once it has been copied into the database. */
const LOG_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Opens (or creates) a database file: write-ahead log, every commit on disk before it returns, foreign keys checked.
 * @throws PipelineError `store_unavailable`, `store_corrupt` or `disk_full`.
 */
export async function openDatabase(path: string): Promise<SqliteDatabase> {
  return guarded(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    const database = new Database(path);
    try {
      database.pragma(`busy_timeout = ${BLOCKING_WAIT_MS}`);
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
      database.pragma(`journal_size_limit = ${LOG_LIMIT_BYTES}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Copies the log into the database file, as far as readers allow, and closes. */
export function closeDatabase(database: SqliteDatabase): void {
  if (!database.open) return;
  try {
    database.pragma('wal_checkpoint(TRUNCATE)');
  } catch {
    // Another process holds the log or the disk is full: the log stays and is read at the next opening.
  }
  database.close();
}

/** Runs `work` in a transaction that holds the write lock from its first statement. */
export function immediately<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.open && database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Runs `attempt`, again while another process holds the lock, for at most five seconds.
 * `attempt` must do nothing, or undo it, when it throws.
 * @throws PipelineError `store_unavailable`, `store_corrupt` or `disk_full`.
 */
export async function guarded<T>(path: string, attempt: () => T | Promise<T>): Promise<T> {
  const deadline = performance.now() + BUSY_LIMIT_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw storeError(path, error);
    }
    await pause(BUSY_PAUSE_MS * (0.5 + Math.random()));
  }
}

/** The code of an SQLite or file error, e.g. `SQLITE_FULL` or `ENOSPC`; empty when it has none. */
function codeOf(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null && 'code' in error ? error.code : '';
  return typeof code === 'string' ? code : '';
}

function isBusy(error: unknown): boolean {
  const code = codeOf(error);
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED');
}

/** The failure in the program's words; an error that is not the database's comes back as it is. */
export function storeError(path: string, error: unknown): unknown {
  if (error instanceof PipelineError) return error;
  const code = codeOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  if (code === 'SQLITE_FULL' || code === 'ENOSPC')
    return new PipelineError('disk_full', `no space left for ${path}`, { cause: error });
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB')
    return new PipelineError('store_corrupt', `${path} is damaged: ${detail}`, { cause: error });
  if (code.startsWith('SQLITE_CONSTRAINT') || code === 'SQLITE_MISMATCH')
    return new PipelineError('invalid_input', `${path} refused a value: ${detail}`, { cause: error });
  if (isBusy(error)) {
    const sentence = `${path} was locked by another process for ${BUSY_LIMIT_MS / 1000} s`;
    return new PipelineError('store_unavailable', sentence, { cause: error });
  }
  const fromFileSystem = /^E[A-Z]+$/.test(code);
  // Two failures that libsql gives without a code: a file it can not open, and a connection that was closed.
  const fromConnection = /Unable to open connection|connection is not open/.test(detail);
  const fromDatabase = code.startsWith('SQLITE_') || fromFileSystem || fromConnection;
  return fromDatabase
    ? new PipelineError('store_unavailable', `${path} could not be used: ${detail}`, { cause: error })
    : error;
}
