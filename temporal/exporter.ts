/** Changes to what is published by hand, and the check of it from outside. */
import { trackRecord } from '../activities/quality';
import { openDocumentFolder } from '../src/adapters/files/document-folder';
import type { Exporter } from '../src/cli/wiring';
import type { Config } from '../src/config/config';
import { lastClosedOpen, nextBoundary } from '../src/domain/timeframe';
import { materialise } from '../src/publish/materialise';
import { readPublished } from '../src/publish/published-reader';
import { verify } from '../src/publish/verify';
import { pipelineSettings } from './activity-ports';
import { sourceFolder } from './source';
import type { Stores } from './stores';

export function createExporter(config: Config, stores: () => Promise<Stores>, source: () => Promise<string>): Exporter {
  const rules = (timeframe: Parameters<Config['rules']>[0]) => config.rules(timeframe);
  const publicDir = async () => sourceFolder(config.dataDir, await source()).published;
  const commit = () => {
    const asOf = Date.now();
    const next = Math.min(...config.timeframes.map((timeframe) => nextBoundary(timeframe, asOf)));
    return { asOf, nextExpectedCommit: next + config.scheduleOffsetMs };
  };
  return {
    verify: async (directory) => verify(directory ?? (await publicDir()), { rules }),
    rebuild: async (progress) => {
      const { candles, state, publisher } = await stores();
      const { forecastLedger: ledger } = state;
      const ports = { candles, forecastLedger: ledger, settings: pipelineSettings(config) };
      const { generation, pairs } = await publisher.rebuild({
        ...commit(),
        candles,
        ledger,
        rules,
        quality: (pair, asOf) => trackRecord(ports, pair, asOf),
        lastOpen: (timeframe, asOf) => lastClosedOpen(timeframe, asOf, config.settleMs),
        progress,
      });
      return { generation, pairs };
    },
    rollback: async (change) => {
      const { publisher } = await stores();
      const { generation } = await publisher.rollback({ ...commit(), ...change });
      return { generation };
    },
    materialise: async (directory) => {
      const { generation, files } = await materialise(readPublished(await publicDir()), openDocumentFolder(directory));
      return { generation, files };
    },
  };
}
