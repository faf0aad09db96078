/** Removes what nothing needs any more from the published tree (SPEC 5, I24, F39). */
import { lstat, readFile, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SweepPolicy, SweepResult } from '../../ports/published-files';
import { TEMPORARY_NAME, errorCodeOf } from './durable-file';

export interface TreeFolders {
  /** What a web server may reach. */
  readonly publicDir: string;
  /** The operators' manifest; never below the public folder. */
  readonly opsDir: string;
}

/** Files of one folder that are regular and match; links and folders are never looked into. */
async function regularFiles(
  folder: string,
  pattern: RegExp,
): Promise<{ name: string; path: string; changed: number }[]> {
  const found: { name: string; path: string; changed: number }[] = [];
  if (!(await lstat(folder)).isDirectory()) return found;
  for (const name of await readdir(folder)) {
    if (!pattern.test(name)) continue;
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => null);
    if (stats?.isFile() === true) found.push({ name, path, changed: stats.mtimeMs });
  }
  return found;
}

export async function sweepTree(folders: TreeFolders, policy: SweepPolicy): Promise<SweepResult> {
  const objects = join(folders.publicDir, 'objects');
  const generations = join(folders.publicDir, 'generations');
  let temporary = 0;
  for (const folder of [objects, generations, folders.publicDir, folders.opsDir]) {
    for (const file of await regularFiles(folder, TEMPORARY_NAME)) {
      if (policy.now - file.changed > policy.temporaryMs) temporary += await removed(file.path);
    }
  }
  const kept = (await regularFiles(generations, /^\d{1,15}\.json$/)).sort(
    (a, b) => numberOf(b.name) - numberOf(a.name),
  );
  let forgotten = 0;
  let oldestKept = 0;
  const named = new Set(policy.alsoKeep);
  await addNames(join(folders.publicDir, 'manifest.json'), named);
  for (const [place, file] of kept.entries()) {
    if (place < policy.keepGenerations || policy.now - file.changed <= policy.keepMs) {
      await addNames(file.path, named);
      oldestKept = numberOf(file.name);
    } else forgotten += await removed(file.path);
  }
  let collected = 0;
  // A packed form is judged by its own time; a reader makes one that is gone before its plain file anew.
  for (const file of await regularFiles(objects, /^[0-9a-f]{64}\.json(\.br|\.gz)?$/)) {
    if (named.has(file.name.slice(0, 64)) || policy.now - file.changed <= policy.keepMs) continue;
    // Asked again: an export may have taken the same content up while we looked.
    const stats = await lstat(file.path).catch(() => null);
    if (stats === null || stats.mtimeMs !== file.changed) continue;
    const gone = await removed(file.path);
    if (file.name.endsWith('.json')) collected += gone;
  }
  return { generations: forgotten, objects: collected, temporary, oldestKept };
}

function numberOf(name: string): number {
  return Number(name.slice(0, -'.json'.length));
}

/** Every hash in the text is kept: a manifest that can not be parsed still protects what it names. */
async function addNames(path: string, named: Set<string>): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return '';
    throw error;
  });
  for (const [hash] of text.matchAll(/[0-9a-f]{64}/g)) named.add(hash);
}

async function removed(path: string): Promise<0 | 1> {
  try {
    await unlink(path);
    return 1;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
