/** What lies in the published folder, read as an outsider reads it: names, bytes, hashes. */
import { createHash } from 'node:crypto';
import { lstat, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PACKED_SUFFIX, PACKINGS, unpacksTo } from '../adapters/files/packed-form';

/** One broken rule of what is published. */
export interface Breach {
  /** The invariant, like `I20`. */
  readonly invariant: string;
  /** File, or pair, or both. */
  readonly where: string;
  readonly sentence: string;
}

export type Report = (invariant: string, where: string, sentence: string) => void;

/** Size in bytes of every object by the hash in its name; damaged ones are not in it. */
export type ObjectSizes = ReadonlyMap<string, number>;

export interface Tree {
  readonly manifest: string | null;
  /** Kept generations that were not read before, as they lie there. */
  readonly generations: ReadonlyMap<number, string>;
  readonly sizes: ObjectSizes;
  /** Bytes of the objects that were not read before. */
  readonly bodies: ReadonlyMap<string, string>;
}

/** Files of the same folder that an earlier reading found good: of these only the names are looked at again. */
export interface KnownFiles {
  readonly generations: ReadonlySet<number>;
  readonly sizes: ObjectSizes;
}

/** Temporary files of a write that is under way, or left by a crash until they are swept. */
const TEMPORARY = /^\.tmp-[0-9a-f]{16}$/;

export async function readTree(publicDir: string, report: Report, known: KnownFiles): Promise<Tree> {
  for (const name of await names(publicDir)) {
    if (!['manifest.json', 'objects', 'generations'].includes(name) && !TEMPORARY.test(name)) {
      report('S21', name, 'is not one of the published files');
    }
  }
  const generations = new Map<number, string>();
  const isKnownGeneration = (name: string) => known.generations.has(Number.parseInt(name, 10));
  const kept = await regularFiles(publicDir, 'generations', /^[1-9]\d{0,14}\.json$/, isKnownGeneration, report);
  for (const [name, body] of kept.read) generations.set(Number.parseInt(name, 10), body.toString('utf8'));
  const bodies = new Map<string, string>();
  const sizes = new Map<string, number>();
  const isKnownObject = (name: string) => known.sizes.has(name.slice(0, 64));
  const found = await regularFiles(publicDir, 'objects', /^[0-9a-f]{64}\.json(\.br|\.gz)?$/, isKnownObject, report);
  for (const name of found.known) sizes.set(name.slice(0, 64), known.sizes.get(name.slice(0, 64)) ?? Number.NaN);
  for (const [name, body] of found.read) {
    if (!name.endsWith('.json')) continue;
    const sha256 = createHash('sha256').update(body).digest('hex');
    if (`${sha256}.json` === name) {
      bodies.set(sha256, body.toString('utf8'));
      sizes.set(sha256, body.length);
    } else report('I20', `objects/${name}`, `holds bytes with the hash ${sha256}`);
  }
  await checkPacked(found.read, report);
  const manifest = (await regularFile(join(publicDir, 'manifest.json')))?.toString('utf8') ?? null;
  return { manifest, generations, sizes, bodies };
}

/** A packed form unpacks to the plain file beside it. One left without it by a crash is nobody's until it is swept. */
async function checkPacked(objects: ReadonlyMap<string, Buffer>, report: Report): Promise<void> {
  for (const [name, packed] of objects) {
    const packing = PACKINGS.find((one) => name.endsWith(PACKED_SUFFIX[one]));
    const plain = packing && objects.get(name.slice(0, -PACKED_SUFFIX[packing].length));
    if (plain !== undefined && packing !== undefined && !(await unpacksTo(packed, packing, plain))) {
      report('I20', `objects/${name}`, 'does not unpack to the bytes beside it');
    }
  }
}

async function regularFiles(
  publicDir: string,
  folder: string,
  pattern: RegExp,
  isKnown: (name: string) => boolean,
  report: Report,
): Promise<{ readonly read: ReadonlyMap<string, Buffer>; readonly known: readonly string[] }> {
  const read = new Map<string, Buffer>();
  const known: string[] = [];
  for (const name of await names(join(publicDir, folder))) {
    if (TEMPORARY.test(name)) continue;
    if (pattern.test(name) && isKnown(name)) {
      known.push(name);
      continue;
    }
    const body = pattern.test(name) ? await regularFile(join(publicDir, folder, name)) : null;
    if (body === null) report('S21', `${folder}/${name}`, 'is not one of the published files');
    else read.set(name, body);
  }
  return { read, known };
}

async function names(folder: string): Promise<string[]> {
  const stats = await lstat(folder).catch(() => null);
  return stats?.isDirectory() === true ? readdir(folder) : [];
}

async function regularFile(path: string): Promise<Buffer | null> {
  const stats = await lstat(path).catch(() => null);
  return stats?.isFile() === true ? readFile(path).catch(() => null) : null;
}
