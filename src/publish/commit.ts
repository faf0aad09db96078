/** The one way a new generation comes to be: rows in, both manifests on disk, the record last. */
import { createHash } from 'node:crypto';
import { PipelineError } from '../domain/errors';
import { isAhead } from '../domain/run-order';
import { pairKey } from '../domain/types';
import type { EpochMs } from '../domain/types';
import type { Clock } from '../ports/clock';
import type { DocumentReference, PublicationRow, PublicationStore, RenderedGeneration } from '../ports/publication';
import type { ManifestBodies, PublishedFiles } from '../ports/published-files';
import { canonicalDocument, canonicalJson } from './canonical-json';
import { judgingTime, manifestSchema, opsManifestSchema } from './documents';
import type { Manifest, OpsManifest } from './documents';
import { buildManifests } from './manifest';
import { rolledBackRow } from './rollback';

export interface PublisherOptions {
  readonly publication: PublicationStore;
  readonly files: PublishedFiles;
  readonly source: string;
  readonly clock: Clock;
  /** How long a cycle may take; the manifest expires twice as long after the next one is due. */
  readonly cycleTargetMs: number;
}

export interface CommitInput {
  /** The time every pair is judged at; one before that of the last manifest is replaced by that, unless it lies ahead. */
  readonly asOf: EpochMs;
  /** When the earliest next cycle of any timeframe is expected to commit. */
  readonly nextExpectedCommit: EpochMs;
  /** What the store held beside the documents of these rows: kept with each whose documents are still the same. */
  readonly seen?: readonly SeenRow[];
  /** Read every object and check its hash; else only that it is there with its size, and those that were damaged before. */
  readonly thorough?: boolean;
  /** On the clock's monotonic scale, asked just before the rename: past it this attempt must not publish (I26). */
  readonly deadline?: () => number;
}

type SeenRow = Pick<PublicationRow, 'symbol' | 'timeframe' | 'dataThrough' | 'storeDataThrough'>;

export interface CommitResult {
  readonly generation: number;
  readonly entries: number;
  /** False when only times and the generation differ from the manifest before. */
  readonly changed: boolean;
}

export interface Rollback {
  readonly reason: string;
  /** The older generation. */
  readonly content: Manifest;
}

/** See `Publisher.commitManifest`; `rollback` replaces what the rows say. */
export async function commit(
  options: PublisherOptions,
  input: CommitInput,
  rollback: Rollback | null,
): Promise<CommitResult> {
  for (;;) {
    const results: Omit<CommitResult, 'generation'>[] = [];
    const { generation } = await options.publication.commit(async (taken) => {
      // After a crash between rename and record, or with a new state store, the number is used up: it is recorded as
      // such and the next one taken, so that no reader ever meets two contents of one generation (I25).
      const newest = await options.files.newestGeneration();
      if (taken.generation <= newest) return usedUp(options, taken, newest);
      const { record, ...result } = await render(options, input, rollback, taken);
      results.push(result);
      return record;
    });
    const [result] = results;
    if (result !== undefined) return { generation, ...result };
  }
}

/** A rollback that came onto the disk and not into the rows is finished here, or the next commit would undo it. */
async function usedUp(
  { files, clock }: PublisherOptions,
  { generation, rows }: Taken,
  newest: number,
): Promise<RenderedGeneration> {
  const text = (await files.readGeneration(generation)) ?? '';
  const used = { manifest: referenceTo(text), opsManifest: referenceTo(''), generatedAt: 0 };
  const manifest = generation === newest ? parseManifest(text) : null;
  if (manifest === null || manifest.rollback_of === null) return { ...used, rollbackOf: null };
  const before = rows.filter((row) => row.asOf <= Date.parse(judgingTime(manifest)));
  const restored = before.map((row) => rolledBackRow(row, manifest, clock.now()));
  return { ...used, rollbackOf: manifest.rollback_of, rows: restored };
}

interface Taken {
  readonly generation: number;
  readonly rows: readonly PublicationRow[];
}

async function render(
  { files, clock, source, cycleTargetMs }: PublisherOptions,
  input: CommitInput,
  rollback: Rollback | null,
  { generation, rows }: Taken,
): Promise<Omit<CommitResult, 'generation'> & { record: RenderedGeneration }> {
  const before = await newestManifest(files);
  const changed = rollback === null ? seenRows(rows, input.seen) : restoredRows(rows, rollback, clock.now());
  const corrupt = before?.entries.filter(({ status }) => status === 'corrupt') ?? [];
  const suspects = new Set(corrupt.map(({ key }) => key));
  const present = await presentDocuments(
    files,
    rows.map((row) => changed.get(pairKey(row)) ?? row),
    (key) => input.thorough === true || suspects.has(key),
  );
  const judgedAt = timeOfJudging(input.asOf, before, rows, clock.now());
  const generatedAt = Math.max(judgedAt, before === null ? 0 : Date.parse(before.generated_at));
  const rollbackOf = rollback?.content.generation ?? null;
  const { manifest, opsManifest } = buildManifests(present.rows, {
    generation,
    generatedAt,
    judgedAt,
    source,
    nextExpectedCommit: input.nextExpectedCommit,
    cycleTargetMs,
    damaged: present.damaged,
    rollbackOf,
    rollbackReason: rollback?.reason ?? null,
  });
  const bodies = manifestBodies(generation, manifest, opsManifest);
  await files.replaceManifests(bodies, () => refuseExpired(clock, input.deadline));
  return {
    entries: manifest.entries.length,
    changed: before === null || canonicalJson(before.entries) !== canonicalJson(manifest.entries),
    record: {
      manifest: referenceTo(bodies.manifest),
      opsManifest: referenceTo(bodies.opsManifest),
      generatedAt,
      rollbackOf,
      rows: [...changed.values()],
    },
  };
}

/** The rows of which the store was seen to hold something else than before, by pair. */
function seenRows(rows: readonly PublicationRow[], seen: readonly SeenRow[] = []): Map<string, PublicationRow> {
  const known = new Map(seen.map((row) => [pairKey(row), row]));
  return new Map(
    rows.flatMap((row) => {
      const { dataThrough, storeDataThrough = null } = known.get(pairKey(row)) ?? row;
      const keeps = dataThrough !== row.dataThrough || storeDataThrough === (row.storeDataThrough ?? null);
      return keeps ? [] : [[pairKey(row), { ...row, storeDataThrough }] as const];
    }),
  );
}

function restoredRows(
  rows: readonly PublicationRow[],
  { content }: Rollback,
  now: EpochMs,
): Map<string, PublicationRow> {
  return new Map(rows.map((row) => [pairKey(row), rolledBackRow(row, content, now)]));
}

/**
 * Words are not taken back by a run that began earlier, nor does one that comes late, when a later run has exported already,
 * judge its rows as of a time before them; but what a clock that was ahead left is judged anew (F30).
 */
function timeOfJudging(asOf: EpochMs, before: Manifest | null, rows: readonly PublicationRow[], now: EpochMs): EpochMs {
  const reached = rows.map((row) => row.asOf);
  if (before !== null) reached.push(Date.parse(judgingTime(before)));
  return Math.max(asOf, ...reached.filter((at) => !isAhead(at, asOf, now)));
}

function manifestBodies(generation: number, manifest: Manifest, opsManifest: OpsManifest): ManifestBodies {
  try {
    return {
      generation,
      manifest: canonicalDocument(manifestSchema, manifest),
      opsManifest: canonicalDocument(opsManifestSchema, opsManifest),
    };
  } catch (cause) {
    throw new PipelineError('manifest_failed', 'a publication row breaks the schema of the manifest', { cause });
  }
}

function refuseExpired(clock: Clock, deadline: (() => number) | undefined): void {
  if (deadline !== undefined && !(clock.monotonic() < deadline())) {
    throw new PipelineError('fenced', 'this attempt ran past its deadline and may not publish any more');
  }
}

/** The newest manifest on disk, null when there is none that can be read. */
async function newestManifest(files: PublishedFiles): Promise<Manifest | null> {
  return parseManifest((await files.readGeneration(await files.newestGeneration())) ?? '');
}

function parseManifest(text: string): Manifest | null {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

/** Rows without the documents that are not on disk, or not whole: a manifest never names a file that is not there (I21). */
async function presentDocuments(
  files: PublishedFiles,
  rows: readonly PublicationRow[],
  isRead: (key: string) => boolean,
): Promise<{ rows: PublicationRow[]; damaged: Set<string> }> {
  const damaged = new Set<string>();
  const present = async (row: PublicationRow, reference: DocumentReference | null): Promise<boolean> => {
    if (reference === null) return false;
    const bytes = await files.objectBytes(reference.sha256);
    if (bytes === null) return false;
    const whole =
      bytes === reference.bytes && (!isRead(pairKey(row)) || (await files.readObject(reference.sha256)) !== null);
    if (!whole) damaged.add(pairKey(row));
    return whole;
  };
  const checked = rows.map(async (row): Promise<PublicationRow> => {
    const history = await present(row, row.history);
    const prediction = await present(row, row.prediction);
    return {
      ...row,
      ...(history ? {} : { history: null, dataThrough: null }),
      ...(prediction ? {} : { prediction: null, predictionDataThrough: null }),
    };
  });
  return { rows: await Promise.all(checked), damaged };
}

function referenceTo(body: string): DocumentReference {
  return { sha256: createHash('sha256').update(body).digest('hex'), bytes: Buffer.byteLength(body) };
}
