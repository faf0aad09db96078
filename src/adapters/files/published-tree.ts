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
import { errorCodeOf, fileError, syncFolder, writeAllDurably, writeDurably } from './durable-file';
import type { NamedBody } from './durable-file';
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
    objectBytes: async (sha256) => {
      const stats = await lstat(objectPath(sha256)).catch(nullWhenAbsent);
      return stats?.isFile() === true ? stats.size : null;
    },
    readObject: async (sha256) => {
      const body = await readText(objectPath(sha256));
      return body !== null && hashOf(body) === sha256 ? body : null;
    },
    newestGeneration: async () => newestGeneration(tree.generations, tree.manifest),
    readGeneration: async (generation) => readText(generationPath(generation)),
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

async function putObject(folder: string, text: string): Promise<DocumentReference> {
  const body = Buffer.from(text);
  const reference = { sha256: hashOf(text), bytes: body.length };
  const name = `${reference.sha256}.json`;
  try {
    const packed = isWorthPacking(body.length)
      ? await Promise.all(
          PACKINGS.map(async (packing) => ({ name: name + PACKED_SUFFIX[packing], body: await pack(body, packing) })),
        )
      : [];
    // The plain file last: where it is, its packed forms are.
    const lacking: NamedBody[] = [];
    for (const file of [...packed, { name, body }]) {
      const there = await readRegular(join(folder, file.name));
      if (there?.equals(file.body) !== true) lacking.push(file);
      // A new time keeps it from the sweep until a manifest names it.
      else await touch(join(folder, file.name));
    }
    if (lacking.length > 0) await writeAllDurably(folder, lacking);
    // The folder may not be durable since a crash.
    else await syncFolder(folder);
    return reference;
  } catch (error) {
    throw fileError(error, 'export_failed', 'a document');
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now);
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
    const content: unknown = JSON.parse((await readText(manifest)) ?? '{}');
    const generation = (content as { readonly generation?: unknown } | null)?.generation;
    return typeof generation === 'number' && Number.isSafeInteger(generation) ? generation : 0;
  } catch {
    return 0;
  }
}

async function readText(path: string): Promise<string | null> {
  return (await readRegular(path))?.toString('utf8') ?? null;
}

/** The bytes of a regular file, null when there is none; a link is not followed. */
async function readRegular(path: string): Promise<Buffer | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (['ENOENT', 'ELOOP'].includes(errorCodeOf(error) ?? '')) return null;
    throw error;
  });
  if (file === null) return null;
  try {
    return (await file.stat()).isFile() ? await readFile(file) : null;
  } finally {
    await file.close();
  }
}

function nullWhenAbsent(error: unknown): null {
  if (errorCodeOf(error) === 'ENOENT') return null;
  throw error;
}
