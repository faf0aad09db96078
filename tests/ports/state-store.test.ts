import { join } from 'node:path';
import { MemoryDataQuality } from '../../src/adapters/memory/memory-data-quality';
import { MemoryForecastLedger } from '../../src/adapters/memory/memory-forecast-ledger';
import { MemoryGapLedger } from '../../src/adapters/memory/memory-gap-ledger';
import { MemoryModelRegistry } from '../../src/adapters/memory/memory-model-registry';
import { MemoryPairState } from '../../src/adapters/memory/memory-pair-state';
import { MemoryPublication } from '../../src/adapters/memory/memory-publication';
import { MemoryRunLog } from '../../src/adapters/memory/memory-run-log';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import { dataQualityContract } from './data-quality-contract';
import { forecastLedgerContract } from './forecast-ledger-contract';
import { gapLedgerContract } from './gap-ledger-contract';
import { modelRegistryContract } from './model-registry-contract';
import { pairStateContract } from './pair-state-contract';
import { publicationContract } from './publication-contract';
import { runLogContract } from './run-log-contract';
import { closedAfterEach, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

async function sqlite(): Promise<StateStore> {
  return closed(await openStateStore(join(temporaryFolder(), 'state.db')));
}

pairStateContract('in memory', async () => new MemoryPairState());
pairStateContract('SQLite', async () => (await sqlite()).pairState);
gapLedgerContract('in memory', async () => new MemoryGapLedger());
gapLedgerContract('SQLite', async () => (await sqlite()).gapLedger);
dataQualityContract('in memory', async () => new MemoryDataQuality());
dataQualityContract('SQLite', async () => (await sqlite()).dataQuality);
forecastLedgerContract('in memory', async () => new MemoryForecastLedger());
forecastLedgerContract('SQLite', async () => (await sqlite()).forecastLedger);
runLogContract('in memory', async () => new MemoryRunLog());
runLogContract('SQLite', async () => (await sqlite()).runLog);
publicationContract('in memory', async () => new MemoryPublication());
publicationContract('SQLite', async () => (await sqlite()).publication);
modelRegistryContract('in memory', async () => new MemoryModelRegistry());
modelRegistryContract('SQLite', async () => (await sqlite()).models);
