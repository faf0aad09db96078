import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseTimeframe } from '../../../src/domain/timeframe';
import type { Candle } from '../../../src/domain/types';
import { backtest } from '../../../src/forecasting/backtest';
import type { BacktestOptions, BacktestProgress, BacktestResult } from '../../../src/forecasting/backtest';
import { testOnCandles } from '../../candles';
import { randomWalk } from '../../unit/forecasting/random-walk';
import { openWorkshop } from './compiled';
import type { Workshop } from './compiled';

const HOUR = parseTimeframe('1h');
let workshop: Workshop;
let folder: string;

function writeCandles(name: string, candles: readonly Candle[]): void {
  const lines = candles.map((one) => [one.openTime, one.open, one.high, one.low, one.close, one.volume].join(','));
  const text = ['timestamp_ms,open,high,low,close,volume', ...lines, ''].join('\n');
  writeFileSync(join(folder, name), gzipSync(text));
}

function run(more: Partial<BacktestOptions> = {}): Promise<BacktestResult> {
  const families = ['trend-volatility', 'naive'];
  const { workerFile } = workshop;
  return backtest({ dataDir: folder, timeframe: HOUR, origins: 25, window: 120, families, workerFile, ...more });
}

beforeAll(() => {
  workshop = openWorkshop();
  folder = mkdtempSync(join(tmpdir(), 'coin-predict-candles-'));
  writeCandles('AAA_USDT-1h.csv.gz', randomWalk(HOUR, 400, 1));
  writeCandles('BBB_USDT-1h.csv.gz', randomWalk(HOUR, 149, 2));
  writeCandles('CCC_USDT-1h.csv.gz', randomWalk(HOUR, 148, 3));
  writeCandles('AAA_USDT-1d.csv.gz', randomWalk(parseTimeframe('1d'), 60, 4));
}, 60_000);
afterAll(() => {
  workshop.remove();
  rmSync(folder, { recursive: true });
});

describe('a back-test', () => {
  test('has one row a family, the yardstick first with ratios of exactly 1, and marks the default', async () => {
    const { rows } = await run();
    expect(rows.map(({ family }) => family)).toEqual(['naive-conformal', 'trend-volatility', 'naive']);
    expect(rows[0]).toMatchObject({ mae_ratio: 1, pinball_ratio: 1, default: false });
    expect(rows.map((row) => row.default)).toEqual([false, true, false]);
    for (const row of rows) {
      expect(row.n).toBe(50);
      expect(row.seconds).toBeGreaterThan(0);
      expect(row.cov95).toBeGreaterThan(row.cov80);
    }
  });

  test('takes the files of its timeframe and names those too short for the window', async () => {
    const { series, skipped } = await run();
    expect(series).toEqual(['AAA_USDT-1h.csv.gz', 'BBB_USDT-1h.csv.gz']);
    expect(skipped).toEqual(['CCC_USDT-1h.csv.gz']);
  });

  test('names a family that needs more candles than the window', async () => {
    const { rows, failures } = await run({ window: 50, families: ['prophet', 'naive'] });
    expect(failures).toMatchObject([
      { family: 'prophet', failed: 75, why: expect.stringMatching(/needs 100/) as string },
    ]);
    expect(rows.map(({ family }) => family)).toEqual(['naive-conformal', 'naive']);
  });

  test('gives the same numbers again, on one thread or two', async () => {
    const untimed = ({ rows }: BacktestResult): unknown => rows.map((row) => ({ ...row, seconds: 0 }));
    expect(untimed(await run({ threads: 1 }))).toEqual(untimed(await run({ threads: 2 })));
  });

  test('tells its progress up to the last forecast', async () => {
    const seen: BacktestProgress[] = [];
    await run({ onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toMatchObject({ done: 150, total: 150, secondsLeft: 0 });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).toSorted((a, b) => a - b));
    for (const { rate } of seen) expect(rate).toBeGreaterThan(0);
  });

  test('names a family that fails at some origins and measures the rest against the yardstick there', async () => {
    const timeframe = parseTimeframe('2h');
    const still = { open: 100, high: 100, low: 100, close: 100 };
    const candles = randomWalk(timeframe, 450, 5).map((candle, i) => (i < 150 ? { ...candle, ...still } : candle));
    writeCandles('DDD_USDT-2h.csv.gz', candles);
    const { rows, failures } = await run({ timeframe, origins: 4, families: ['prophet'] });
    expect(failures).toEqual([{ family: 'prophet', failed: 1, why: expect.stringContaining('never moved') as string }]);
    expect(rows.map(({ family, n }) => [family, n])).toEqual([
      ['naive-conformal', 4],
      ['prophet', 3],
    ]);
    expect(rows[1]?.pinball_ratio).toBeGreaterThan(0);
  });

  test.each([
    ['an unknown family', { families: ['oracle'] }, /"oracle" is not a model family/],
    ['no origins', { origins: 0 }, /0 origins/],
    ['half a window', { window: 120.5 }, /window/],
    ['a window no longer than the steps', { window: 24 }, /window of 24/],
    ['a folder without such files', { timeframe: parseTimeframe('1w') }, /no file named \*-1w.csv.gz/],
    ['only short series', { window: 5000 }, /no series with 5029 rows/],
    ['a folder that is not there', { dataDir: join(tmpdir(), 'nowhere-at-all') }, /can not be read/],
  ])('refuses %s', async (_name, more, sentence) => {
    const refused = expect(run(more)).rejects;
    await refused.toMatchObject({ code: 'invalid_input', message: expect.stringMatching(sentence) as string });
  });
});

// Means over all origins of the script's naive-conformal losses, numpy 2 and pandas on the same files.
for (const [timeframe, window, origins, expected] of [
  [
    '1d',
    500,
    12,
    {
      n: 96,
      mae: 0.13455542739495194,
      pinball: 0.04230035017647878,
      cov80: 0.7838541666666666,
      cov95: 0.9223090277777777,
    },
  ],
  [
    '1w',
    104,
    12,
    {
      n: 96,
      mae: 0.3664278451891229,
      pinball: 0.15177873315482668,
      cov80: 0.8133680555555557,
      cov95: 0.9153645833333334,
    },
  ],
  [
    '1M',
    30,
    12,
    {
      n: 48,
      mae: 1.028296169396221,
      pinball: 0.4749259219057142,
      cov80: 0.6336805555555556,
      cov95: 0.7144097222222223,
    },
  ],
] as const) {
  testOnCandles(
    `the yardstick has the losses of the Python script to the twelfth digit: ${timeframe}`,
    async (candles) => {
      const result = await run({ dataDir: candles, timeframe: parseTimeframe(timeframe), window, origins });
      expect(result.rows[0]?.n).toBe(expected.n);
      expect(result.yardstick.mae).toBeCloseTo(expected.mae, 12);
      expect(result.yardstick.pinball).toBeCloseTo(expected.pinball, 12);
      expect(result.rows[0]?.cov80).toBeCloseTo(expected.cov80, 12);
      expect(result.rows[0]?.cov95).toBeCloseTo(expected.cov95, 12);
    },
  );
}

testOnCandles(
  'the default family is better than the yardstick on real weeks, and its bands hold what they say',
  async (candles) => {
    const { rows } = await run({
      dataDir: candles,
      timeframe: parseTimeframe('1w'),
      window: 104,
      origins: 12,
      families: ['range-volatility'],
    });
    const own = rows.find((row) => row.default);
    expect(own?.pinball_ratio).toBeLessThan(0.85);
    expect(own?.cov80).toBeGreaterThan(0.72);
    expect(own?.cov80).toBeLessThan(0.88);
  },
);
