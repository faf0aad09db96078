/** `export verify`: reads what is published from outside and decides every rule that published files must keep. */
import canonicalize from 'canonicalize';
import { defaultRules } from '../domain/timeframe-rules';
import type { TimeframeRules } from '../domain/timeframe-rules';
import type { EpochMs, TimeframeId } from '../domain/types';
import type { CandleStore } from '../ports/candle-store';
import type { HistoryDocument, Manifest, PredictionDocument } from './documents';
import { checkObject } from './verify-document';
import { checkLeftOut, checkManifest, checkReferences, checkSuccession, parseManifest } from './verify-manifest';
import type { LeftOut } from './verify-manifest';
import { readTree } from './verify-tree';
import type { Breach, ObjectSizes, Report, Tree } from './verify-tree';

export interface VerifyReport {
  readonly breaches: readonly Breach[];
  readonly checked: { readonly generations: number; readonly entries: number; readonly objects: number };
}

export interface VerifyOptions {
  /** The reader's clock; absent means now. */
  readonly now?: EpochMs;
  /** Limits and horizons of the configuration; absent means the defaults. */
  readonly rules?: (timeframe: TimeframeId) => TimeframeRules;
  /** The source of truth; when given, every published candle must be a stored one. */
  readonly store?: Pick<CandleStore, 'read'>;
  /** Remembers between looks at the same folder what was good, so that each costs what is new. Absent: all is read. */
  readonly memory?: VerifyMemory;
}

/** What earlier looks found good. A file that is damaged after it was looked at goes unseen until all is read again. */
export class VerifyMemory {
  readonly generations = new Set<number>();
  sizes: ObjectSizes = new Map();
  /** Documents of the manifest in force. */
  documents: ReadonlyMap<string, HistoryDocument | PredictionDocument> = new Map();
  newest: Manifest | null = null;
  leftOut: LeftOut = new Map();
}

/**
 * Checks `publicDir` (with `manifest.json`, `objects/`, `generations/`). Never throws for what it finds; a folder in
 * which nothing was ever published has no breach.
 */
export async function verify(publicDir: string, options: VerifyOptions = {}): Promise<VerifyReport> {
  const breaches: Breach[] = [];
  const report: Report = (invariant, where, sentence) => breaches.push({ invariant, where, sentence });
  const { memory = new VerifyMemory() } = options;
  const tree = await readTree(publicDir, report, memory);
  const documents = new Map(memory.documents);
  for (const [sha256, body] of tree.bodies) {
    const document = checkObject(body, `objects/${sha256}.json`, report);
    if (document !== null) documents.set(sha256, document);
  }
  const leftOut: LeftOut = new Map(memory.leftOut);
  const newest = checkGenerations(tree, memory.newest, leftOut, report);
  const manifest = manifestInForce(tree, newest, report);
  if (manifest !== null) {
    const { now = Date.now(), rules = defaultRules, store } = options;
    checkReferences(manifest, tree.sizes, 'manifest.json', report);
    checkManifest(manifest, { report, rules, documents, now });
    if (store !== undefined) await checkAgainstStore(manifest, documents, store, report);
  }
  const checked = {
    generations: tree.generations.size,
    entries: manifest?.entries.length ?? 0,
    objects: tree.bodies.size,
  };
  if (breaches.length === 0) {
    remember(memory, tree, newest, documents);
    memory.leftOut = leftOut;
  }
  return { breaches, checked };
}

function remember(
  memory: VerifyMemory,
  tree: Tree,
  newest: Manifest | null,
  documents: ReadonlyMap<string, HistoryDocument | PredictionDocument>,
): void {
  for (const generation of tree.generations.keys()) memory.generations.add(generation);
  memory.sizes = tree.sizes;
  memory.newest = newest;
  const inForce = (newest?.entries ?? []).flatMap(({ files }) => [files.history, files.prediction]);
  memory.documents = new Map(
    inForce.flatMap((file) => {
      const document = file === null ? undefined : documents.get(file.sha256);
      return file === null || document === undefined ? [] : [[file.sha256, document]];
    }),
  );
}

function manifestInForce(tree: Tree, newest: Manifest | null, report: Report): Manifest | null {
  if (tree.manifest === null) {
    if (newest !== null || tree.generations.size > 0)
      report('I23', 'manifest.json', 'is gone though something was published');
    return null;
  }
  const manifest = parseManifest(tree.manifest, 'manifest.json', report);
  if (manifest === null) report('I23', 'manifest.json', 'is not a valid manifest');
  else if (!isKeptCopy(tree, manifest, newest)) {
    report('I25', 'manifest.json', `is not the kept copy of generation ${manifest.generation}`);
  }
  return manifest;
}

function isKeptCopy(tree: Tree, manifest: Manifest, newest: Manifest | null): boolean {
  const kept = tree.generations.get(manifest.generation);
  if (kept !== undefined) return kept === tree.manifest;
  return newest?.generation === manifest.generation && canonicalize(newest) === tree.manifest;
}

/** Every kept generation is whole, can be brought back, and follows from the one before. Gives the newest. */
function checkGenerations(tree: Tree, last: Manifest | null, leftOut: LeftOut, report: Report): Manifest | null {
  let before = last;
  for (const [generation, text] of [...tree.generations].sort(([a], [b]) => a - b)) {
    const where = `generations/${generation}.json`;
    const manifest = parseManifest(text, where, report);
    if (manifest === null) continue;
    if (manifest.generation !== generation) report('I25', where, `says it is generation ${manifest.generation}`);
    checkReferences(manifest, tree.sizes, where, report);
    if (before !== null) {
      checkSuccession(before, manifest, report);
      checkLeftOut(leftOut, before, manifest, report);
    }
    before = manifest;
  }
  return before;
}

async function checkAgainstStore(
  manifest: Manifest,
  documents: ReadonlyMap<string, HistoryDocument | PredictionDocument>,
  store: Pick<CandleStore, 'read'>,
  report: Report,
): Promise<void> {
  for (const { key, symbol, timeframe, files } of manifest.entries) {
    const document = files.history === null ? undefined : documents.get(files.history.sha256);
    if (document?.type !== 'history') continue;
    const times = document.data.map((candle) => Date.parse(candle.timestamp));
    const range = { from: Math.min(...times), to: Math.max(...times), limit: times.length + 1 };
    const stored = await store.read({ symbol, timeframe }, range);
    const same =
      stored.length === document.data.length &&
      stored.every((candle, k) => {
        const shown = document.data[k];
        return (
          shown !== undefined &&
          Date.parse(shown.timestamp) === candle.openTime &&
          (['open', 'high', 'low', 'close', 'volume'] as const).every((field) => shown[field] === candle[field])
        );
      });
    if (!same) report('SPEC 1', key, 'its published candles are not those of the candle store');
  }
}
