/** What all workers of a simulated life share: every store in memory, and the published files. */
import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { MemoryDataQuality } from '../../../src/adapters/memory/memory-data-quality';
import { MemoryForecastLedger } from '../../../src/adapters/memory/memory-forecast-ledger';
import { MemoryGapLedger } from '../../../src/adapters/memory/memory-gap-ledger';
import { MemoryModelRegistry } from '../../../src/adapters/memory/memory-model-registry';
import { MemoryPairState } from '../../../src/adapters/memory/memory-pair-state';
import { MemoryPublication } from '../../../src/adapters/memory/memory-publication';
import { MemoryPublishedFiles } from '../../../src/adapters/memory/memory-published-files';
import { MemoryRunLog } from '../../../src/adapters/memory/memory-run-log';
import type { Event } from '../../../src/domain/event';
import type { EventLog } from '../../../src/ports/event-log';
import { attempts } from './simulated-activity';
import type { VirtualTime } from './virtual-time';

export class SharedStores {
  readonly candles = new MemoryCandleStore();
  readonly gapLedger = new MemoryGapLedger();
  readonly pairState = new MemoryPairState();
  readonly dataQuality = new MemoryDataQuality();
  readonly models = new MemoryModelRegistry();
  readonly forecastLedger = new MemoryForecastLedger();
  readonly runLog = new MemoryRunLog();
  readonly publication = new MemoryPublication();
  readonly files: MemoryPublishedFiles;
  /** What an operator must be told, by key. */
  readonly told = new Map<string, Event>();
  readonly events: EventLog = {
    record: async (events) => {
      for (const event of events) if (!this.told.has(event.key)) this.told.set(event.key, event);
    },
  };

  constructor(time: VirtualTime) {
    this.files = new MemoryPublishedFiles({
      now: () => time.now,
      pause: async (step) => attempts.getStore()?.worker.pause(step),
    });
  }
}
