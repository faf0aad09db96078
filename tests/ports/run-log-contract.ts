/** What every run log must do. */
import type { BoundaryRecord, CycleRun, CycleRunEnd, RunLog } from '../../src/ports/run-log';
import { BTC_1H, ETH_1D, slot } from './store-fixtures';

const run: CycleRun = {
  timeframe: BTC_1H.timeframe,
  workflowId: 'cycle-1h',
  runId: 'run-1',
  round: 1,
  asOf: slot(1),
  startedAt: slot(1) + 5000,
  trigger: 'schedule',
};
const end: CycleRunEnd = {
  firstPassAt: slot(1) + 9000,
  endedAt: slot(1) + 9500,
  outcome: 'published',
  pairs: 5,
  failed: 0,
  newCandles: 5,
};
const boundary: BoundaryRecord = {
  timeframe: BTC_1H.timeframe,
  boundary: slot(1),
  outcome: 'skipped',
  reason: 'paused',
  recordedAt: slot(2),
};

export function runLogContract(name: string, make: () => Promise<RunLog>): void {
  describe(`run log: ${name}`, () => {
    describe('runs', () => runs(make));
    describe('boundaries', () => boundaries(make));
  });
}

function runs(make: () => Promise<RunLog>): void {
  test('a run is open until its end is told', async () => {
    const log = await make();
    await log.begin(run);
    expect(await log.recent(run.timeframe, 10)).toStrictEqual([{ ...run, end: null }]);
    await log.end('run-1', 1, end);
    expect(await log.recent(run.timeframe, 10)).toStrictEqual([{ ...run, end }]);
  });

  test('a cycle that failed before its first pass has no time of it', async () => {
    const log = await make();
    await log.begin(run);
    await log.end('run-1', 1, { ...end, firstPassAt: null, outcome: 'failed' });
    expect(await log.recent(run.timeframe, 10)).toMatchObject([{ end: { firstPassAt: null, outcome: 'failed' } }]);
  });

  test('I10 beginning again changes nothing, not even after the end', async () => {
    const log = await make();
    await log.begin(run);
    await log.end('run-1', 1, end);
    await log.end('run-1', 1, end);
    await log.begin({ ...run, startedAt: slot(9) });
    expect(await log.recent(run.timeframe, 10)).toStrictEqual([{ ...run, end }]);
  });

  test('the end of a run that was never begun is not invented', async () => {
    const log = await make();
    await log.begin(run);
    await log.end('run-2', 1, end);
    await log.end('run-1', 2, end);
    expect(await log.recent(run.timeframe, 10)).toStrictEqual([{ ...run, end: null }]);
  });

  test('the newest runs come first, round by round, up to the limit, of one timeframe', async () => {
    const log = await make();
    const second = { ...run, round: 2 };
    const later = { ...run, runId: 'run-0', startedAt: slot(2) };
    for (const each of [run, later, second, { ...run, timeframe: ETH_1D.timeframe, runId: 'run-9' }])
      await log.begin(each);
    const recent = await log.recent(run.timeframe, 10);
    expect(recent.map(({ runId, round }) => [runId, round])).toEqual([
      ['run-0', 1],
      ['run-1', 2],
      ['run-1', 1],
    ]);
    expect(await log.recent(run.timeframe, 1)).toMatchObject([{ runId: 'run-0' }]);
  });
}

function boundaries(make: () => Promise<RunLog>): void {
  test('boundaries are listed ascending, both ends included, of one timeframe', async () => {
    const log = await make();
    const at = (index: number): BoundaryRecord => ({ ...boundary, boundary: slot(index) });
    await log.recordBoundaries([at(3), at(1), at(2), { ...at(2), timeframe: ETH_1D.timeframe }]);
    expect(await log.boundaries(run.timeframe, slot(1), slot(2))).toStrictEqual([at(1), at(2)]);
  });

  test('a boundary that failed and was done later is done', async () => {
    const log = await make();
    await log.recordBoundaries([{ ...boundary, outcome: 'failed' }]);
    await log.recordBoundaries([{ ...boundary, outcome: 'done', reason: 'caught up' }]);
    expect(await log.boundaries(run.timeframe, 0, slot(9))).toMatchObject([{ outcome: 'done', reason: 'caught up' }]);
  });

  test('a boundary that was done stays done', async () => {
    const log = await make();
    const done: BoundaryRecord = { ...boundary, outcome: 'done', reason: 'published' };
    await log.recordBoundaries([done]);
    await log.recordBoundaries([boundary]);
    expect(await log.boundaries(run.timeframe, 0, slot(9))).toStrictEqual([done]);
  });
}
