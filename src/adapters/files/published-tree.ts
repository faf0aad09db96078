/** The published tree on a local disk: `public/manifest.json`, `public/objects`, `public/generations`, `ops/manifest.json`. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { lstat, open, readFile, readdir, unlink, utimes } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import { PipelineError } from '../../domain/errors';
import type { PublishedFiles, ManifestBodies } from '../../ports/published-files';
import type { DocumentReference } from '../../ports/publication';
import { PACKED_SUFFIX, PACKINGS, isWorthPacking, pack } from './packed-form';
import { errorCodeOf, fileError, syncFolder, writeDurably } from './durable-file';
import { sweepTree } from './sweep';
import type { TreeFolders } from './sweep';

/** Opens the tree and makes its folders. @throws PipelineError `export_failed` or `disk_full`. */
export function openPublishedTree(folders: TreeFolders): PublishedFiles {
  const tree = {
    objects: join(folders.publicDir, 'objects'),
    generations: join(folders.publicDir, 'generations'),
    manifest: join(folders.publicDir, 'manifest.json'),
    opsManifest: join(folders.opsDir, 'manifest.json'),
  };
  try {
    for (const folder of [tree.objects, tree.generations, folders.opsDir]) mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError(error, 'export_failed', 'the published folder');
  }
  const objectPath = (sha256: string): string => join(tree.objects, `${checkedHash(sha256)}.json`);
  const generationPath = (generation: number): string => join(tree.generations, `${generation}.json`);
  return {
    putObject: async (body) => putObject(tree.objects, body),
    packObjects: async (hashes, mayGoOn) => packObjects(tree.objects, hashes.map(checkedHash), mayGoOn),
    objectBytes: async (sha256) => {
      const stats = await lstat(objectPath(sha256)).catch(nullWhenAbsent);
      return stats?.isFile() === true ? stats.size : null;
    },
    readObject: async (sha256) => {
      const body = await readRegular(objectPath(sha256));
      return body !== null && hashOf(body) === sha256 ? body : null;
    },
    newestGeneration: async () => newestGeneration(tree.generations, tree.manifest),
    readGeneration: async (generation) => readRegular(generationPath(generation)),
    replaceManifests: async (bodies, check) => replaceManifests(tree, generationPath(bodies.generation), bodies, check),
    sweep: async (policy) => sweepTree(folders, policy),
  };
}

export function hashOf(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}

function checkedHash(sha256: string): string {
  if (/^[0-9a-f]{64}$/.test(sha256)) return sha256;
  throw new PipelineError('invalid_input', 'a document is named by 64 hexadecimal digits');
}

async function putObject(folder: string, body: string): Promise<DocumentReference> {
  const reference = { sha256: hashOf(body), bytes: Buffer.byteLength(body) };
  const path = join(folder, `${reference.sha256}.json`);
  try {
    if ((await readRegular(path)) === body) {
      // A new time keeps it from the sweep until a manifest names it; the folder may not be durable since a crash.
      const now = new Date();
      await utimes(path, now, now);
      await syncFolder(folder);
    } else {
      await writeDurably(path, body);
    }
    return reference;
  } catch (error) {
    throw fileError(error, 'export_failed', 'a document');
  }
}

async function packObjects(folder: string, hashes: readonly string[], mayGoOn: () => boolean): Promise<number> {
  const there = new Set(await readdir(folder));
  let made = 0;
  for (const sha256 of hashes) {
    const name = `${sha256}.json`;
    const lacking = PACKINGS.filter((packing) => !there.has(name + PACKED_SUFFIX[packing]));
    if (!mayGoOn()) break;
    const text = lacking.length === 0 ? null : await readRegular(join(folder, name));
    if (text === null || !isWorthPacking(text.length) || hashOf(text) !== sha256) continue;
    for (const packing of lacking) {
      await writeDurably(join(folder, name + PACKED_SUFFIX[packing]), await pack(Buffer.from(text), packing));
      made += 1;
    }
  }
  return made;
}

async function replaceManifests(
  tree: { readonly manifest: string; readonly opsManifest: string },
  generationPath: string,
  bodies: ManifestBodies,
  check: () => void,
): Promise<void> {
  const { generation } = bodies;
  const refuseLate = async (): Promise<void> => {
    const published = await publishedGeneration(tree.manifest);
    if (published >= generation) {
      throw new PipelineError('fenced', `generation ${published} is published already, ${generation} comes too late`);
    }
    check();
  };
  try {
    await refuseLate();
    await writeDurably(generationPath, bodies.manifest);
    await writeDurably(tree.opsManifest, bodies.opsManifest);
    await writeDurably(tree.manifest, bodies.manifest, refuseLate);
  } catch (error) {
    // An attempt that never published must not be taken for one when a reader looks for the newest generation.
    const published = await publishedGeneration(tree.manifest);
    if (published < generation) await unlink(generationPath).catch(() => undefined);
    throw fileError(error, 'manifest_failed', 'the manifest');
  }
}

async function newestGeneration(folder: string, manifest: string): Promise<number> {
  const kept = (await readdir(folder)).map((name) => Number(/^(\d{1,15})\.json$/.exec(name)?.[1] ?? 0));
  return Math.max(0, await publishedGeneration(manifest), ...kept);
}

/** 0 when there is none or it can not be read: then a new one is better than a stop. */
async function publishedGeneration(manifest: string): Promise<number> {
  try {
    const content: unknown = JSON.parse((await readRegular(manifest)) ?? '{}');
    const generation = (content as { readonly generation?: unknown } | null)?.generation;
    return typeof generation === 'number' && Number.isSafeInteger(generation) ? generation : 0;
  } catch {
    return 0;
  }
}

/** The text of a regular file, null when there is none; a link is not followed. */
async function readRegular(path: string): Promise<string | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (['ENOENT', 'ELOOP'].includes(errorCodeOf(error) ?? '')) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    return (await file.stat()).isFile() ? await readFile(file, 'utf8') : null;
  } finally {
    await file.close();
  }
}

function nullWhenAbsent(error: unknown): null {
  if (errorCodeOf(error) === 'ENOENT') return null;
  throw error;
}
