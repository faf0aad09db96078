import type { EpochMs } from '../domain/types';

export const COMMIT_KINDS = ['manifest', 'champion', 'delivery'] as const;

/** What others can see, and a worker that wakes up late could commit once more: a generation, a champion, a sent alert. */
export type CommitKind = (typeof COMMIT_KINDS)[number];

/** Commits that came after their attempt had been given up, or after another had made them; each was refused (P10, I26). */
export interface LateCommits {
  refused(kind: CommitKind, at: EpochMs): Promise<void>;
  /** Refused since the deployment's first start. */
  counts(): Promise<Readonly<Record<CommitKind, number>>>;
}
