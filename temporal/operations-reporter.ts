/** Writes `operations.json` once a minute while a worker runs. What fails is logged and tried again; nothing waits for it. */
import type { Logger } from 'pino';
import { followedSymbols } from '../activities/followed';
import { openDocumentFolder } from '../src/adapters/files/document-folder';
import { openPublishedTree } from '../src/adapters/files/published-tree';
import type { Config } from '../src/config/config';
import { MINUTE } from '../src/domain/timeframe';
import { canonicalDocument } from '../src/publish/canonical-json';
import { operationsDocumentSchema } from '../src/web/ops-documents';
import { OperationsReport } from '../src/web/operations-report';
import type { TemporalControl } from './control';
import { readRunning } from './source';
import type { Stores } from './stores';

const EVERY_MS = MINUTE;

export interface OperationsReporterOptions {
  readonly config: Config;
  readonly stores: Stores;
  readonly control: TemporalControl;
  readonly log: Logger;
}

/** Starts at once; the returned function stops it and waits for a report under way. */
export function startOperationsReporter({
  config,
  stores,
  control,
  log,
}: OperationsReporterOptions): () => Promise<void> {
  const { folder, state } = stores;
  const documents = openDocumentFolder(folder.ops);
  const tree = openPublishedTree({ publicDir: folder.published, opsDir: folder.ops });
  const report = new OperationsReport({
    source: stores.source,
    namespace: config.temporalNamespace,
    symbols: () => followedSymbols({ settings: config, symbolChoice: state.symbolChoice }),
    timeframes: config.timeframes,
    storage: stores.storage,
    dataQuality: state.dataQuality,
    cycleTargetMs: config.cycleTargetMs,
    candles: stores.candles,
    gapLedger: state.gapLedger,
    pairState: state.pairState,
    runLog: state.runLog,
    generations: {
      generations: (limit) => state.publication.generations(limit),
      readGeneration: (generation) => tree.readGeneration(generation),
    },
    control,
    temporalUi: async () => config.temporalUiUrl ?? (await readRunning(config.dataDir))?.running.temporalUiUrl ?? null,
  });
  const write = async (): Promise<void> => {
    const document = await report.at(Date.now());
    await documents.write('operations.json', canonicalDocument(operationsDocumentSchema, document));
  };
  let underWay: Promise<void> = Promise.resolve();
  let busy = false;
  const tick = (): void => {
    if (busy) return;
    busy = true;
    underWay = write()
      .catch((error: unknown) => log.warn({ error: String(error) }, 'operations.json could not be written'))
      .finally(() => {
        busy = false;
      });
  };
  tick();
  const timer = setInterval(tick, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await underWay;
  };
}
