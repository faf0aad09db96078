import { createHash } from 'node:crypto';
import { PipelineError } from '../../domain/errors';
import type { EpochMs } from '../../domain/types';
import type { DocumentReference } from '../../ports/publication';
import type { ManifestBodies, PublishedFiles, SweepPolicy, SweepResult } from '../../ports/published-files';

export interface MemoryPublishedFilesOptions {
  /** Time of the disk. */
  readonly now: () => EpochMs;
  /** Awaited before each step of a publication that is durable by itself: a test may end or fail the writer there. */
  readonly pause?: (step: string) => Promise<void>;
}

interface StoredFile {
  readonly text: string;
  /** When it was written. */
  readonly changed: EpochMs;
}

/** The published tree in memory: for tests. */
export class MemoryPublishedFiles implements PublishedFiles {
  readonly objects = new Map<string, StoredFile>();
  readonly generations = new Map<number, StoredFile>();
  manifest: string | null = null;
  opsManifest: string | null = null;

  constructor(private readonly options: MemoryPublishedFilesOptions) {}

  async putObject(body: string): Promise<DocumentReference> {
    const sha256 = createHash('sha256').update(body).digest('hex');
    this.objects.set(sha256, this.#file(body));
    return { sha256, bytes: Buffer.byteLength(body) };
  }

  /** Nothing is packed in memory. */
  async packObjects(): Promise<number> {
    return 0;
  }

  async objectBytes(sha256: string): Promise<number | null> {
    const file = this.objects.get(sha256);
    return file === undefined ? null : Buffer.byteLength(file.text);
  }

  async readObject(sha256: string): Promise<string | null> {
    return this.objects.get(sha256)?.text ?? null;
  }

  async newestGeneration(): Promise<number> {
    return Math.max(0, this.#published(), ...this.generations.keys());
  }

  async readGeneration(generation: number): Promise<string | null> {
    return this.generations.get(generation)?.text ?? null;
  }

  async replaceManifests({ generation, manifest, opsManifest }: ManifestBodies, check: () => void): Promise<void> {
    try {
      this.#refuseLate(generation, check);
      this.generations.set(generation, this.#file(manifest));
      await this.options.pause?.('operators’ manifest');
      this.opsManifest = opsManifest;
      await this.options.pause?.('manifest');
      this.#refuseLate(generation, check);
      this.manifest = manifest;
    } catch (error) {
      if (this.#published() < generation) this.generations.delete(generation);
      throw error;
    }
  }

  async sweep({ now, keepGenerations, keepMs, alsoKeep }: SweepPolicy): Promise<SweepResult> {
    const isYoung = ({ changed }: StoredFile): boolean => now - changed <= keepMs;
    const named = new Set(alsoKeep);
    const addNames = (text: string): void => {
      for (const [hash] of text.matchAll(/[0-9a-f]{64}/g)) named.add(hash);
    };
    addNames(this.manifest ?? '');
    let [generations, objects, oldestKept] = [0, 0, 0];
    for (const [place, [generation, file]] of [...this.generations].toSorted(([a], [b]) => b - a).entries()) {
      if (place < keepGenerations || isYoung(file)) {
        addNames(file.text);
        oldestKept = generation;
      } else generations += Number(this.generations.delete(generation));
    }
    for (const [hash, looked] of [...this.objects]) {
      if (named.has(hash) || isYoung(looked)) continue;
      await this.options.pause?.('removal of an object');
      // An export may have taken the same content up while we looked.
      if (this.objects.get(hash)?.changed === looked.changed) objects += Number(this.objects.delete(hash));
    }
    return { generations, objects, temporary: 0, oldestKept };
  }

  #file(text: string): StoredFile {
    return { text, changed: this.options.now() };
  }

  #published(): number {
    return this.manifest === null ? 0 : (JSON.parse(this.manifest) as { generation: number }).generation;
  }

  #refuseLate(generation: number, check: () => void): void {
    const published = this.#published();
    if (published >= generation) {
      throw new PipelineError('fenced', `generation ${published} is published already, ${generation} comes too late`);
    }
    check();
  }
}
