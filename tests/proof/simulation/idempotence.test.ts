/**
 * I10: every activity may be run again, whichever call of a port failed after it had been done, or before, or took the worker
 * along. A request for a cycle is none of them: it is one by its workflow's ID.
 */
import type { FetchResult } from '../../../activities/contract';
import type { Event } from '../../../src/domain/event';
import { HOUR } from '../../../src/domain/timeframe';
import { Life } from './life';
import type { Pair } from '../../../src/domain/types';
import type { PortFault } from './simulated-worker';
import { outcomeTable } from '../outcome-table';

jest.mock('@temporalio/workflow', () => jest.requireActual<object>('./simulated-workflow'));
jest.mock('@temporalio/activity', () => jest.requireActual<object>('./simulated-activity'));

beforeAll(() => {
  jest.spyOn(globalThis, 'setInterval').mockImplementation(() => 0 as unknown as NodeJS.Timeout);
});
afterAll(() => jest.restoreAllMocks());

/** What each activity is given, in the order of a pair's first hours; `told` is what those before it answered. */
type Told = ReadonlyMap<string, unknown>;
const STEPS: Readonly<Record<string, (life: Life, told: Told) => object>> = {
  openCycle: (life) => ({ ...run(life), timeframe: '1h', trigger: 'test', workflowId: 'w', startedAt: life.time.now }),
  fillPages: (life) => ({ ...pairOf(life), asOf: life.time.now - HOUR, virtual: true }),
  settleFill: (life) => ({ ...pairOf(life), asOf: life.time.now - HOUR, virtual: true }),
  fetch: group,
  write: (life, told) => {
    const [answer] = told.get('fetch') as { value: Extract<FetchResult, { kind: 'candles' }> }[];
    return { ...group(life), pages: [{ symbol: pairOf(life).symbol, ...answer?.value }] };
  },
  repair: group,
  gate: group,
  forecast: group,
  export: (life) => ({ ...group(life), degraded: [] }),
  manifest: group,
  closeCycle: (life) => ({
    ...run(life),
    source: 'simulated',
    timeframe: '1h',
    firstPassAt: life.time.now,
    endedAt: life.time.now,
    outcome: 'published',
    pairs: 1,
    newCandles: 1,
    failed: [],
  }),
  reconcileSymbol: (life) => ({ source: 'simulated', symbol: pairOf(life).symbol, days: 1, asOf: life.time.now }),
};
const NAMES = Object.keys(STEPS);
const FAULTS: readonly PortFault[] = ['do_then_fail', 'fail', 'kill_after'];
const table = outcomeTable(
  'idempotence',
  NAMES.flatMap((name) => FAULTS.map((fault) => `${name}: ${fault}`)),
);

function pairOf(life: Life): Pair {
  const [pair] = life.pairs;
  if (pair === undefined) throw new Error('no pair');
  return pair;
}

function run(life: Life): object {
  return { asOf: life.time.now, runId: 'r', round: 1 };
}

function group(life: Life): object {
  return { source: 'simulated', timeframe: '1h', asOf: life.time.now, symbols: [pairOf(life).symbol] };
}

/** A life in which every activity before `name` has been run once; and the input for that one. */
async function before(name: string): Promise<{ readonly life: Life; readonly input: object }> {
  const life = new Life({ seed: 1, clockOffsetSeconds: 0, pageCap: 17, holes: [20], trouble: 0, commands: [] });
  const told = new Map<string, unknown>();
  for (const step of NAMES) {
    const input = STEPS[step]?.(life, told) ?? {};
    if (step === name) return { life, input };
    told.set(step, await once(life, 0, step, input));
  }
  throw new Error(`there is no activity ${name}`);
}

const once = (life: Life, worker: number, name: string, input: object): Promise<unknown> =>
  life.time.runThrough(life.attempt(life.worker(worker), name, () => life.worker(worker).run(name, input)));

/** When a clock was read is no outcome; nor is the number of a generation that tells the same as the one before. */
const NO_OUTCOME = new Set([
  ...['provenAt', 'recordedAt', 'ops', 'at', 'firstAt', 'lastAt', 'generatedAt', 'generated_at', 'generation'],
  ...['firstAskedAt', 'lastAskedAt', 'updatedAt', 'version'],
]);

function endsOrIsFailure({ kind, ends }: Event, told: ReadonlyMap<string, Event>): boolean {
  return kind === 'manifest_failure' || (ends !== null && told.get(ends)?.kind === 'manifest_failure');
}

/** Everything in the stores and files that an activity leaves behind. */
async function left(life: Life): Promise<unknown> {
  const { stores } = life;
  const ofPairs = life.pairs.map(async (pair) => ({
    candles: await stores.candles.read(pair, {}),
    // That a slot could not be asked for stands in the ledger until its candle is written, which is another activity's work.
    gaps: (await stores.gapLedger.list(pair)).filter(({ asks, failed }) => asks > 0 || failed !== true),
    earliest: await stores.pairState.earliest(pair),
    quarantined: await stores.pairState.quarantined(pair),
    revisions: await stores.pairState.revisions(pair),
    succeeded: (await stores.pairState.stages(pair))
      .filter((stage) => stage.lastSuccessAt !== null)
      .map(({ stage }) => stage),
    forecasts: await stores.forecastLedger.list(pair, 'champion', 0, Number.MAX_SAFE_INTEGER),
    naive: await stores.forecastLedger.list(pair, 'naive', 0, Number.MAX_SAFE_INTEGER),
    scores: await stores.forecastLedger.scores(pair, 'champion', 0, Number.MAX_SAFE_INTEGER),
    mismatches: await stores.dataQuality.mismatches(pair),
  }));
  const ofTimeframes = life.timeframes.map(async (timeframe) => ({
    runs: await stores.runLog.recent(timeframe, 100),
    boundaries: await stores.runLog.boundaries(timeframe, 0, Number.MAX_SAFE_INTEGER),
  }));
  const everything = {
    pairs: await Promise.all(ofPairs),
    symbols: await stores.pairState.symbolStates(),
    timeframes: await Promise.all(ofTimeframes),
    rows: await stores.publication.rows(),
    // That an attempt failed is told, and its end with the one that did not; neither is an outcome of that one.
    told: [...stores.told.values()].filter((event) => !endsOrIsFailure(event, stores.told)).map(({ key }) => key),
    objects: [...stores.files.objects.keys()].toSorted(),
    manifest: JSON.parse(stores.files.manifest ?? 'null') as unknown,
  };
  return JSON.parse(JSON.stringify(everything, (key, value: unknown) => (NO_OUTCOME.has(key) ? undefined : value)));
}

test.each(NAMES)(
  'I10 %s run twice leaves what it leaves when run once, whatever call failed in between',
  async (name) => {
    const golden = await before(name);
    await once(golden.life, 0, name, golden.input);
    const expected = await left(golden.life);
    await once(golden.life, 1, name, golden.input);
    expect(await left(golden.life)).toEqual(expected);
    for (const fault of FAULTS) {
      for (let n = 0; ; n++) {
        const { life, input } = await before(name);
        life.worker(0).planned.push({ fault, after: n });
        await once(life, 0, name, input);
        if (life.worker(0).planned.length > 0) break;
        await once(life, 1, name, input);
        expect([fault, n, await left(life)]).toEqual([fault, n, expected]);
        table.fired(`${name}: ${fault}`, 'the same afterwards');
      }
    }
  },
  120_000,
);

test('every call of every activity failed once', () => expect(table.finish()).toEqual([]));
