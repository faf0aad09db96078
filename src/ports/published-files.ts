import type { DocumentReference } from './publication';

export interface ManifestBodies {
  readonly generation: number;
  readonly manifest: string;
  readonly opsManifest: string;
}

export interface SweepPolicy {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Newest generations kept whatever their age. */
  readonly keepGenerations: number;
  /** Everything younger is kept. */
  readonly keepMs: number;
  /** Own temporary files older than this are left over from a crash. */
  readonly temporaryMs: number;
  /** Hashes that rows name but no manifest yet. */
  readonly alsoKeep: ReadonlySet<string>;
}

export interface SweepResult {
  readonly generations: number;
  readonly objects: number;
  readonly temporary: number;
  /** The oldest generation still on disk, 0 when there is none. */
  readonly oldestKept: number;
}

/**
 * The published tree. Writes resolve only when durable: temporary file in the same folder, fsync, rename, fsync of the
 * folder (P16, P17). A failed write leaves the old file and no temporary one.
 * @throws PipelineError `disk_full`, `export_failed` (objects) or `manifest_failed` (manifests)
 */
export interface PublishedFiles {
  /** Stores a body under its hash; an equal one that is already there stays, a damaged one is replaced. */
  putObject(body: string): Promise<DocumentReference>;
  /**
   * Makes the packed forms that these objects lack, while `mayGoOn` says so; how many were made. Nothing rests on them: a
   * reader who finds none, or a damaged one, makes his own. They go with their object.
   */
  packObjects(hashes: readonly string[], mayGoOn: () => boolean): Promise<number>;
  /** The bytes on disk are counted, not read; null when there is no such object. */
  objectBytes(sha256: string): Promise<number | null>;
  /** The body, or null when it is absent or its bytes do not have this hash. */
  readObject(sha256: string): Promise<string | null>;
  /** The highest generation on disk, 0 when there is none. Unreadable files count by their name. */
  newestGeneration(): Promise<number>;
  /** The public manifest of a kept generation as text, or null. */
  readGeneration(generation: number): Promise<string | null>;
  /**
   * Keeps the generation's copy, then replaces the operators' and last the public manifest. `check` runs just before
   * the rename that publishes; when it throws, nothing of the public manifest changes.
   * @throws PipelineError `fenced` when this or a newer generation is published already (I25)
   */
  replaceManifests(bodies: ManifestBodies, check: () => void): Promise<void>;
  /** Removes old generations, objects that nothing kept names, and left-over temporary files. Follows no links. */
  sweep(policy: SweepPolicy): Promise<SweepResult>;
}

/** A flat folder of named documents for a plain web host. */
export interface DocumentFolder {
  write(name: string, body: string | Uint8Array): Promise<void>;
  names(): Promise<string[]>;
  remove(name: string): Promise<void>;
}
