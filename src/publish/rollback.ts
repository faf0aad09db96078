import { PipelineError } from '../domain/errors';
import { splitReason } from '../domain/status';
import { pairKey } from '../domain/types';
import type { EpochMs } from '../domain/types';
import type { DocumentReference, PublicationRow } from '../ports/publication';
import type { PublishedFiles } from '../ports/published-files';
import { manifestSchema } from './documents';
import type { FileReference, Manifest, ManifestEntry } from './documents';

/**
 * The manifest of an older generation, with every object it names found whole.
 * @throws PipelineError `invalid_input` in one sentence when it can not be brought back.
 */
export async function readRollback(files: PublishedFiles, generation: number): Promise<Manifest> {
  const refuse = (why: string, cause?: unknown): PipelineError =>
    new PipelineError('invalid_input', `generation ${generation} can not be brought back: ${why}`, { cause });
  const text = await files.readGeneration(generation);
  if (text === null) throw refuse('its manifest is not kept (any more)');
  let manifest: Manifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw refuse('its manifest is damaged', cause);
  }
  for (const entry of manifest.entries) {
    for (const file of [entry.files.history, entry.files.prediction]) {
      if (file !== null && (await files.readObject(file.sha256)) === null) {
        throw refuse(`the document ${file.name} of that time is gone or damaged`);
      }
    }
  }
  return manifest;
}

/**
 * A row as it was in that generation. What is hidden now stays hidden; a pair that was not in it is blocked, since
 * nobody asked for its present content.
 */
export function rolledBackRow(row: PublicationRow, to: Manifest, now: EpochMs): PublicationRow {
  if (row.visibility !== 'visible') return row;
  const entry = to.entries.find((candidate) => candidate.key === pairKey(row));
  const asOf = Math.max(now, row.asOf);
  if (entry === undefined) {
    return {
      ...row,
      asOf,
      exportBlock: `generation ${to.generation}, which was brought back, does not hold this pair`,
    };
  }
  const dataThrough = timeOrNull(entry.data_through);
  return {
    ...row,
    asOf,
    history: referenceOf(entry.files.history),
    prediction: referenceOf(entry.files.prediction),
    dataThrough,
    storeDataThrough: null,
    predictionDataThrough: timeOrNull(entry.files.prediction?.data_through ?? null),
    updatedAt: Date.parse(entry.updated_at),
    softMs: limit(entry.fresh_until, dataThrough) ?? row.softMs,
    hardMs: limit(entry.expires_at, dataThrough) ?? row.hardMs,
    degraded: entry.degraded,
    gateReason: entry.status === 'insufficient_data' ? entry.reason : null,
    exportBlock: blockOf(entry),
  };
}

/** A pair that was fresh or stale and still not served had an export block. */
function blockOf({ status, serve_allowed, reason }: ManifestEntry): string | null {
  if (serve_allowed || (status !== 'fresh' && status !== 'stale')) return null;
  return splitReason(reason).block ?? reason ?? 'not served at that time';
}

function referenceOf(file: FileReference | null): DocumentReference | null {
  return file === null ? null : { sha256: file.sha256, bytes: file.bytes };
}

function timeOrNull(text: string | null): EpochMs | null {
  return text === null ? null : Date.parse(text);
}

function limit(until: string | null, dataThrough: EpochMs | null): number | null {
  return until === null || dataThrough === null ? null : Date.parse(until) - dataThrough;
}
