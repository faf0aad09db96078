/** Who waits for whom on the queues of the real worker. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { shadowWorkflowId, TASK_QUEUE, trainingId } from '../../src/domain/names';
import { parseTimeframe } from '../../src/domain/timeframe';
import { startWorker } from '../../temporal/worker';
import { startTestTemporal } from '../temporal';
import { workflowBundle } from '../workflow-bundle';
import type { TestTemporal } from '../temporal';
import { script } from './scripted-activities';

const bundle = { file: '' };
jest.mock('../../temporal/bundle', () => ({
  get WORKFLOW_BUNDLE() {
    return bundle.file;
  },
}));

const TIMEFRAMES = ['1h', '1d', '1w', '1M'].map(parseTimeframe);

let temporal: TestTemporal;
let folder: string;
beforeAll(async () => {
  temporal = await startTestTemporal();
  folder = await mkdtemp(join(tmpdir(), 'coin-predict-queues-'));
  bundle.file = join(folder, 'workflows.js');
  await writeFile(bundle.file, (await workflowBundle()).code);
}, 120_000);
afterAll(async () => {
  await temporal.stop();
  await rm(folder, { recursive: true });
});

/** Shut until it is opened. */
function gate(): [Promise<void>, () => void] {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [opened, () => open()];
}

test('I17 the shadow of every timeframe forecasts while the trainings of all of them search', async () => {
  const { activities } = script(['BTC/USDT']);
  const [full, fill] = gate();
  const [released, release] = gate();
  let searching = 0;
  const told = { ...activities };
  activities.searchForRecipe = async (input) => {
    if (++searching === 2) fill();
    await released;
    return told.searchForRecipe(input);
  };
  const worker = await startWorker({
    address: temporal.server.address,
    namespace: 'default',
    activities,
    computeActivities: activities,
    backgroundActivities: activities,
    computeSlots: 1,
    log: pino({ level: 'silent' }),
    signal: new AbortController().signal,
  });
  const start = (type: string, workflowId: string, input: object) =>
    temporal.client.workflow.start(type, { workflowId, taskQueue: TASK_QUEUE, args: [input] });
  const trainings = await Promise.all(
    TIMEFRAMES.map((timeframe) => start('train', trainingId(timeframe), { timeframe })),
  );
  await full;
  const shadows = await Promise.all(
    TIMEFRAMES.map((timeframe) =>
      start('shadow', shadowWorkflowId(timeframe), { source: 'scripted', timeframe, symbols: ['BTC/USDT'], asOf: 0 }),
    ),
  );
  const results = await Promise.race([
    Promise.all(shadows.map((shadow) => shadow.result() as Promise<unknown>)),
    new Promise((resolve) => setTimeout(resolve, 20_000, 'still waiting')),
  ]);
  release();
  await Promise.all(trainings.map((training) => training.result()));
  await worker.stop();
  expect(results).toEqual(TIMEFRAMES.map(() => ({ forecast: ['BTC/USDT'], failed: [] })));
}, 120_000);
