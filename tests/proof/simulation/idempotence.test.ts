/**
 * I10: every activity may be run again, whichever call of a port failed after it had been done, or before, or took the worker
 * along. A request for a cycle is none of them: it is one by its workflow's ID.
 */
import type { Event } from '../../../src/domain/event';
import { before, NAMES, once } from './activities-by-hand';
import type { Life } from './life';
import type { PortFault } from './simulated-worker';
import { outcomeTable } from '../outcome-table';

jest.mock('@temporalio/workflow', () => jest.requireActual<object>('./simulated-workflow'));
jest.mock('@temporalio/activity', () => jest.requireActual<object>('./simulated-activity'));

beforeAll(() => {
  jest.spyOn(globalThis, 'setInterval').mockImplementation(() => 0 as unknown as NodeJS.Timeout);
});
afterAll(() => jest.restoreAllMocks());

const FAULTS: readonly PortFault[] = ['do_then_fail', 'fail', 'kill_after'];
const table = outcomeTable(
  'idempotence',
  NAMES.flatMap((name) => FAULTS.map((fault) => `${name}: ${fault}`)),
);

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
