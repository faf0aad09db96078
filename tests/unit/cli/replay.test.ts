import { tmpdir } from 'node:os';
import type { ReplayReport, ReplayRequest } from '../../../src/cli/wiring';
import { PipelineError } from '../../../src/domain/errors';
import { World } from './test-wiring';

const DATA = tmpdir();
const REPORT: ReplayReport = {
  from: '2024-12-01T00:00:00.000Z',
  to: '2024-12-02T00:00:00.000Z',
  stands_at: null,
  complete: true,
  planned: 3,
  cycles: { total: 3, published: 2, idle: 1 },
  seconds: 90,
  cycles_a_second: 0.03,
  models: { trainings: 0, reports: 0, seconds: 0 },
  boundaries: { done: 2, skipped: 1 },
  not_done: [{ timeframe: '1h', boundary: '2024-12-01T05:00:00.000Z', outcome: 'skipped', reason: 'an outage' }],
  generations: 3,
  statuses: { fresh: 5, stale: 1 },
  verified: { cycles: 3, breaches: [] },
  pairs: [
    {
      pair: 'BTC/USDT 1h',
      candles: 1234,
      first: null,
      last: null,
      holes: 3,
      unexplained: 0,
      gaps: [
        { from: '2024-12-01T05:00:00.000Z', slots: 2, state: 'outage', asks: 2 },
        { from: '2024-12-01T09:00:00.000Z', slots: 1, state: 'suspect', asks: 1 },
      ],
      revised: 0,
      quarantined: 0,
      forecasts: 24,
      steps_scored: 276,
    },
  ],
  story: [],
};

function worldWith(report: ReplayReport): World & { requests: ReplayRequest[] } {
  const world = Object.assign(new World(), { requests: [] as ReplayRequest[] });
  world.overrides = {
    stopping: new AbortController().signal,
    replay: async (request) => {
      world.requests.push(request);
      request.onProgress({ at: Date.UTC(2024, 11, 1, 5), done: 1, total: 3, cyclesASecond: 2, etaMs: 61_000 });
      return report;
    },
  };
  return world;
}

describe('replay', () => {
  test('hands on what it was asked for, tells how far it is on stderr and prints the report as JSON', async () => {
    const world = worldWith(REPORT);
    const line = `replay --data ${DATA} --from 2024-12-01 --to 2024-12-02 --symbols BTC/USDT --timeframes 1h -o json`;
    expect(await world.run(line)).toBe(0);
    expect(world.requests).toEqual([
      expect.objectContaining({
        dataDir: DATA,
        symbols: 'BTC/USDT',
        timeframes: '1h',
        from: Date.UTC(2024, 11, 1),
        to: Date.UTC(2024, 11, 2),
        verify: true,
      }),
    ]);
    expect(world.json()).toEqual(REPORT);
    expect(world.stderr).toBe('2024-12-01 05:00  1 of 3 cycles  2.00 a second  1:01 left\n');
  });

  test('tells in words what happened, hole by hole and boundary by boundary', async () => {
    const world = worldWith(REPORT);
    await world.run(`replay --data ${DATA} --from 2024-12-01 --to 2024-12-02`);
    expect(world.stdout).toContain('time         1.5 min, 0.03 cycles a second');
    expect(world.stdout).toContain('verified     after 3 cycles: no broken rule');
    expect(world.stdout).toMatch(/BTC\/USDT 1h +1,234 +3 +2 outage, 1 suspect +0 +0 +0 +24 +276/);
    expect(world.stdout).toContain('1h 2024-12-01T05:00:00.000Z skipped: an outage');
  });

  test('models live when asked for, and schedules that stay paused are handed on', async () => {
    const world = worldWith(REPORT);
    const line = `replay --data ${DATA} --from 2024-12-01 --to 2024-12-02`;
    await world.run(line);
    await world.run(`${line} --models --paused train-1h,cycle-1h`);
    expect(world.requests.map(({ models, paused }) => [models, paused])).toEqual([
      [false, []],
      [true, ['train-1h', 'cycle-1h']],
    ]);
  });

  test('tells what happened to models, a line an event, what repeated only once', async () => {
    const lines = [
      { event: 'trained', sentence: 'trained on ETH/USDT (schedule): kept', times: 3, mean_seconds: 2.04 },
      { event: 'rolled_back', sentence: 'rolled back to naive v1', effective_at: '2024-12-01T02:00:05.000Z' },
    ] as const;
    const story = lines.map((line) => ({
      at: '2024-12-01T00:35:00.000Z',
      until: '2024-12-03T00:35:00.000Z',
      times: 1,
      timeframe: '1h',
      version: 'v1',
      by: 'automatic',
      mean_seconds: null,
      blocked_by: [],
      effective_at: null,
      ...line,
    }));
    const world = worldWith({ ...REPORT, models: { trainings: 3, reports: 3, seconds: 90 }, story });
    await world.run(`replay --data ${DATA} --from 2024-12-01 --to 2024-12-02`);
    expect(world.stdout).toContain('models       3 trainings by schedule, 3 reports, 1.5 min');
    expect(world.stdout).toContain(
      '2024-12-01 00:35  1h  trained on ETH/USDT (schedule): kept (2.0 s each); 3 times until 2024-12-03 00:35\n' +
        '2024-12-01 00:35  1h  rolled back to naive v1; forecasts from 2024-12-01 02:00\n',
    );
  });

  test('a broken rule ends with the code for data and says which', async () => {
    const world = worldWith({ ...REPORT, verified: { cycles: 3, breaches: ['2024-12-01 I20 objects/x is damaged'] } });
    expect(await world.run(`replay --data ${DATA} --from 2024-12-01 --to 2024-12-02`)).toBe(5);
    expect(world.stdout).toContain('2024-12-01 I20 objects/x is damaged');
  });

  test('asked to stop it says that it goes on from there, and does not serve', async () => {
    const world = worldWith({ ...REPORT, complete: false });
    world.overrides = { ...world.overrides, stopping: AbortSignal.abort() };
    expect(await world.run(`replay --data ${DATA} --from 2024-12-01 --until 2024-12-02`)).toBe(8);
    expect(world.stderr).toContain('error: stopped; the same command goes on from here.');
    expect(world.asked).toEqual([]);
  });

  test('asked to stop in its last run it is done, and there is nothing to go on with', async () => {
    const world = worldWith(REPORT);
    world.overrides = { ...world.overrides, stopping: AbortSignal.abort() };
    expect(await world.run(`replay --data ${DATA} --from 2024-12-01 --to 2024-12-02`)).toBe(0);
    expect(world.stderr).not.toContain('stopped');
  });

  test('every cycle failed is a failure, looked at or not; one of them is the past as it was', async () => {
    const line = `replay --data ${DATA} --from 2024-12-01 --to 2024-12-02 --no-verify`;
    const all = worldWith({ ...REPORT, cycles: { total: 3, failed: 3 } });
    expect(await all.run(line)).toBe(1);
    expect(all.stderr).toContain('error: every cycle failed; "EXCHANGE=replay coin-predict why SYMBOL TIMEFRAME"');
    const one = worldWith({ ...REPORT, cycles: { total: 3, published: 2, failed: 1 } });
    expect(await one.run(line)).toBe(0);
  });

  test('a folder that was replayed further before says where it stands', async () => {
    const world = worldWith({ ...REPORT, stands_at: '2024-12-09T00:00:05.000Z' });
    await world.run(`replay --data ${DATA} --from 2024-12-01 --to 2024-12-02`);
    expect(world.stdout).toContain('stands at    2024-12-09T00:00:05.000Z: gaps are told as known there');
  });

  test('one that was stopped says how many of its cycles were run, and what was not looked at', async () => {
    const world = worldWith({ ...REPORT, planned: 759, verified: { cycles: 0, breaches: [] } });
    await world.run(`replay --data ${DATA} --from 2024-12-01 --to 2024-12-02 --no-verify`);
    expect(world.stdout).toContain('cycles       3 of 759, 2 published, 1 idle');
    expect(world.stdout).toContain('verified     not looked at');
  });

  test('until a moment it serves what was published then, after the report', async () => {
    const world = worldWith(REPORT);
    const stopping = new AbortController();
    world.overrides = { ...world.overrides, stopping: stopping.signal };
    const ended = world.run(`replay --data ${DATA} --from 2024-12-01 --until 2024-12-01T05:30`);
    setTimeout(() => stopping.abort(), 50);
    expect(await ended).toBe(0);
    const moment = Date.UTC(2024, 11, 1, 5, 30);
    expect(world.requests[0]?.to).toBe(moment);
    expect(world.asked).toEqual([`replay as of ${moment}`, `stop replay as of ${moment}`]);
    expect(world.stdout).toMatch(/^replayed .*\n\npage +http/s);
  });

  test('until a moment it is one JSON document: the report, and where it is served', async () => {
    const world = worldWith(REPORT);
    const stopping = new AbortController();
    world.overrides = { ...world.overrides, stopping: stopping.signal };
    const ended = world.run(`replay --data ${DATA} --from 2024-12-01 --until 2024-12-01T05:30 -o json`);
    setTimeout(() => stopping.abort(), 50);
    expect(await ended).toBe(0);
    expect(world.json()).toEqual({ ...REPORT, serving: { page: 'http://127.0.0.1:1', web_ui: null } });
  });

  test('where nothing can be served the report is told all the same', async () => {
    const world = worldWith(REPORT);
    const startReplayWeb = async (): Promise<never> => {
      throw new PipelineError('invalid_input', 'nothing that was published by then is kept');
    };
    world.overrides = { ...world.overrides, startReplayWeb };
    expect(await world.run(`replay --data ${DATA} --from 2024-12-01 --until 2024-12-01T05:30 -o json`)).toBe(2);
    expect(world.json()).toEqual(REPORT);
  });

  test.each([
    [`replay --data /nowhere --from 2024-12-01 --to 2024-12-02`, '--data: there is no folder "/nowhere".'],
    [`replay --data ${DATA} --from 2024-12-01`, 'replay needs --to or --until: where it ends.'],
    [
      `replay --data ${DATA} --from 2024-12-01 --to 2024-12-02 --until 2024-12-02`,
      '--to and --until exclude each other',
    ],
    [`replay --data ${DATA} --from 2024-12-02 --to 2024-12-01`, 'before it begins.'],
    [`replay --data ${DATA} --from yesterday --to 2024-12-01`, 'Write a UTC time that exists, like 2024-05-01'],
  ])('%s is refused with one sentence', async (line, sentence) => {
    const world = worldWith(REPORT);
    expect(await world.run(line)).toBe(2);
    expect(world.stderr).toContain(sentence);
    expect(world.requests).toEqual([]);
  });
});
