import { sql } from 'kysely';
import type { EpochMs } from '../../domain/types';
import type { CommitKind, LateCommits } from '../../ports/late-commits';
import type { StateDatabase } from './state-database';

export class SqliteLateCommits implements LateCommits {
  constructor(private readonly state: StateDatabase) {}

  async refused(kind: CommitKind, at: EpochMs): Promise<void> {
    await this.state.write((db) =>
      db
        .insertInto('late_commit')
        .values({ kind, refused: 1, last_at: at })
        .onConflict((conflict) => conflict.column('kind').doUpdateSet({ refused: sql`refused + 1`, last_at: at }))
        .execute(),
    );
  }

  async counts(): Promise<Readonly<Record<CommitKind, number>>> {
    const rows = await this.state.read((db) => db.selectFrom('late_commit').select(['kind', 'refused']).execute());
    const none: Record<CommitKind, number> = { manifest: 0, champion: 0, delivery: 0 };
    return Object.assign(none, Object.fromEntries(rows.map(({ kind, refused }) => [kind, refused])));
  }
}
