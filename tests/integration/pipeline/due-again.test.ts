/** What makes work due although no candle is new: a revised last candle, a published file that is gone or damaged. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import { cycleSchedules } from '../../../temporal/schedules';
import { startTestTemporal } from '../../temporal';
import type { TestTemporal } from '../../temporal';
import { candlesFrom, openPipeline, pairOf } from './pipeline';
import type { Pipeline } from './pipeline';

const START = Date.UTC(2024, 0, 1);
const NOW = START + 250 * HOUR;
const KEY = 'BTC/USDT 1h';
const BTC = pairOf('BTC/USDT', '1h');
const CANDLES = candlesFrom('1h', START, 250);

let temporal: TestTemporal;
let pipeline: Pipeline;

beforeAll(async () => {
  temporal = await startTestTemporal();
}, 120_000);
afterAll(() => temporal.stop());
beforeEach(async () => {
  pipeline = await openPipeline(temporal, { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' });
  pipeline.exchange.setCandles(BTC, CANDLES);
  await cycleAfter(0);
});
afterEach(() => pipeline.stop());

/** A cycle so many minutes after the boundary. */
async function cycleAfter(minutes: number) {
  const [run] = await pipeline.driveAll(
    cycleSchedules([BTC.timeframe], 5_000 + minutes * MINUTE),
    NOW,
    NOW + 5_000 + minutes * MINUTE,
  );
  return run?.result;
}

test('SPEC 6 I42 a last candle that is revised is forecast from anew, and the first issue stays the one that is scored', async () => {
  const before = await pipeline.prediction(KEY);
  expect(before.forecast[0]?.price).toBe(CANDLES.at(-1)?.close);
  pipeline.exchange.setCandles(
    BTC,
    CANDLES.map((candle, k) => (k === CANDLES.length - 1 ? { ...candle, close: 99.5 } : candle)),
  );
  await cycleAfter(20);
  expect((await pipeline.history(KEY)).data.at(-1)?.close).toBe(99.5);
  const after = await pipeline.prediction(KEY);
  expect(after).toMatchObject({ data_through: before.data_through, issued_at: '2024-01-11T10:20:05Z' });
  expect(after.forecast[0]?.price).toBe(99.5);
  const scored = await pipeline.stores.state.forecastLedger.list(BTC, 'champion', 0, NOW);
  expect(scored.map(({ issuedAt, lastClose }) => [issuedAt, lastClose])).toEqual([
    [NOW + 5_000, CANDLES.at(-1)?.close],
  ]);
  expect(await pipeline.breaches()).toEqual([]);
  // Once is enough.
  await cycleAfter(40);
  expect((await pipeline.prediction(KEY)).issued_at).toBe(after.issued_at);
});

test.each(['history', 'prediction'] as const)(
  'F40 a %s that is gone or has a flipped bit is written again by the next cycle',
  async (kind) => {
    const file = (await pipeline.entry(KEY))?.files[kind];
    const path = join(pipeline.stores.folder.published, 'objects', `${file?.sha256}.json`);
    const whole = JSON.stringify(await pipeline[kind](KEY));
    await writeFile(path, ' '.repeat(whole.length));
    await cycleAfter(20);
    expect(await pipeline[kind](KEY)).toMatchObject({ symbol: 'BTC/USDT' });
    expect(await pipeline.entry(KEY)).toMatchObject({ status: 'fresh', serve_allowed: true });
    await rm(path);
    await cycleAfter(40);
    expect(await pipeline.entry(KEY)).toMatchObject({ status: 'fresh', serve_allowed: true });
    expect((await pipeline.entry(KEY))?.files[kind]).not.toBeNull();
    const { generation, entries } = await pipeline.manifest();
    expect(await pipeline.breaches()).toEqual([]);
    const idle = await cycleAfter(45);
    expect(idle).toMatchObject({ outcome: 'idle' });
    expect(await pipeline.manifest()).toMatchObject({ generation: generation + 1, entries });
  },
);
