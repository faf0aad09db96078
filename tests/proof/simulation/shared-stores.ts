/** What all workers of a simulated life share: every store in memory, and the published files. */
import { createHash } from 'node:crypto';
import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { MemoryDataQuality } from '../../../src/adapters/memory/memory-data-quality';
import { MemoryForecastLedger } from '../../../src/adapters/memory/memory-forecast-ledger';
import { MemoryGapLedger } from '../../../src/adapters/memory/memory-gap-ledger';
import { MemoryModelRegistry } from '../../../src/adapters/memory/memory-model-registry';
import { MemoryPairState } from '../../../src/adapters/memory/memory-pair-state';
import { MemoryPublication } from '../../../src/adapters/memory/memory-publication';
import { MemoryPublishedFiles } from '../../../src/adapters/memory/memory-published-files';
import { MemoryRunLog } from '../../../src/adapters/memory/memory-run-log';
import type { ChosenSymbol } from '../../../src/domain/discovery';
import { failedCommits } from '../../../src/domain/event';
import type { Event } from '../../../src/domain/event';
import type { EventLog } from '../../../src/ports/event-log';
import type { LateCommits } from '../../../src/ports/late-commits';
import type { ModelMetadata } from '../../../src/ports/model-metadata';
import type { ChampionChange, ShadowModel } from '../../../src/ports/model-registry';
import type { DocumentFolder } from '../../../src/ports/published-files';
import type { SymbolChoice } from '../../../src/ports/symbol-choice';
import { manifestSchema } from '../../../src/publish/documents';
import type { PublishedReader } from '../../../src/publish/published-reader';
import { attempts } from './simulated-activity';
import { MemoryModelFiles, MemorySnapshots } from './training-files';
import type { VirtualTime } from './virtual-time';

export class SharedStores {
  readonly candles = new MemoryCandleStore();
  readonly gapLedger = new MemoryGapLedger();
  readonly pairState = new MemoryPairState();
  readonly dataQuality = new MemoryDataQuality();
  readonly models = new WatchedModelRegistry();
  readonly forecastLedger = new MemoryForecastLedger();
  readonly runLog = new MemoryRunLog();
  readonly publication = new MemoryPublication();
  readonly modelFiles = new MemoryModelFiles();
  readonly snapshots = new MemorySnapshots();
  readonly files: MemoryPublishedFiles;
  /** What discovery chose: nothing, ever. */
  readonly symbolChoice: SymbolChoice = {
    chosen: async (): Promise<ChosenSymbol[]> => [],
    choose: async () => {},
  };
  readonly documents = new Map<string, string>();
  readonly opsDocuments: DocumentFolder = {
    write: async (name, body) => void this.documents.set(name, Buffer.from(body).toString()),
    names: async () => [...this.documents.keys()],
    remove: async (name) => void this.documents.delete(name),
  };
  readonly published: PublishedReader = {
    manifest: async () => {
      const text = this.files.manifest;
      if (text === null) return null;
      const bytes = Buffer.from(text);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      return { manifest: manifestSchema.parse(JSON.parse(text)), bytes, sha256, lastGood: false };
    },
    problem: () => null,
    object: async ({ sha256 }) => {
      const body = await this.files.readObject(sha256);
      return body === null ? 'missing' : Buffer.from(body);
    },
    packed: async () => null,
  };
  /** Commits that came too late, each refused: how many is not what a life is about. */
  readonly lateCommits: LateCommits = {
    refused: async () => {},
    counts: async () => ({ manifest: 0, champion: 0, delivery: 0 }),
  };
  /** What an operator must be told, by key. */
  readonly told = new Map<string, Event>();
  readonly events: EventLog = {
    record: async (events) => {
      for (const event of events) if (!this.told.has(event.key)) this.told.set(event.key, event);
    },
    failedCommits: async (from) => failedCommits([...this.told.values()].filter(({ at }) => at >= from)),
  };

  constructor(time: VirtualTime) {
    this.files = new MemoryPublishedFiles({
      now: () => time.now,
      pause: async (step) => attempts.getStore()?.worker.pause(step),
    });
  }
}

/** Tells of each change, so that somebody can look at every moment. */
class WatchedModelRegistry extends MemoryModelRegistry {
  onWrite: () => Promise<void> = async () => {};

  override async register(metadata: ModelMetadata): Promise<void> {
    await super.register(metadata);
    await this.onWrite();
  }

  override async changeChampion(change: ChampionChange): Promise<boolean> {
    const moved = await super.changeChampion(change);
    await this.onWrite();
    return moved;
  }

  override async setShadow(shadow: ShadowModel): Promise<void> {
    await super.setShadow(shadow);
    await this.onWrite();
  }
}
