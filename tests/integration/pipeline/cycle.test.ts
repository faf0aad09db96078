import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createActivities } from '../../../activities';
import { PipelineError } from '../../../src/domain/errors';
import { HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { cycleWorkflowId, RETENTION, TASK_QUEUE } from '../../../src/domain/names';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
/** 20 days of hours: enough to forecast (240) and to be shown. */
const HOURS = candlesFrom('1h', START, 480);
const NOW = START + 480 * HOUR;
const SYMBOLS = ['BTC/USDT', 'ETH/USDT'];
const KEY = 'BTC/USDT 1h';

let temporal: TestTemporal;
let pipeline: Pipeline;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());

beforeEach(async () => {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT,ETH/USDT', TIMEFRAMES: '1h,1d' });
  for (const symbol of SYMBOLS) {
    pipeline.exchange.setCandles(pairOf(symbol, '1h'), HOURS);
    pipeline.exchange.setCandles(pairOf(symbol, '1d'), candlesFrom('1d', START, 20));
  }
});
afterEach(() => pipeline.stop());

const outcomes = (run: { result: { pairs: readonly { symbol: string; outcome: string }[] } } | undefined) =>
  Object.fromEntries(run?.result.pairs.map((pair) => [pair.symbol, pair.outcome]) ?? []);

describe('a cycle over real stores', () => {
  test('fills an empty store, turns the symbol ready, forecasts, publishes, and what is published verifies', async () => {
    const [first] = await pipeline.drive(['1h'], NOW, NOW + 5_000);
    expect(outcomes(first)).toEqual({ 'BTC/USDT': 'published', 'ETH/USDT': 'published' });
    expect(await pipeline.entry(KEY)).toMatchObject({
      status: 'fresh',
      serve_allowed: true,
      data_through: new Date(NOW).toISOString().replace('.000', ''),
    });
    const prediction = await pipeline.prediction(KEY);
    expect(prediction.forecast).toHaveLength(24);
    expect(prediction.forecast[0]?.timestamp).toBe('2024-01-21T01:00:00Z');
    expect(await pipeline.breaches()).toEqual([]);
    const stored = await pipeline.stores.candles.extent(pairOf('BTC/USDT', '1h'));
    expect(stored).toMatchObject({ first: START, count: 480 });
    // Two histories and two predictions, packed twice each once all is published.
    const objects = await readdir(join(pipeline.stores.folder.published, 'objects'));
    expect(objects.filter((name) => /\.json\.(br|gz)$/.test(name))).toHaveLength(8);
  });

  test('I10 running the same slot again changes neither store nor documents, and issues no second forecast', async () => {
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    const before = (await pipeline.manifest()).entries;
    const [again] = await pipeline.drive(['1h'], NOW, NOW + 5_000);
    expect(again?.result.outcome).toBe('idle');
    expect((await pipeline.manifest()).entries).toEqual(before);
    const issued = await pipeline.stores.state.forecastLedger.list(pairOf('BTC/USDT', '1h'), 'champion', 0, NOW);
    expect(issued).toHaveLength(1);
  });

  test('closed targets are scored, and the track record counts them', async () => {
    pipeline.exchange.setCandles(pairOf('BTC/USDT', '1h'), candlesFrom('1h', START, 484));
    await pipeline.drive(['1h'], NOW, NOW + 3 * HOUR + 5_000);
    const { quality } = await pipeline.prediction(KEY);
    // Origins 0, 1 and 2 hours old with 3, 2 and 1 closed targets.
    expect(quality.sample_count).toBe(6);
    expect(quality.coverage['95']).toBe(1);
    expect(quality.skill_vs_naive).toBe(0);
    expect(await pipeline.breaches()).toEqual([]);
  });

  test('I42 a failed forecast keeps the last good one, marks the pair degraded, and the next success ends it', async () => {
    pipeline.exchange.setCandles(pairOf('BTC/USDT', '1h'), candlesFrom('1h', START, 483));
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    const good = await pipeline.prediction(KEY);
    pipeline.forecaster.failure = new PipelineError('forecast_invalid', 'the model gave a negative price');
    await pipeline.drive(['1h'], NOW + HOUR, NOW + HOUR + 5_000);
    expect(await pipeline.entry(KEY)).toMatchObject({ degraded: true, serve_allowed: true });
    expect(await pipeline.prediction(KEY)).toEqual(good);
    pipeline.forecaster.failure = null;
    await pipeline.drive(['1h'], NOW + 2 * HOUR, NOW + 2 * HOUR + 5_000);
    expect(await pipeline.entry(KEY)).toMatchObject({ degraded: false, status: 'fresh' });
  });

  test('I41 with too few candles nothing is forecast, and the entry says the counts', async () => {
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    await pipeline.drive(['1d'], NOW, NOW + 5_000);
    expect(await pipeline.entry('BTC/USDT 1d')).toMatchObject({
      status: 'insufficient_data',
      serve_allowed: false,
      reason: expect.stringContaining('20 of 120 closed candles'),
    });
    expect(await pipeline.stores.state.forecastLedger.latest(pairOf('BTC/USDT', '1d'), 'champion')).toBeNull();
  });

  test('a symbol whose 1h history is not complete stays hidden: nothing of it is in the user plane', async () => {
    await pipeline.drive(['1d'], NOW, NOW + 5_000);
    expect((await pipeline.manifest()).entries).toEqual([]);
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    expect((await pipeline.manifest()).entries.map(({ key }) => key)).toEqual(['BTC/USDT 1h', 'ETH/USDT 1h']);
  });

  test('I17 a symbol that the exchange does not know fails alone', async () => {
    const other = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT,GONE/USDT', TIMEFRAMES: '1h' });
    other.exchange.setCandles(pairOf('BTC/USDT', '1h'), HOURS);
    const [run] = await other.drive(['1h'], NOW, NOW + 5_000);
    expect(outcomes(run)).toEqual({ 'BTC/USDT': 'published', 'GONE/USDT': 'failed' });
    expect(await other.entry(KEY)).toMatchObject({ status: 'fresh' });
    await other.stop();
  });

  test('I07 a candle that changed after its close is stored, audited and republished; its forecast stays as issued', async () => {
    pipeline.exchange.setCandles(pairOf('BTC/USDT', '1h'), candlesFrom('1h', START, 481));
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    const revised = candlesFrom('1h', START, 481).map((candle, k) =>
      k === 479 ? { ...candle, volume: 4_242 } : candle,
    );
    pipeline.exchange.setCandles(pairOf('BTC/USDT', '1h'), revised);
    await pipeline.drive(['1h'], NOW + HOUR, NOW + HOUR + 5_000);
    const audit = await pipeline.stores.state.pairState.revisions(pairOf('BTC/USDT', '1h'));
    expect(audit).toMatchObject([{ before: { volume: 480 }, after: { volume: 4_242 } }]);
    expect((await pipeline.history(KEY)).data.at(-2)).toMatchObject({ volume: 4_242 });
    expect(await pipeline.breaches()).toEqual([]);
  });

  test('I03 P4 after the state store was lost, the next cycle finds the earliest candle again, and all is published as before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'coin-predict-lost-state-'));
    const environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', DATA_DIR: folder };
    const open = async () => {
      const opened = await openPipeline(temporal, environment);
      opened.exchange.setCandles(pairOf('BTC/USDT', '1h'), candlesFrom('1h', START, 482));
      return opened;
    };
    const before = await open();
    await before.drive(['1h'], NOW, NOW + 5_000);
    const { state } = before.stores.folder;
    await before.stop();
    for (const ending of ['', '-wal', '-shm']) await rm(`${state}${ending}`, { force: true });
    const after = await open();
    const [run] = await after.drive(['1h'], NOW + HOUR, NOW + HOUR + 5_000);
    expect(outcomes(run)).toEqual({ 'BTC/USDT': 'published' });
    expect(await after.entry(KEY)).toMatchObject({ status: 'fresh', data_through: '2024-01-21T01:00:00Z' });
    expect((await after.stores.candles.extent(pairOf('BTC/USDT', '1h')))?.count).toBe(481);
    expect(await after.breaches()).toEqual([]);
    await after.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('F66 a hole is asked for, confirmed, kept in the ledger and never invented', async () => {
    const holed = HOURS.filter((_, k) => k !== 100 && k !== 101);
    pipeline.exchange.setCandles(pairOf('BTC/USDT', '1h'), holed);
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    const gaps = await pipeline.stores.state.gapLedger.list(pairOf('BTC/USDT', '1h'));
    expect(gaps).toMatchObject([
      { from: START + 100 * HOUR, to: START + 101 * HOUR, state: 'confirmed_empty', asks: 2 },
    ]);
    expect((await pipeline.stores.candles.extent(pairOf('BTC/USDT', '1h')))?.count).toBe(478);
    expect(await pipeline.entry(KEY)).toMatchObject({ status: 'fresh' });
  });

  test('an exchange that is down leaves what is published as it is, aging honestly, and all is caught up afterwards', async () => {
    for (const symbol of SYMBOLS) pipeline.exchange.setCandles(pairOf(symbol, '1h'), candlesFrom('1h', START, 490));
    await pipeline.drive(['1h'], NOW, NOW + 5_000);
    pipeline.exchange.fail(new PipelineError('exchange_banned', 'banned', { retryAfterMs: 3_600_000 }));
    const [down] = await pipeline.drive(['1h'], NOW + HOUR, NOW + HOUR + 5_000);
    expect(down?.result.outcome).toBe('failed');
    expect(await pipeline.entry(KEY)).toMatchObject({ data_through: '2024-01-21T00:00:00Z' });
    pipeline.exchange.fail(null);
    await pipeline.drive(['1h'], NOW + 2 * HOUR, NOW + 3 * HOUR + 5_000);
    expect(await pipeline.entry(KEY)).toMatchObject({ data_through: '2024-01-21T03:00:00Z', status: 'fresh' });
    expect((await pipeline.stores.candles.extent(pairOf('BTC/USDT', '1h')))?.count).toBe(483);
    const boundaries = await pipeline.stores.state.runLog.boundaries(parseTimeframe('1h'), NOW, NOW + 4 * HOUR);
    expect(boundaries.map(({ outcome }) => outcome)).not.toContain('failed');
  });

  test('I08 retention removes minutes older than 14 days, and nothing else ever', async () => {
    const minutes = pairOf('BTC/USDT', '1m');
    const edge = NOW - 14 * 24 * HOUR;
    await pipeline.stores.candles.write(minutes, candlesFrom('1m', edge - 3 * 60_000, 5), NOW);
    // Age counts from the newest.
    await pipeline.stores.candles.write(minutes, candlesFrom('1m', NOW - 60_000, 1), NOW);
    await pipeline.stores.candles.write(pairOf('BTC/USDT', '1h'), HOURS, NOW);
    const asked = { state: 'confirmed_empty', asks: 2, firstAskedAt: NOW, lastAskedAt: NOW } as const;
    await pipeline.stores.state.gapLedger.record(minutes, [
      { from: edge - 10 * 60_000, to: edge + 60_000, ...asked },
      { from: edge + 5 * 60_000, to: edge + 5 * 60_000, ...asked },
    ]);
    const run = () =>
      temporal.client.workflow.execute('retention', {
        workflowId: RETENTION,
        taskQueue: TASK_QUEUE,
        args: [{ asOf: NOW }],
      });
    await temporal.withWorkers(createActivities(pipeline.ports), async () => {
      expect(await run()).toMatchObject({ removed: { 'BTC/USDT 1m': 3 } });
      expect(await run()).toMatchObject({ removed: {} });
    });
    expect(await pipeline.stores.candles.extent(minutes)).toMatchObject({ first: edge, count: 3 });
    // I03: what is kept no longer is no gap either, what is kept still is one.
    expect(await pipeline.stores.state.gapLedger.list(minutes)).toEqual([
      { from: edge, to: edge + 60_000, ...asked },
      { from: edge + 5 * 60_000, to: edge + 5 * 60_000, ...asked },
    ]);
    expect((await pipeline.stores.candles.extent(pairOf('BTC/USDT', '1h')))?.count).toBe(480);
  });

  test('a run opened for another source is refused, for good and in one sentence', async () => {
    const activities = createActivities(pipeline.ports);
    await temporal.withWorkers(
      {
        ...activities,
        openCycle: async (input: Parameters<typeof activities.openCycle>[0]) => ({
          ...(await activities.openCycle(input)),
          source: 'other',
        }),
      },
      async () => {
        await expect(
          temporal.client.workflow.execute('cycle', {
            workflowId: cycleWorkflowId(parseTimeframe('1h')),
            taskQueue: TASK_QUEUE,
            args: [{ timeframe: '1h', asOf: NOW + 5_000 }],
          }),
        ).rejects.toMatchObject({ cause: { cause: { type: 'source_mismatch' } } });
      },
    );
  });
});
