/** A real folder, a real state database and a publisher on them. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPublishedTree } from '../../../src/adapters/files/published-tree';
import { SqlitePublication } from '../../../src/adapters/sqlite/publication';
import { StateDatabase } from '../../../src/adapters/sqlite/state-database';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import type { EpochMs } from '../../../src/domain/types';
import type { PublishedFiles } from '../../../src/ports/published-files';
import type { PublicationStore } from '../../../src/ports/publication';
import type { Manifest } from '../../../src/publish/documents';
import { createPublisher } from '../../../src/publish/publisher';
import type { Publisher } from '../../../src/publish/publisher';
import { SOURCE, exportOf, pairOf } from '../../unit/publish/example';

export const THROUGH = Date.UTC(2024, 5, 1, 12);
export const BITCOIN = pairOf('BTC/USDT', '1h');
export const ETHER = pairOf('ETH/USDT', '1h');

export interface Workshop {
  readonly root: string;
  readonly publicDir: string;
  readonly files: PublishedFiles;
  readonly publication: PublicationStore;
  readonly publisher: Publisher;
  /** The clock, to be set by the test. */
  readonly time: { now: EpochMs; monotonic: number };
  /** Exports both pairs with data through this time and commits; the generation. */
  publish(through: EpochMs): Promise<number>;
  commit(through: EpochMs): Promise<number>;
  manifest(): Manifest;
  /** Without their packed forms. */
  objects(): string[];
  objectPath(sha256: string): string;
  close(): Promise<void>;
}

/** @param root a folder that is there already and stays; absent means one of its own. */
export async function openWorkshop(given: { root: string; stateDir: string } | null = null): Promise<Workshop> {
  const root = given?.root ?? mkdtempSync(join(tmpdir(), 'publish-'));
  const publicDir = join(root, 'public');
  const state = await StateDatabase.open(join(given?.stateDir ?? root, 'state.db'));
  const publication = new SqlitePublication(state);
  const files = openPublishedTree({ publicDir, opsDir: join(root, 'ops') });
  const time = { now: THROUGH + 10_000, monotonic: 0 };
  const clock = { now: () => time.now, monotonic: () => time.monotonic };
  const publisher = createPublisher({ publication, files, source: SOURCE, clock, cycleTargetMs: MINUTE });
  const commit = async (through: EpochMs): Promise<number> =>
    (await publisher.commitManifest({ asOf: through + 7000, nextExpectedCommit: through + HOUR })).generation;
  return {
    root,
    publicDir,
    files,
    publication,
    publisher,
    time,
    commit,
    publish: async (through) => {
      for (const pair of [BITCOIN, ETHER]) await publisher.exportPair(exportOf(pair, through));
      return commit(through);
    },
    manifest: () => JSON.parse(readFileSync(join(publicDir, 'manifest.json'), 'utf8')) as Manifest,
    objects: () => readdirSync(join(publicDir, 'objects')).filter((name) => !/\.(br|gz)$/.test(name)),
    objectPath: (sha256) => join(publicDir, 'objects', `${sha256}.json`),
    close: async () => {
      await state.close();
      if (given === null) rmSync(root, { recursive: true, force: true });
    },
  };
}
