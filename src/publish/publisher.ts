/** Publishing as its callers see it: a pair's documents, then the manifest; going back, making again, cleaning up. */
import { DAY, HOUR } from '../domain/timeframe';
import type { Pair } from '../domain/types';
import type { PublicationRow } from '../ports/publication';
import type { SweepResult } from '../ports/published-files';
import { commit } from './commit';
import type { CommitInput, CommitResult, PublisherOptions } from './commit';
import { baseRow, exportPair } from './export-pair';
import type { ExportInput, ExportResult } from './export-pair';
import { rebuildPairs } from './rebuild';
import type { RebuildInput } from './rebuild';
import { readRollback } from './rollback';

export type HideInput = Pick<ExportInput, 'pair' | 'asOf' | 'rules' | 'symbolState' | 'gateReason'> &
  Pick<PublicationRow, 'ops'>;

export interface Publisher {
  exportPair(input: ExportInput): Promise<ExportResult>;
  /** Takes all of a pair that is not ready out of the user plane, with the next manifest. False: a later row stands. */
  hidePair(input: HideInput): Promise<boolean>;
  /** Takes a pair out for good, with the next manifest. */
  removePair(pair: Pair): Promise<void>;
  /**
   * Publishes what the rows say as the next generation. Always commits, since the manifest's own expiry must be renewed.
   * @throws PipelineError `manifest_failed`, `disk_full`, `fenced`; then the manifest before stands.
   */
  commitManifest(input: CommitInput): Promise<CommitResult>;
  /**
   * Publishes the content of an older generation as a new one. Pairs hidden since stay hidden; pairs it does not hold
   * are blocked. The next cycle of a timeframe publishes new content again: pause its schedule to stay.
   * @throws PipelineError `invalid_input` in one sentence when that generation or one of its objects is gone.
   */
  rollback(input: CommitInput & { readonly to: number; readonly reason: string }): Promise<CommitResult>;
  /** Makes the documents of every visible pair again from candle store and ledger, and commits. */
  rebuild(input: RebuildInput & CommitInput): Promise<CommitResult & { readonly pairs: number }>;
  /** Packs what the rows name and is not packed yet, for so long at most; what is left is for the next time. */
  pack(atMostMs: number): Promise<number>;
  /** Keeps the last 50 generations and everything younger than 24 h (I24). */
  sweep(): Promise<SweepResult>;
}

const KEPT_GENERATIONS = 50;

export function createPublisher(options: PublisherOptions): Publisher {
  const { publication, files, clock } = options;
  return {
    exportPair: async (input) => exportPair(options, input),
    hidePair: async (input) => publication.upsert(hiddenRow(input), clock.now()),
    removePair: async (pair) => publication.remove(pair),
    commitManifest: async (input) => commit(options, input, null),
    rollback: async (input) => {
      const content = await readRollback(files, input.to);
      return commit(options, input, { reason: input.reason, content });
    },
    rebuild: async (input) => {
      const pairs = await rebuildPairs(options, input);
      return { ...(await commit(options, input, null)), pairs };
    },
    pack: async (atMostMs) => {
      const until = clock.monotonic() + atMostMs;
      return files.packObjects([...hashesOf(await publication.rows())], () => clock.monotonic() < until);
    },
    sweep: async () => {
      const alsoKeep = hashesOf(await publication.rows());
      const policy = { keepGenerations: KEPT_GENERATIONS, keepMs: DAY, temporaryMs: HOUR, alsoKeep };
      const result = await files.sweep({ ...policy, now: clock.now() });
      if (result.oldestKept > 0) await publication.forgetGenerations(result.oldestKept);
      return result;
    },
  };
}

function hiddenRow(input: HideInput): PublicationRow {
  return {
    ...baseRow(input),
    visibility: 'hidden_backfilling',
    history: null,
    prediction: null,
    dataThrough: null,
    predictionDataThrough: null,
    updatedAt: input.asOf,
    degraded: false,
    exportBlock: null,
    gateReason: input.gateReason,
  };
}

/** Of everything that the rows name. */
function hashesOf(rows: readonly PublicationRow[]): Set<string> {
  const references = rows.flatMap((row) => [row.history, row.prediction]);
  return new Set(references.flatMap((reference) => (reference === null ? [] : [reference.sha256])));
}
