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

  constructor(time: VirtualTime) {
    this.files = new MemoryPublishedFiles({
      now: () => time.now,
      pause: async (step) => attempts.getStore()?.worker.pause(step),
    });
  }
}
