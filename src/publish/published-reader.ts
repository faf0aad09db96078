/** Reads what is published from outside, as a web server does: nothing that is not whole and valid is ever given. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKED_SUFFIX, unpacksTo } from '../adapters/files/packed-form';
import type { Packing } from '../adapters/files/packed-form';
import type { EpochMs } from '../domain/types';
import type { DocumentReference } from '../ports/publication';
import { judgingTime, manifestSchema } from './documents';
import type { FileReference, Manifest } from './documents';

export interface PublishedManifest {
  readonly manifest: Manifest;
  /** As published. */
  readonly bytes: Buffer;
  readonly sha256: string;
}

export interface ManifestInForce extends PublishedManifest {
  /** True when the file on disk is not valid and this is the last one that was. */
  readonly lastGood: boolean;
}

export interface PublishedReader {
  /**
   * The manifest in force; null when none was ever valid. One that is damaged, of another schema, names a missing file or
   * is older than the one held is refused as a whole: the last good one stays (F42, F43, I25), or, at the first reading,
   * the newest valid generation that is kept.
   */
  manifest(): Promise<ManifestInForce | null>;
  /** Why the manifest on disk is not the one in force; null when it is. As of the last `manifest()`. */
  problem(): string | null;
  /** The bytes of an object; bytes that are not what the reference says are never given (I22, F40). */
  object(reference: DocumentReference): Promise<Buffer | 'missing' | 'corrupt'>;
  /** The packed form that lies beside the object; null when there is none or it is not exactly these bytes. */
  packed(sha256: string, packing: Packing, body: Buffer): Promise<Buffer | null>;
}

/**
 * What was in force at a moment: the newest kept generation that was committed by then, for ever.
 * @param publicDir the folder that holds `manifest.json`, `objects/` and `generations/`.
 */
export function readPublishedAsOf(publicDir: string, moment: EpochMs): PublishedReader {
  let held: Promise<PublishedManifest | null> | null = null;
  return {
    manifest: async () => {
      held ??= newestGeneration(publicDir, moment);
      const manifest = await held;
      return manifest === null ? null : { ...manifest, lastGood: false };
    },
    problem: () => null,
    object: async (reference) => readObject(publicDir, reference),
    packed: async (sha256, packing, body) => readPacked(publicDir, sha256, { packing, body }),
  };
}

/** @param publicDir the folder that holds `manifest.json`, `objects/` and `generations/`. */
export function readPublished(publicDir: string): PublishedReader {
  const manifestPath = join(publicDir, 'manifest.json');
  let held: PublishedManifest | null = null;
  let problem: string | null = null;
  let seen = '';

  const reload = async (): Promise<void> => {
    const found = await readManifest(publicDir, manifestPath);
    if (typeof found !== 'string' && (await mayReplace(publicDir, held, found))) {
      held = found;
      problem = null;
      return;
    }
    problem = typeof found === 'string' ? found : 'it is older than the one in force';
    held ??= await newestGeneration(publicDir);
  };
  return {
    manifest: async () => {
      const stats = await lstat(manifestPath, { bigint: true }).catch(() => null);
      const stamp = stats === null ? 'absent' : `${stats.ino} ${stats.size} ${stats.mtimeNs} ${stats.ctimeNs}`;
      // A manifest that was refused is looked at again: what it lacked may have come back.
      if (stamp !== seen || problem !== null) {
        await reload();
        seen = stamp;
      }
      return held === null ? null : { ...held, lastGood: problem !== null };
    },
    problem: () => problem,
    object: async (reference) => readObject(publicDir, reference),
    packed: async (sha256, packing, body) => readPacked(publicDir, sha256, { packing, body }),
  };
}

/** An older generation is in force only after the tree was made anew: then the held one's copy is gone. */
async function mayReplace(
  publicDir: string,
  held: PublishedManifest | null,
  found: PublishedManifest,
): Promise<boolean> {
  if (held === null || found.manifest.generation > held.manifest.generation) return true;
  if (found.sha256 === held.sha256) return true;
  const copy = join(publicDir, 'generations', `${held.manifest.generation}.json`);
  return (await lstat(copy).catch(() => null)) === null;
}

async function newestGeneration(
  publicDir: string,
  by: EpochMs = Number.POSITIVE_INFINITY,
): Promise<PublishedManifest | null> {
  const folder = join(publicDir, 'generations');
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d{1,15}\.json$/.test(name));
  for (const name of names.sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10))) {
    const found = await readManifest(publicDir, join(folder, name));
    if (typeof found === 'string' || `${found.manifest.generation}.json` !== name) continue;
    if (Date.parse(judgingTime(found.manifest)) <= by) return found;
  }
  return null;
}

/** The manifest at `path`, or why it is refused. */
async function readManifest(publicDir: string, path: string): Promise<PublishedManifest | string> {
  const body = await readRegular(path);
  if (body === null) return 'it can not be read';
  let manifest: Manifest;
  try {
    manifest = manifestSchema.parse(JSON.parse(body.toString('utf8')));
  } catch {
    return 'it breaks its schema';
  }
  const files = manifest.entries.flatMap(({ files: { history, prediction } }) => [history, prediction]);
  const present = await Promise.all(files.map(async (file) => file === null || isPresent(publicDir, file)));
  const missing = files[present.indexOf(false)];
  if (missing) return `it names ${missing.name}, whose bytes are not there`;
  return { manifest, bytes: body, sha256: createHash('sha256').update(body).digest('hex') };
}

async function isPresent(publicDir: string, file: FileReference): Promise<boolean> {
  const stats = await lstat(join(publicDir, 'objects', `${file.sha256}.json`)).catch(() => null);
  return stats !== null && stats.isFile() && stats.size === file.bytes;
}

async function readObject(
  publicDir: string,
  { sha256, bytes }: DocumentReference,
): Promise<Buffer | 'missing' | 'corrupt'> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return 'missing';
  const body = await readRegular(join(publicDir, 'objects', `${sha256}.json`));
  if (body === null) return 'missing';
  return body.length === bytes && createHash('sha256').update(body).digest('hex') === sha256 ? body : 'corrupt';
}

async function readPacked(
  publicDir: string,
  sha256: string,
  { packing, body }: { readonly packing: Packing; readonly body: Buffer },
): Promise<Buffer | null> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return null;
  const packed = await readRegular(join(publicDir, 'objects', `${sha256}.json${PACKED_SUFFIX[packing]}`));
  return packed !== null && (await unpacksTo(packed, packing, body)) ? packed : null;
}

/** The bytes of a regular file; null when there is none, it is a link, or reading fails. */
async function readRegular(path: string): Promise<Buffer | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return (await file.stat()).isFile() ? await file.readFile() : null;
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}
