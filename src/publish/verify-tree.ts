/** What lies in the published folder, read as an outsider reads it: names, bytes, hashes. */
import { createHash } from 'node:crypto';
import { lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** One broken rule of what is published. */
export interface Breach {
  /** The invariant, like `I20`. */
  readonly invariant: string;
  /** File, or pair, or both. */
  readonly where: string;
  readonly sentence: string;
}

export type Report = (invariant: string, where: string, sentence: string) => void;

/** Bytes of every object by the hash in its name; damaged ones are not in it. */
export type ObjectBodies = ReadonlyMap<string, string>;

export interface Tree {
  readonly manifest: string | null;
  readonly generations: ReadonlyMap<number, string>;
  readonly objects: ObjectBodies;
}

/** Temporary files of a write that is under way, or left by a crash until they are swept. */
const TEMPORARY = /^\.tmp-[0-9a-f]{16}$/;

export async function readTree(publicDir: string, report: Report): Promise<Tree> {
  for (const name of await names(publicDir)) {
    if (!['manifest.json', 'objects', 'generations'].includes(name) && !TEMPORARY.test(name)) {
      report('S21', name, 'is not one of the published files');
    }
  }
  const generations = new Map<number, string>();
  for (const [name, body] of await regularFiles(publicDir, 'generations', /^[1-9]\d{0,14}\.json$/, report)) {
    generations.set(Number.parseInt(name, 10), body);
  }
  const objects = new Map<string, string>();
  for (const [name, body] of await regularFiles(publicDir, 'objects', /^[0-9a-f]{64}\.json$/, report)) {
    const sha256 = createHash('sha256').update(body).digest('hex');
    if (`${sha256}.json` === name) objects.set(sha256, body);
    else report('I20', `objects/${name}`, `holds bytes with the hash ${sha256}`);
  }
  return { manifest: await regularFile(join(publicDir, 'manifest.json')), generations, objects };
}

async function regularFiles(
  publicDir: string,
  folder: string,
  pattern: RegExp,
  report: Report,
): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await names(join(publicDir, folder))) {
    if (TEMPORARY.test(name)) continue;
    const body = pattern.test(name) ? await regularFile(join(publicDir, folder, name)) : null;
    if (body === null) report('S21', `${folder}/${name}`, 'is not one of the published files');
    else found.set(name, body);
  }
  return found;
}

async function names(folder: string): Promise<string[]> {
  const stats = await lstat(folder).catch(() => null);
  return stats?.isDirectory() === true ? readdir(folder) : [];
}

async function regularFile(path: string): Promise<string | null> {
  const stats = await lstat(path).catch(() => null);
  return stats?.isFile() === true ? readFile(path, 'utf8').catch(() => null) : null;
}
