import { join } from 'node:path';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import { rateBudgetContract, virtualTime } from './rate-budget-contract';
import { closedAfterEach, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

rateBudgetContract('SQLite', async () => {
  const { clock, sleep, advance, now } = virtualTime();
  const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  return { budget: state.budget({ clock, sleep }), advance, now };
});
