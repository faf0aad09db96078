/**
 * Two workers on the same queues: one frozen in the middle of a commit and thawed when its work has been given away, the other
 * killed. What is left is what an undisturbed run leaves, and what the thawed one tries is refused and counted (P10, F05, I26).
 * Short form: on InfluxDB, frozen for as long as a heartbeat may be away; full form (`npm run proof:process`): on both stores,
 * for a minute, and in the middle of a change of champion too.
 */
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'libsql';
import { championWorkflowId, TASK_QUEUE } from '../../../src/domain/names';
import { DAY, HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { familyNamed } from '../../../src/forecasting/families';
import { metadataOf } from '../../ports/model-registry-contract';
import { unproved } from '../../checker/findings';
import type { Rule } from '../../checker/findings';
import { describeOnInflux, INFLUXD_START_MS, startInfluxd } from '../../influxd';
import type { TestInflux } from '../../influxd';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import { everyBoundary } from './content';
import { openDeployment } from './deployment';
import type { Deployment, DeploymentOptions, WorkerProcess } from './deployment';

const START = Date.UTC(2024, 0, 1);
const FROM = START + 20 * DAY - HOUR;
const TO = FROM + (FULL_PROOF ? 12 : 3) * HOUR + 5_000;
const OPTIONS: DeploymentOptions = {
  symbols: ['BTC/USDT', 'ETH/USDT'],
  timeframes: ['1h'],
  start: START,
  end: START + 22 * DAY,
};
/** A step is given to another worker after ten seconds without a word from its own. */
const FROZEN_MS = FULL_PROOF ? 60_000 : 11_500;
const TIMEOUT = FULL_PROOF ? 900_000 : 240_000;
const timeframe = parseTimeframe('1h');
const RECIPE = { family: 'naive', settings: { window: 200 } } as const;

const FROZEN = 'F05 worker frozen in the middle of a manifest and thawed';
const KILLED = 'F04 worker killed';
const CHANGE = 'F05 worker frozen in the middle of a change of champion';
const table = outcomeTable('late-commits', [FROZEN, KILLED, ...(FULL_PROOF ? [CHANGE] : [])]);
/** This market has every candle, changes none and bans nobody, and every pair has its minimum. */
const NOT_APPLICABLE: readonly Rule[] = ['I07 revised', 'I41 gate', 'I60 ban', 'I61 empty', 'I61 cursor', 'P16 synced'];

async function within<T>(ms: number, look: () => Promise<T | null>): Promise<T> {
  for (const end = Date.now() + ms; ;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > end) throw new Error(`it did not happen within ${ms} ms`);
    await delay(100);
  }
}

const refused = (deployment: Deployment) => deployment.withStores(({ state }) => state.lateCommits.counts());

async function withDeployment<T>(options: DeploymentOptions, work: (deployment: Deployment) => Promise<T>): Promise<T> {
  const deployment = await openDeployment(options);
  try {
    return await work(deployment);
  } finally {
    await deployment.stop();
  }
}

const undisturbed = (options: DeploymentOptions) =>
  withDeployment(options, async (deployment) => {
    const worker = await deployment.startWorker();
    await deployment.drive(FROM, TO);
    await worker.end('SIGTERM');
    const content = await deployment.content();
    expect(content.boundaries).toEqual(everyBoundary(['1h'], FROM, TO));
    return content;
  });

/** Frozen in the middle of its commit, the lock of the state in its hand. */
async function freezeInManifest(deployment: Deployment): Promise<void> {
  const { pid, release } = await deployment.holdCommit();
  process.kill(pid, 'SIGSTOP');
  await release();
  await delay(FROZEN_MS);
  process.kill(pid, 'SIGCONT');
  const counts = await within(60_000, async () => {
    const now = await refused(deployment).catch(() => null);
    return now !== null && now.manifest > 0 ? now : null;
  });
  table.fired(FROZEN, 'its manifest was refused and counted', counts.manifest);
}

/** The move of the pointer waits for the state's lock when its worker is frozen; another one makes it meanwhile. */
async function freezeInChange(deployment: Deployment, workers: readonly WorkerProcess[]): Promise<void> {
  const version = familyNamed(RECIPE.family).version(RECIPE.settings);
  const path = await deployment.withStores(async ({ state, folder }) => {
    await state.models.register(metadataOf(version, { ...RECIPE, fits: [] }));
    return folder.state;
  });
  const { client } = deployment.temporal;
  const lock = new Database(path);
  lock.exec('BEGIN IMMEDIATE');
  const handle = await client.workflow.start('changeChampion', {
    workflowId: championWorkflowId(timeframe),
    taskQueue: TASK_QUEUE,
    args: [{ timeframe, action: 'promote', version, by: 'operator', reason: 'a proof', asOf: TO }],
  });
  const moving = async () => {
    const { raw } = await handle.describe();
    const step = raw.pendingActivities?.find(({ activityType }) => activityType?.name === 'movePointer');
    return workers.find(({ pid }) => step?.lastWorkerIdentity?.endsWith(`:${pid}`) === true) ?? null;
  };
  const victim = await within(30_000, moving);
  // By then it waits for the lock: frozen before, it would be told on waking that its step was given away, and try nothing.
  await delay(1_000);
  victim.signal('SIGSTOP');
  lock.exec('ROLLBACK');
  lock.close();
  await delay(FROZEN_MS);
  await handle.result();
  victim.signal('SIGCONT');
  await within(30_000, async () => ((await refused(deployment)).champion > 0 ? true : null));
  const history = await deployment.withStores(({ state }) => state.models.history(timeframe));
  expect(history.filter((change) => change.version === version)).toHaveLength(1);
  table.fired(CHANGE, 'made once, and refused and counted the second time');
}

async function disturbed(deployment: Deployment): Promise<void> {
  const workers = await Promise.all([deployment.startWorker(), deployment.startWorker()]);
  const driving = deployment.drive(FROM, TO);
  driving.catch(() => {});
  await freezeInManifest(deployment);
  await workers.shift()?.end('SIGKILL');
  table.fired(KILLED, 'the other one went on');
  workers.push(await deployment.startWorker());
  await driving;
  const content = await deployment.content();
  if (FULL_PROOF) await freezeInChange(deployment, workers);
  await Promise.all(workers.map((worker) => worker.end('SIGTERM')));
  expect(await deployment.breaches()).toEqual([]);
  const checked = await deployment.checked();
  expect(checked.breaches).toEqual([]);
  expect(unproved(checked, NOT_APPLICABLE)).toEqual([]);
  // I25: dense, none twice.
  const { generations } = content;
  expect(generations).toEqual(generations.map((_, k) => (generations[0] ?? 0) + k));
  left = content;
}

let left: Awaited<ReturnType<Deployment['content']>>;

async function expectUndisturbed(options: DeploymentOptions): Promise<void> {
  const [golden] = await Promise.all([undisturbed(OPTIONS), withDeployment(options, disturbed)]);
  expect({ ...left, generations: [] }).toEqual({ ...golden, generations: [] });
}

describeOnInflux('two workers on InfluxDB', () => {
  let influx: TestInflux;
  beforeAll(async () => {
    influx = await startInfluxd();
  }, INFLUXD_START_MS);
  afterAll(() => influx.stop());

  test(
    'P10 F05 F04 I26 one frozen in a commit and thawed, one killed: what an undisturbed run leaves; late commits refused',
    () => expectUndisturbed({ ...OPTIONS, influx }),
    TIMEOUT,
  );
});

if (FULL_PROOF) {
  test('P10 F05 F04 I26 the same on the embedded store', () => expectUndisturbed(OPTIONS), TIMEOUT);
}

test('every fault fired', () => expect(table.finish()).toEqual([]));
