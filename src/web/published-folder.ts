/** What the web server knows of the published folder, and how it stays current without reading it for each request. */
import { canonicalName, type DocumentKind } from '../publish/canonical-name';
import type { FileReference, Manifest, ManifestEntry } from '../publish/documents';
import { defaultRules } from '../domain/timeframe-rules';
import { symbolFileName } from '../domain/types';
import type { Clock } from '../ports/clock';
import type { PublishedReader } from '../publish/published-reader';
import type { Packing } from '../adapters/files/packed-form';
import { Content } from './content';

/** One manifest with its look-ups. Names are keys of a map: no path is ever made of what a reader sends (S01). */
export interface Snapshot {
  readonly manifest: Manifest;
  readonly content: Content;
  /** True when the file on disk is not valid and this is the last one that was. */
  readonly lastGood: boolean;
  /** Every document that an entry has or is to have: one that is not there is refused with its pair's reason. */
  readonly byName: ReadonlyMap<string, NamedDocument>;
  readonly byHash: ReadonlyMap<string, NamedDocument>;
  /** Key: `BTC_USDT 1h`. */
  readonly byPair: ReadonlyMap<string, ManifestEntry>;
}

export interface NamedDocument {
  readonly entry: ManifestEntry;
  /** Null while the manifest names none. */
  readonly file: FileReference | null;
}

const JSON_TYPE = 'application/json; charset=utf-8';
/** How long an answer may lag behind a commit. */
const LOOK_AGAIN_MS = 200;
/** How much older what is known may be while a look is under way, so that no reader waits for one. */
const WHILE_LOOKING_MS = 200;
/** Documents kept in memory with their compressed forms; the one asked for longest ago goes first. */
const MOST_BYTES_KEPT = 96 * 1024 * 1024;

export class PublishedFolder {
  private snapshot: Snapshot | null = null;
  private lookedAt = Number.NEGATIVE_INFINITY;
  private looking: Promise<void> | null = null;
  private readonly kept = new Map<string, Content>();
  private keptBytes = 0;

  constructor(
    private readonly reader: PublishedReader,
    private readonly clock: Clock,
  ) {}

  /** The current manifest, at most 200 ms old; null before the first publish. */
  current(): Snapshot | null | Promise<Snapshot | null> {
    if (this.clock.monotonic() - this.lookedAt < LOOK_AGAIN_MS) return this.snapshot;
    return this.lookOnce().then(() => this.snapshot);
  }

  /** What is known without waiting, at most 400 ms old; null when it is older. Starts the look that it may need. */
  peek(): Snapshot | null {
    const age = this.clock.monotonic() - this.lookedAt;
    if (age < LOOK_AGAIN_MS) return this.snapshot;
    // A look that fails is told to the request that waits for the next one.
    this.lookOnce().catch(() => undefined);
    return age < LOOK_AGAIN_MS + WHILE_LOOKING_MS ? this.snapshot : null;
  }

  /** The document's content, or why there is none. Good bytes once read are kept; bad ones are never given. */
  document(file: FileReference): Content | Promise<Content | 'missing' | 'corrupt'> {
    return this.held(file.sha256) ?? this.read(file);
  }

  /** The document when it is in memory. */
  held(sha256: string): Content | undefined {
    const known = this.kept.get(sha256);
    if (known === undefined) return undefined;
    this.kept.delete(sha256);
    this.kept.set(sha256, known);
    return known;
  }

  private lookOnce(): Promise<void> {
    this.looking ??= this.look().finally(() => {
      this.looking = null;
    });
    return this.looking;
  }

  private async look(): Promise<void> {
    // What is found is as old as the beginning of the look, however long it takes.
    const startedAt = this.clock.monotonic();
    const read = await this.reader.manifest();
    this.lookedAt = startedAt;
    if (read === null) return;
    const known = this.snapshot;
    if (known !== null && known.lastGood === read.lastGood && known.content.bytes.equals(read.bytes)) return;
    this.snapshot = snapshotOf(read.manifest, read.bytes, read.lastGood);
  }

  private async read(file: FileReference): Promise<Content | 'missing' | 'corrupt'> {
    const bytes = await this.reader.object(file);
    if (!Buffer.isBuffer(bytes)) return bytes;
    const { sha256 } = file;
    const published = async (packing: Packing) => this.reader.packed(sha256, packing, bytes);
    const content = new Content(bytes, JSON_TYPE, sha256, published);
    if (!this.kept.has(file.sha256)) this.keptBytes += weight(content);
    this.kept.set(file.sha256, content);
    for (const [hash, oldest] of this.kept) {
      if (this.keptBytes <= MOST_BYTES_KEPT || hash === file.sha256) break;
      this.kept.delete(hash);
      this.keptBytes -= weight(oldest);
    }
    return content;
  }
}

/** Compressed forms take about half of the bytes again. */
function weight(content: Content): number {
  return 1.5 * content.bytes.length;
}

function snapshotOf(manifest: Manifest, bytes: Buffer, lastGood: boolean): Snapshot {
  const documents = manifest.entries.flatMap((entry) =>
    kindsOf(entry).map((kind) => [canonicalName(kind, entry), { entry, file: entry.files[kind] }] as const),
  );
  return {
    manifest,
    content: new Content(bytes, JSON_TYPE),
    lastGood,
    byName: new Map(documents),
    byHash: new Map(
      documents.flatMap(([, named]) => (named.file === null ? [] : [[named.file.sha256, named] as const])),
    ),
    byPair: new Map(manifest.entries.map((entry) => [`${symbolFileName(entry.symbol)} ${entry.timeframe}`, entry])),
  };
}

function kindsOf({ timeframe, files }: ManifestEntry): readonly DocumentKind[] {
  const predicts = files.prediction !== null || defaultRules(timeframe).horizon > 0;
  return predicts ? ['history', 'prediction'] : ['history'];
}
