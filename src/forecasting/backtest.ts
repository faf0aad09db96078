/**
 * Walk-forward back-test on candle files: every family forecasts 24 steps from the same origins of every series, each
 * seeing only the window before the origin, and is measured against the yardstick, the conformal naive forecast.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defaultChampion } from '../config/default-champions';
import { FAMILY_NAMES } from '../config/family-names';
import { PipelineError } from '../domain/errors';
import type { TimeframeId } from '../domain/types';
import { BACKTEST_STEPS } from './backtest-score';
import type { OriginLosses, OriginScore, ScoreTask } from './backtest-score';
import { readCandles } from './candle-file';
import { familyNamed, YARDSTICK_FAMILY } from './families';
import { openThreadPool } from './thread-pool';
import type { ThreadPool, ThreadPoolOptions } from './thread-pool';

export interface BacktestOptions {
  /** Folder of `{BASE}_{QUOTE}-{timeframe}.csv.gz`. */
  readonly dataDir: string;
  readonly timeframe: TimeframeId;
  /** Origins per series, evenly spaced from row `window` to 24 rows before the end. */
  readonly origins: number;
  /** Candles before each origin that a family sees. */
  readonly window: number;
  /** Names of families; all when absent. The yardstick is always there. */
  readonly families?: readonly string[];
  readonly threads?: ThreadPoolOptions['threads'];
  readonly workerFile?: ThreadPoolOptions['workerFile'];
  readonly onProgress?: (progress: BacktestProgress) => void;
}

export interface BacktestProgress {
  /** Forecasts made, of all families together. */
  readonly done: number;
  readonly total: number;
  /** Forecasts a second since the start. */
  readonly rate: number;
  readonly secondsLeft: number;
}

export interface BacktestRow {
  readonly family: string;
  readonly recipe: string;
  /** True for the family that is champion where nothing else was decided. */
  readonly default: boolean;
  /** Origins scored. */
  readonly n: number;
  /** Mean absolute error and mean pinball loss, both over the last close, as shares of the yardstick's. */
  readonly mae_ratio: number;
  readonly pinball_ratio: number;
  /** Share of all steps that the interval held. */
  readonly cov80: number;
  readonly cov95: number;
  /** Mean seconds to fit and predict at one origin. */
  readonly seconds: number;
}

export interface BacktestFailure {
  readonly family: string;
  readonly failed: number;
  /** The first one, in words. */
  readonly why: string;
}

export interface BacktestResult {
  readonly rows: readonly BacktestRow[];
  /** The yardstick's own mean losses, which the ratios are relative to. */
  readonly yardstick: { readonly mae: number; readonly pinball: number };
  readonly series: readonly string[];
  /** Files with too few rows for the window. */
  readonly skipped: readonly string[];
  readonly failures: readonly BacktestFailure[];
}

interface Series {
  readonly file: string;
  readonly origins: readonly number[];
}

/** Tasks of this many origins keep the threads evenly busy and the progress moving. */
const ORIGINS_PER_TASK = 20;
/** Rows a series needs beyond its window. */
const ROWS_BEYOND_WINDOW = BACKTEST_STEPS + 5;
const LIMITS = { timeLimitMs: 600_000, memoryMb: 1024 };

/** @throws PipelineError `invalid_input` for an unknown family, a bad number or a folder without usable series. */
export async function backtest(options: BacktestOptions): Promise<BacktestResult> {
  const { window, threads, workerFile } = options;
  const families = [...new Set([YARDSTICK_FAMILY, ...(options.families ?? FAMILY_NAMES)])];
  for (const family of families) familyNamed(family).candlesWanted({ window });
  if (window <= BACKTEST_STEPS) {
    throw badInput(`a window of ${window}: the yardstick needs more candles than the ${BACKTEST_STEPS} steps ahead`);
  }
  const { series, skipped } = seriesIn(options);
  const pool = openThreadPool({
    ...LIMITS,
    ...(threads === undefined ? {} : { threads }),
    ...(workerFile === undefined ? {} : { workerFile }),
  });
  try {
    const scores = await scoreAll(pool, families, series, options);
    return { ...summarised(scores, options), series: series.map(({ file }) => file), skipped };
  } finally {
    await pool.close();
  }
}

/**
 * Row numbers evenly spaced from `first` to `last`, both included, cut to whole numbers: numpy's
 * `linspace(first, last, count).astype(int)` with its rounding. They repeat when there are fewer rows than origins.
 */
export function spacedOrigins(first: number, last: number, count: number): readonly number[] {
  if (count === 1) return [first];
  const step = (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? last : Math.trunc(i * step + first)));
}

function seriesIn(options: BacktestOptions): {
  readonly series: readonly Series[];
  readonly skipped: readonly string[];
} {
  const { dataDir, timeframe, origins, window } = options;
  if (!Number.isInteger(origins) || origins < 1) throw badInput(`${origins} origins: a whole number above 0 is needed`);
  const series: Series[] = [];
  const skipped: string[] = [];
  for (const file of filesIn(dataDir, timeframe)) {
    const rows = readCandles(join(dataDir, file)).length;
    if (rows < window + ROWS_BEYOND_WINDOW) skipped.push(file);
    else series.push({ file, origins: spacedOrigins(window, rows - BACKTEST_STEPS, origins) });
  }
  if (series.length > 0) return { series, skipped };
  const needed = `${window + ROWS_BEYOND_WINDOW} rows`;
  const why = skipped.length === 0 ? `no file named *-${timeframe}.csv.gz` : `no series with ${needed}`;
  throw badInput(`${dataDir} holds ${why}`);
}

function filesIn(dataDir: string, timeframe: TimeframeId): readonly string[] {
  try {
    return readdirSync(dataDir)
      .filter((name) => name.endsWith(`-${timeframe}.csv.gz`))
      .toSorted();
  } catch (cause) {
    throw badInput(`${dataDir} can not be read: ${String(cause)}`);
  }
}

function badInput(sentence: string): PipelineError {
  return new PipelineError('invalid_input', sentence);
}

type FamilyScores = ReadonlyMap<string, readonly OriginScore[]>;

/** Scores of each family, in the same order of series and origins. */
async function scoreAll(
  pool: ThreadPool,
  families: readonly string[],
  series: readonly Series[],
  { dataDir, timeframe, window, onProgress }: BacktestOptions,
): Promise<FamilyScores> {
  const tasks: ScoreTask[] = series.flatMap(({ file, origins }) =>
    chunksOf(origins).flatMap((chunk) =>
      families.map((family) => {
        const recipe = { family, settings: { window } };
        return { file: join(dataDir, file), timeframe, recipe, window, origins: chunk };
      }),
    ),
  );
  const total = tasks.reduce((sum, { origins }) => sum + origins.length, 0);
  const started = performance.now();
  let done = 0;
  const results = await Promise.all(
    tasks.map(async (task) => {
      const scores = await pool.run<readonly OriginScore[]>('scoreOrigins', task);
      done += task.origins.length;
      const rate = done / ((performance.now() - started) / 1000);
      onProgress?.({ done, total, rate, secondsLeft: (total - done) / rate });
      return { family: task.recipe.family, scores };
    }),
  );
  return new Map(
    families.map((name) => [name, results.flatMap(({ family, scores }) => (family === name ? scores : []))]),
  );
}

function chunksOf(origins: readonly number[]): readonly (readonly number[])[] {
  const chunks = [];
  for (let i = 0; i < origins.length; i += ORIGINS_PER_TASK) chunks.push(origins.slice(i, i + ORIGINS_PER_TASK));
  return chunks;
}

function summarised(scores: FamilyScores, options: BacktestOptions): Omit<BacktestResult, 'series' | 'skipped'> {
  const yardstick = scores.get(YARDSTICK_FAMILY) ?? [];
  const failures: BacktestFailure[] = [];
  const rows: BacktestRow[] = [];
  for (const [family, own] of scores) {
    const failed = own.filter(({ failure }) => failure !== null);
    const why = failed[0]?.failure;
    if (why !== undefined && why !== null) failures.push({ family, failed: failed.length, why });
    const pairs = own.flatMap(({ losses }, i) => {
      const base = yardstick[i]?.losses ?? null;
      return losses === null || base === null ? [] : [{ losses, base }];
    });
    if (pairs.length > 0) rows.push(rowOf(family, options, pairs));
  }
  const base = yardstick.flatMap(({ losses }) => (losses === null ? [] : [losses]));
  const losses = { mae: meanOf(base, ({ mae }) => mae), pinball: meanOf(base, ({ pinball }) => pinball) };
  return { rows, yardstick: losses, failures };
}

interface LossPair {
  readonly losses: OriginLosses;
  readonly base: OriginLosses;
}

/** Ratios of means over the origins that both forecast, so that a failure is no advantage. */
function rowOf(family: string, { timeframe, window }: BacktestOptions, pairs: readonly LossPair[]): BacktestRow {
  const ratio = (loss: (losses: OriginLosses) => number): number =>
    meanOf(pairs, ({ losses }) => loss(losses)) / meanOf(pairs, ({ base }) => loss(base));
  return {
    family,
    recipe: `${family} window=${window}`,
    default: family === defaultChampion(timeframe),
    n: pairs.length,
    mae_ratio: ratio(({ mae }) => mae),
    pinball_ratio: ratio(({ pinball }) => pinball),
    cov80: meanOf(pairs, ({ losses }) => losses.cov80),
    cov95: meanOf(pairs, ({ losses }) => losses.cov95),
    seconds: meanOf(pairs, ({ losses }) => losses.seconds),
  };
}

function meanOf<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0) / items.length;
}
