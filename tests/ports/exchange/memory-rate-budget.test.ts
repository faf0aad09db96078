import { createMemoryRateBudget } from '../../../src/adapters/memory/memory-rate-budget';
import { rateBudgetContract, virtualTime } from '../rate-budget-contract';

rateBudgetContract('in memory', async () => {
  const { clock, sleep, advance, now, jump } = virtualTime();
  return { budget: createMemoryRateBudget({ clock, sleep }), advance, now, jump };
});
