/** Table of refused late commits: the rows as Kysely sees them, and the statements that make it. */
import type { EpochMs } from '../../domain/types';
import type { CommitKind } from '../../ports/late-commits';
import type { Migration } from './migration';

export interface LateCommitTable {
  kind: CommitKind;
  refused: number;
  last_at: EpochMs;
}

export interface LateCommitSchema {
  late_commit: LateCommitTable;
}

export const LATE_COMMIT_MIGRATION: Migration = {
  version: 8,
  name: 'late commits and failed slots',
  statements: [
    `CREATE TABLE late_commit (
      kind TEXT PRIMARY KEY, refused INTEGER NOT NULL, last_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    // The exchange gave errors when these slots were due.
    'ALTER TABLE gap ADD COLUMN failed INTEGER NOT NULL DEFAULT 0',
  ],
};
