/** Opens everything of one source: candle store, state, published tree, publisher. */
import { createCcxtExchange } from '../src/adapters/ccxt/ccxt-exchange';
import { openModelFiles } from '../src/adapters/files/model-files';
import { openPublishedTree } from '../src/adapters/files/published-tree';
import { createStorageGauge } from '../src/adapters/files/storage-gauge';
import { openCandleStore } from '../src/adapters/sqlite/candle-store';
import { openStateStore } from '../src/adapters/sqlite/state-store';
import type { StateStore } from '../src/adapters/sqlite/state-store';
import type { Config } from '../src/config/config';
import type { CandleStore } from '../src/ports/candle-store';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import type { Exchange } from '../src/ports/exchange';
import type { ModelFiles } from '../src/ports/model-files';
import type { RateBudget } from '../src/ports/rate-budget';
import type { StorageGauge } from '../src/ports/storage-gauge';
import { createPublisher } from '../src/publish/publisher';
import type { Publisher } from '../src/publish/publisher';
import { exchangeOf, isOurMarket, sourceFolder } from './source';
import type { SourceFolder } from './source';

export interface Stores {
  readonly source: string;
  readonly folder: SourceFolder;
  readonly candles: CandleStore;
  readonly state: StateStore;
  readonly budget: RateBudget;
  readonly storage: StorageGauge;
  readonly modelFiles: ModelFiles;
  readonly publisher: Publisher;
  close(): Promise<void>;
}

/** Weight a minute that Binance allows an address; ccxt's weights of other exchanges are scaled to it. */
const FULL_WEIGHT = 6_000;
/** The simulated market is ours and on this machine: nothing is rationed. */
const SIMULATED_WEIGHT = 10_000_000;

/** @throws PipelineError `store_unavailable`, `disk_full`, … with the file's name. */
export async function openStores(config: Config, source: string, clock: Clock = systemClock): Promise<Stores> {
  const folder = sourceFolder(config.dataDir, source);
  const candles = await openCandleStore(folder.candles);
  const state = await openStateStore(folder.state);
  const weight = isOurMarket(source) ? SIMULATED_WEIGHT : FULL_WEIGHT * config.exchangeWeightShare;
  const publisher = createPublisher({
    publication: state.publication,
    files: openPublishedTree({ publicDir: folder.published, opsDir: folder.ops }),
    source,
    clock,
    cycleTargetMs: config.cycleTargetMs,
  });
  return {
    source,
    folder,
    candles,
    state,
    storage: createStorageGauge({
      storeBytes: () => candles.sizeBytes(),
      path: config.diskUsagePath,
      budget:
        config.storageBudgetShare === null
          ? { bytes: config.storageBudgetBytes }
          : { share: config.storageBudgetShare, disk: config.dataDir },
      clock: systemClock,
    }),
    budget: state.budget({ limits: { [exchangeOf(source)]: weight }, clock }),
    publisher,
    modelFiles: openModelFiles(folder.models),
    close: async () => {
      await candles.close();
      await state.close();
    },
  };
}

/** Loads ccxt, which costs the better part of a second. */
export function openExchange(
  config: Config,
  stores: Stores,
  url: string | null,
  clock: Clock = systemClock,
): Promise<Exchange> {
  return createCcxtExchange({
    id: exchangeOf(stores.source),
    source: stores.source,
    budget: stores.budget,
    clock,
    settleMs: config.settleMs,
    ...(url === null ? {} : { baseUrl: url }),
  });
}
