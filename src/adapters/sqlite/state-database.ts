import { AsyncLocalStorage } from 'node:async_hooks';
import { Kysely, SqliteDialect } from 'kysely';
import { PipelineError } from '../../domain/errors';
import { closeDatabase, guarded, openDatabase, storeError } from './database';
import type { SqliteDatabase } from './database';
import { migrate } from './migration';
import { STATE_MIGRATIONS } from './state-schema';
import type { StateSchema } from './state-schema';

export type StateConnection = Kysely<StateSchema>;

/**
 * The operational state's file, opened twice: writes wait in line for one connection, reads have their own, so that
 * nothing that is read waits for a publication that is being written to disk.
 */
export class StateDatabase {
  readonly #path: string;
  readonly #writeHandle: SqliteDatabase;
  readonly #readHandle: SqliteDatabase;
  readonly #writer: StateConnection;
  readonly #reader: StateConnection;
  readonly #inside = new AsyncLocalStorage<true>();

  private constructor(path: string, writeHandle: SqliteDatabase, readHandle: SqliteDatabase) {
    this.#path = path;
    this.#writeHandle = writeHandle;
    this.#readHandle = readHandle;
    this.#writer = new Kysely({ dialect: new SqliteDialect({ database: writeHandle }) });
    this.#reader = new Kysely({ dialect: new SqliteDialect({ database: readHandle }) });
  }

  /** @throws PipelineError `store_unavailable`, `store_corrupt`, `disk_full`, or `invalid_input` when a newer program wrote it. */
  static async open(path: string): Promise<StateDatabase> {
    const writeHandle = await openDatabase(path);
    try {
      await migrate(path, writeHandle, STATE_MIGRATIONS);
      return new StateDatabase(path, writeHandle, await openDatabase(path));
    } catch (error) {
      closeDatabase(writeHandle);
      throw error;
    }
  }

  async read<T>(look: (connection: StateConnection) => Promise<T>): Promise<T> {
    return guarded(this.#path, () => look(this.#reader));
  }

  /**
   * Runs `work` in a transaction that holds the write lock, over all processes, from before its first statement until
   * it is durable; a throw undoes it. `work` must not call `write` again: that would wait for itself.
   * `lasting` false: a power cut may undo it, and the event loop does not stand still until the disk has it.
   * @throws PipelineError `store_unavailable` when the lock stays taken for five seconds, `disk_full`, `store_corrupt`.
   */
  async write<T>(work: (connection: StateConnection) => Promise<T>, { lasting = true } = {}): Promise<T> {
    if (this.#inside.getStore() === true)
      throw new PipelineError('internal', `a write inside a write to ${this.#path} would wait for itself`);
    const handle = this.#writeHandle;
    return this.#writer.connection().execute(async (connection) => {
      try {
        if (!lasting) handle.pragma('synchronous = NORMAL');
        // Not through Kysely: a prepared BEGIN that met a lock would stay open and keep the COMMIT from going through.
        await guarded(this.#path, () => handle.exec('BEGIN IMMEDIATE'));
        const result = await this.#inside.run(true, async () => work(connection));
        handle.exec('COMMIT');
        return result;
      } catch (error) {
        // A closed connection that is asked for its transaction ends the process.
        if (handle.open && handle.inTransaction) handle.exec('ROLLBACK');
        throw storeError(this.#path, error);
      } finally {
        if (!lasting && handle.open) handle.pragma('synchronous = FULL');
      }
    });
  }

  /** Waits for the writes in line. */
  async close(): Promise<void> {
    if (!this.#writeHandle.open) return;
    await this.#writer.connection().execute(async () => {
      closeDatabase(this.#readHandle);
      closeDatabase(this.#writeHandle);
    });
    // Else every promise of the process goes on carrying it.
    this.#inside.disable();
  }
}
