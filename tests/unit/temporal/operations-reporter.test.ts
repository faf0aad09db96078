/** `operations.json` of a deployment that finds its symbols by discovery. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { loadConfig } from '../../../src/config/config';
import { parseSymbol } from '../../../src/domain/types';
import { operationsDocumentSchema } from '../../../src/web/ops-documents';
import type { TemporalControl } from '../../../temporal/control';
import { startOperationsReporter } from '../../../temporal/operations-reporter';
import { openStores } from '../../../temporal/stores';

test('the coverage tells of the symbols that are followed, those of discovery too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-reporter-'));
  const config = loadConfig({ DATA_DIR: folder, SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', DISCOVER_TOP: '3' }, null);
  const stores = await openStores(config, 'simulated');
  try {
    const chosen = ['BTC/USDT', 'TOP/USDT'].map((symbol, rank) => ({
      symbol: parseSymbol(symbol),
      since: 0,
      misses: 0,
      rank,
    }));
    await stores.state.symbolChoice.choose(chosen);
    const control = { schedules: async () => [], fills: async () => [] } as unknown as TemporalControl;
    const log = pino({ level: 'silent' });
    await startOperationsReporter({ config, stores, control, log })();
    const text = readFileSync(join(stores.folder.ops, 'operations.json'), 'utf8');
    const { coverage } = operationsDocumentSchema.parse(JSON.parse(text));
    expect(coverage.map(({ symbol }) => symbol)).toEqual(['BTC/USDT', 'TOP/USDT']);
  } finally {
    await stores.close();
    rmSync(folder, { recursive: true });
  }
});
