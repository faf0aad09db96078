import { join } from 'node:path';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import { rateBudgetContract, virtualTime } from './rate-budget-contract';
import { closedAfterEach, temporaryFolders } from './store-fixtures';

// Virtual minutes are cheap in memory; on a database each look at the budget costs real time.
jest.setTimeout(180_000);

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();

rateBudgetContract('SQLite', async () => {
  const { clock, sleep, advance, now, jump } = virtualTime();
  const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  return { budget: state.budget({ clock, sleep }), advance, now, jump };
});

test('I60 a ban holds every connection to its last millisecond, and outlives the one that told of it', async () => {
  const { clock, sleep, advance, now } = virtualTime();
  const path = join(temporaryFolder(), 'state.db');
  const told = await openStateStore(path);
  await told.budget({ clock, sleep }).ban('demo', now() + 5000, 'exchange_banned');
  await told.close();
  const budget = closed(await openStateStore(path)).budget({ clock, sleep });
  await advance(4999);
  const early = budget.take('demo', 1, 'live', undefined, 0);
  await expect(early).rejects.toMatchObject({ code: 'exchange_banned', retryAfterMs: 1 });
  await advance(1);
  await expect(budget.take('demo', 1, 'live', undefined, 0)).resolves.toBeUndefined();
});

test('F30 to another process a ban told by a clock that was ahead says nothing', async () => {
  const { clock, sleep, now, jump } = virtualTime();
  const path = join(temporaryFolder(), 'state.db');
  jump(3 * 86_400_000);
  await closed(await openStateStore(path))
    .budget({ clock, sleep })
    .ban('demo', now() + 60_000, 'rate_limited');
  jump(-3 * 86_400_000);
  const budget = closed(await openStateStore(path)).budget({ clock, sleep });
  expect(await budget.bannedUntil('demo')).toBeNull();
  await expect(budget.take('demo', 1, 'live')).resolves.toBeUndefined();
});

test('each exchange has the limit it was given', async () => {
  const { clock, sleep } = virtualTime();
  const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  const budget = state.budget({ clock, sleep, limits: { small: 10 } });
  await budget.take('small', 10, 'live');
  await expect(budget.take('small', 1, 'live')).rejects.toMatchObject({ code: 'rate_limited' });
  await expect(budget.take('demo', 3000, 'live')).resolves.toBeUndefined();
});
