/** Workers killed with SIGKILL while the champion changes: at every moment there is the old one or the new one (F89, I31). */
import { setTimeout as delay } from 'node:timers/promises';
import { championWorkflowId, TASK_QUEUE } from '../../../src/domain/names';
import { DAY, HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { familyNamed } from '../../../src/forecasting/families';
import { metadataOf } from '../../ports/model-registry-contract';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import { openDeployment } from './deployment';
import type { Deployment } from './deployment';

const START = Date.UTC(2024, 0, 1);
const END = START + 20 * DAY;
const timeframe = parseTimeframe('1h');
/** Two recipes in turn. */
const RECIPES = [
  { family: 'naive', settings: { window: 300 } },
  { family: 'naive', settings: { window: 200 } },
] as const;
/** Events of the change's history after which the worker is killed: from before its first step to after its last. */
const KILL_AFTER = FULL_PROOF ? [1, 2, 4, 5, 7, 8, 10, 11, 13, 14, 16, 17] : [5, 13];
const FAULT = 'F89 worker killed while the champion changes';
const table = outcomeTable('champion', [FAULT]);

let deployment: Deployment;
beforeAll(async () => {
  deployment = await openDeployment({ symbols: ['BTC/USDT'], timeframes: ['1h'], start: START, end: END });
  const worker = await deployment.startWorker();
  await deployment.drive(END - 2 * HOUR, END + 5_000);
  await worker.end('SIGTERM');
  await deployment.withStores(async ({ state }) => {
    for (const recipe of RECIPES) {
      const version = familyNamed(recipe.family).version(recipe.settings);
      await state.models.register(metadataOf(version, { ...recipe, fits: [] }));
    }
  });
}, 300_000);
afterAll(async () => {
  await deployment.stop();
});

const history = () => deployment.withStores(({ state }) => state.models.history(timeframe));

test(
  'F89 I31 a worker killed at any step of a change leaves the old champion or the new one, and the change is made once',
  async () => {
    for (const [round, events] of KILL_AFTER.entries()) {
      const before = await history();
      const recipe = RECIPES[round % RECIPES.length] ?? RECIPES[0];
      const version = familyNamed(recipe.family).version(recipe.settings);
      const victim = await deployment.startWorker();
      const handle = await deployment.temporal.client.workflow.start('changeChampion', {
        workflowId: championWorkflowId(timeframe),
        taskQueue: TASK_QUEUE,
        args: [{ timeframe, action: 'promote', version, by: 'operator', reason: `round ${round}`, asOf: END + round }],
      });
      while ((await handle.describe()).historyLength < events) await delay(20);
      await victim.end('SIGKILL');
      const between = await history();
      expect([before[0]?.version, version]).toContain(between[0]?.version);
      const second = await deployment.startWorker();
      await handle.result();
      await second.end('SIGTERM');
      const after = await history();
      expect(after[0]).toMatchObject({ version, previous: before[0]?.version, reason: `round ${round}` });
      expect(after).toHaveLength(before.length + 1);
      table.fired(FAULT, between.length === before.length ? 'old champion, then new' : 'new champion');
    }
    expect(table.finish()).toEqual([]);
  },
  FULL_PROOF ? 1_800_000 : 400_000,
);
