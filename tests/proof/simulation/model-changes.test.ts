/**
 * A fault at every single call that a training, a promotion or a rollback makes of a port, one after the other until a run
 * needs none (F89): the end is that of an undisturbed run, and at no moment are there two champions or none.
 */
import { ActivityFailure } from '@temporalio/common';
import { championWorkflowId, trainingId } from '../../../src/domain/names';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { metadataOf } from '../../ports/model-registry-contract';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import { Life } from './life';
import { executions } from './simulated-workflow';
import { PORT_FAULTS } from './simulated-worker';
import type { PortFault } from './simulated-worker';

jest.mock('@temporalio/workflow', () => jest.requireActual<object>('./simulated-workflow'));
jest.mock('@temporalio/activity', () => jest.requireActual<object>('./simulated-activity'));

const realNow = Date.now.bind(Date);
beforeAll(() => {
  jest.spyOn(Date, 'now').mockImplementation(() => executions.getStore()?.server.time.now ?? realNow());
  jest.spyOn(globalThis, 'setInterval').mockImplementation(() => 0 as unknown as NodeJS.Timeout);
});
afterAll(() => jest.restoreAllMocks());

const timeframe = parseTimeframe('1h');
const SECOND = 'second-simulated';
/** Filled, forecast, and no cycle due for a while. */
const MINUTES_BEFORE = 85;

interface Run {
  readonly type: string;
  readonly workflowId: string;
  readonly args: object;
  /** Champions at the end, newest first. */
  readonly champions: readonly string[];
}

const change = { timeframe, by: 'operator', reason: 'a proof' };
const RUNS: Readonly<Record<string, Run>> = {
  training: { type: 'train', workflowId: trainingId(timeframe), args: { timeframe }, champions: ['told-simulated'] },
  promotion: {
    type: 'changeChampion',
    workflowId: championWorkflowId(timeframe),
    args: { ...change, action: 'promote', version: SECOND },
    champions: [SECOND, 'told-simulated'],
  },
  rollback: {
    type: 'changeChampion',
    workflowId: championWorkflowId(timeframe),
    args: { ...change, action: 'rollback', version: 'told-simulated' },
    champions: ['told-simulated', SECOND, 'told-simulated'],
  },
};
const FAULTS: readonly PortFault[] = FULL_PROOF ? PORT_FAULTS : ['kill'];
const table = outcomeTable(
  'model-changes',
  Object.keys(RUNS).flatMap((name) => FAULTS.map((fault) => `F89 ${name}: ${fault}`)),
);

/** A life in which the hours are forecast by the first champion, a second model waits, and a rollback has something to undo. */
async function prepared(name: string): Promise<Life> {
  const life = new Life({ seed: 7, clockOffsetSeconds: 0, pageCap: 1_000, holes: [], trouble: 0, commands: [] });
  const { models } = life.stores;
  await life.pass(MINUTES_BEFORE);
  await models.register(metadataOf(SECOND, { settings: {}, fits: [], trained_at: 0 }));
  if (name === 'rollback') {
    const at = life.time.now;
    const promotion = { timeframe, version: SECOND, previous: 'told-simulated', at, kind: 'promotion' } as const;
    await models.changeChampion({ ...promotion, by: 'automatic', reason: 'better' });
  }
  return life;
}

interface Ended {
  readonly fired: boolean;
  /** The model gave no forecast when it was tried, so nothing was changed. */
  readonly refused: boolean;
  readonly left: unknown;
}

async function runOf(name: string, { type, workflowId, args, champions }: Run, fault?: PortFault, after = 0) {
  const life = await prepared(name);
  const champion = async (): Promise<string | undefined> => (await life.stores.models.champion(timeframe))?.version;
  const before = await champion();
  if (fault !== undefined) life.planned.push({ fault, after });
  const execution = life.server.start(type, workflowId, [args]);
  if (execution === null) throw new Error(`${workflowId} runs already`);
  const seen = new Set<string | undefined>([before]);
  life.stores.models.onWrite = async () => void seen.add(await champion());
  const result = await life.time.runThrough(execution.result.catch(refusalOf));
  const refused = result === REFUSED;
  const ended: Ended = { fired: life.planned.length === 0, refused, left: await left(life, result) };
  life.end();
  expect([...seen]).toEqual(refused || before === champions[0] ? [before] : [before, champions[0]]);
  const history = (await life.stores.models.history(timeframe)).map(({ version }) => version);
  expect(history).toEqual(refused ? champions.slice(1) : champions);
  return ended;
}

const REFUSED = 'refused by the smoke check';

function refusalOf(error: unknown): string {
  if (error instanceof ActivityFailure && error.cause?.message.includes('gives no valid forecast') === true)
    return REFUSED;
  throw error;
}

/** Everything that a training or a change leaves behind, but how long it took. */
async function left({ stores }: Life, result: unknown): Promise<unknown> {
  const { models } = stores;
  const everything = {
    result,
    models: await models.models(timeframe),
    history: await models.history(timeframe),
    shadow: await models.shadow(timeframe),
    freeze: await models.freeze(timeframe),
    events: await models.events(timeframe, { limit: 1_000 }),
    told: [...stores.told.values()].filter(({ kind }) => kind !== 'degraded'),
    files: [...stores.modelFiles.texts.keys()].toSorted(),
    snapshots: [...stores.snapshots.newest].map(([pair, { file }]) => [pair, file]),
  };
  return JSON.parse(JSON.stringify(everything, (key, value: unknown) => (key === 'duration_ms' ? undefined : value)));
}

test.each(Object.entries(RUNS))(
  'F89 I31 a %s that is disturbed at any call of a port ends as if it had not been, with one champion all the time',
  async (name, run) => {
    const golden = await runOf(name, run);
    if (name === 'training') expect(golden.left).toMatchObject({ result: { outcome: 'done' }, shadow: { timeframe } });
    for (const fault of FAULTS) {
      for (let n = 0; ; n++) {
        const disturbed = await runOf(name, run, fault, n);
        if (disturbed.refused) expect(['fail', 'do_then_fail']).toContain(fault);
        else expect([fault, n, disturbed.left]).toEqual([fault, n, golden.left]);
        if (!disturbed.fired) break;
        const outcome = disturbed.refused ? 'refused without a forecast' : 'the same end';
        table.fired(`F89 ${name}: ${fault}`, `${outcome}, one champion`);
      }
    }
  },
  FULL_PROOF ? 1_800_000 : 240_000,
);

test('every call of each was disturbed', () => expect(table.finish()).toEqual([]));
