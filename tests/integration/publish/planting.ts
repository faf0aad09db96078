/** Plants one breach in a published folder, everything else kept consistent. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../../src/publish/canonical-json';
import type { HistoryDocument, Manifest, ManifestEntry, PredictionDocument } from '../../../src/publish/documents';
import { verify } from '../../../src/publish/verify';
import { THROUGH } from './workshop';
import type { Workshop } from './workshop';

export type Changeable<T> = { -readonly [K in keyof T]: T[K] extends object | null ? Changeable<T[K]> : T[K] };
type DocumentOf<K extends 'history' | 'prediction'> = K extends 'history' ? HistoryDocument : PredictionDocument;

/** The invariants that verify finds broken, each once. */
export async function broken(shop: Workshop, now = THROUGH + 10_000): Promise<string[]> {
  const { breaches } = await verify(shop.publicDir, { now });
  return [...new Set(breaches.map((breach) => breach.invariant))];
}

/** Publishes a changed manifest and its kept copy, canonical or as `write` gives it. */
export function plantManifest(
  shop: Workshop,
  change: (manifest: Changeable<Manifest>) => void,
  write = canonicalJson,
): void {
  const manifest = structuredClone(shop.manifest()) as Changeable<Manifest>;
  change(manifest);
  const text = write(manifest);
  writeFileSync(join(shop.publicDir, 'manifest.json'), text);
  writeFileSync(join(shop.publicDir, 'generations', `${manifest.generation}.json`), text);
}

export function plantEntry(shop: Workshop, change: (entry: Changeable<ManifestEntry>) => void): void {
  plantManifest(shop, ({ entries: [entry] }) => {
    if (entry !== undefined) change(entry);
  });
}

/** Replaces a document of the first pair by a changed one, hash and size in the manifest with it. */
export function plantDocument<K extends 'history' | 'prediction'>(
  shop: Workshop,
  kind: K,
  change: (document: Changeable<DocumentOf<K>>) => void,
  write = canonicalJson,
): void {
  plantEntry(shop, ({ files }) => {
    const file = kind === 'history' ? files.history : files.prediction;
    if (file === null) throw new Error('no such document');
    const document = JSON.parse(readFileSync(shop.objectPath(file.sha256), 'utf8')) as Changeable<DocumentOf<K>>;
    change(document);
    const text = write(document);
    file.sha256 = createHash('sha256').update(text).digest('hex');
    file.bytes = Buffer.byteLength(text);
    writeFileSync(shop.objectPath(file.sha256), text);
  });
}

/** The second of a list that has more. */
export function second<T>(items: readonly T[]): T {
  const [, item] = items;
  if (item === undefined) throw new Error('fewer than two');
  return item;
}
