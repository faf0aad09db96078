/** Opens everything of one source: candle store, state, published tree, publisher. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCcxtExchange } from '../src/adapters/ccxt/ccxt-exchange';
import { openDocumentFolder } from '../src/adapters/files/document-folder';
import { openModelFiles } from '../src/adapters/files/model-files';
import { openSnapshots } from '../src/adapters/files/snapshots';
import { openPublishedTree } from '../src/adapters/files/published-tree';
import { createStorageGauge } from '../src/adapters/files/storage-gauge';
import { openInfluxCandles } from '../src/adapters/influx/bucket';
import { mirrorForecasts } from '../src/adapters/influx/forecast-mirror';
import type { InfluxOptions } from '../src/adapters/influx/influx-options';
import { openCandleStore } from '../src/adapters/sqlite/candle-store';
import { openStateStore } from '../src/adapters/sqlite/state-store';
import type { StateStore } from '../src/adapters/sqlite/state-store';
import { openWriteOrder } from '../src/adapters/sqlite/write-order';
import type { Config } from '../src/config/config';
import { ConfigError } from '../src/config/config-error';
import type { CandleStore } from '../src/ports/candle-store';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import type { Exchange } from '../src/ports/exchange';
import type { ModelFiles } from '../src/ports/model-files';
import type { DocumentFolder } from '../src/ports/published-files';
import type { Snapshots } from '../src/ports/snapshots';
import type { RateBudget } from '../src/ports/rate-budget';
import type { StorageGauge } from '../src/ports/storage-gauge';
import { createPublisher } from '../src/publish/publisher';
import type { Publisher } from '../src/publish/publisher';
import { exchangeOf, isOurMarket, REPLAY, sourceFolder } from './source';
import type { SourceFolder } from './source';

export interface Stores {
  readonly source: string;
  readonly folder: SourceFolder;
  readonly candles: CandleStore;
  readonly state: StateStore;
  readonly budget: RateBudget;
  readonly modelFiles: ModelFiles;
  readonly snapshots: Snapshots;
  readonly opsDocuments: DocumentFolder;
  readonly storage: StorageGauge;
  readonly publisher: Publisher;
  close(): Promise<void>;
}

/** Weight a minute that Binance allows an address; ccxt's weights of other exchanges are scaled to it. */
const FULL_WEIGHT = 6_000;
/** The simulated market is ours and on this machine: nothing is rationed. */
const SIMULATED_WEIGHT = 10_000_000;

/**
 * The candles of a source in the store that is asked for, which may be another than the configured one.
 * @throws PipelineError `store_unavailable`, `disk_full`, …; ConfigError when InfluxDB can not be used as configured.
 */
export async function openCandles(
  config: Config,
  source: string,
  store: Config['store'],
  clock: Clock = systemClock,
): Promise<CandleStore> {
  const folder = sourceFolder(config.dataDir, source);
  if (store === 'sqlite') return openCandleStore(folder.candles);
  const influx = await influxOptions(config, source, folder);
  const order = await openWriteOrder(folder.writeOrder, clock);
  try {
    return await openInfluxCandles(influx, source, order);
  } catch (error) {
    await order.close();
    throw error;
  }
}

/**
 * The bucket of a source. A replay has one of its own, named in its folder: two of them may tell of the same slots, and a
 * folder that is begun anew must not find what an earlier one stored.
 */
async function influxOptions(config: Config, source: string, { root }: SourceFolder): Promise<InfluxOptions> {
  if (config.influx === null) {
    const sentence = 'needed to reach InfluxDB: set it to an API token of the server.';
    throw new ConfigError([{ variable: 'INFLUXDB_TOKEN', value: null, sentence }]);
  }
  if (source !== REPLAY) return config.influx;
  const file = join(root, 'influx-bucket');
  const named = await readFile(file, 'utf8').catch(() => '');
  if (named !== '') return { ...config.influx, bucket: named };
  const bucket = `${config.influx.bucket}-replay-${randomBytes(4).toString('hex')}`;
  await mkdir(root, { recursive: true });
  await writeFile(file, bucket);
  return { ...config.influx, bucket };
}

/** @throws PipelineError `store_unavailable`, `disk_full`, … with the file's name. */
export async function openStores(
  config: Config,
  source: string,
  clock: Clock = systemClock,
  onMirrorFailure?: (reason: string, failed: number) => void,
): Promise<Stores> {
  const folder = sourceFolder(config.dataDir, source);
  const candles = await openCandles(config, source, config.store, clock);
  const kept = await openStateStore(folder.state);
  const mirror =
    config.store === 'influx'
      ? mirrorForecasts(kept.forecastLedger, {
          influx: await influxOptions(config, source, folder),
          source,
          ...(onMirrorFailure === undefined ? {} : { onFailure: onMirrorFailure }),
        })
      : null;
  const state: StateStore = mirror === null ? kept : { ...kept, forecastLedger: mirror.ledger };
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
    snapshots: openSnapshots(folder.snapshots),
    opsDocuments: openDocumentFolder(folder.ops),
    close: async () => {
      await mirror?.close();
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
