import { join } from 'node:path';
import { MemoryCandleStore } from '../../src/adapters/memory/memory-candle-store';
import { openCandleStore } from '../../src/adapters/sqlite/candle-store';
import { candleStoreContract } from './candle-store-contract';
import { closedAfterEach, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

candleStoreContract('in memory', async () => new MemoryCandleStore());
candleStoreContract('SQLite', async () => closed(await openCandleStore(join(temporaryFolder(), 'candles.db'))));
