/** Scores one recipe at some origins of one series, inside a worker thread. */
import { pinballLoss } from '../domain/quantiles';
import type { QuantileForecast } from '../domain/quantiles';
import type { Candle, TimeframeId } from '../domain/types';
import type { Recipe } from '../ports/forecaster';
import { readCandles } from './candle-file';
import { familyNamed } from './families';

/** Steps ahead that every back-test scores. */
export const BACKTEST_STEPS = 24;

export interface ScoreTask {
  readonly file: string;
  readonly timeframe: TimeframeId;
  readonly recipe: Recipe;
  /** Rows before an origin that the recipe sees. */
  readonly window: number;
  /** Row numbers; the first row that is forecast. */
  readonly origins: readonly number[];
}

export interface OriginScore {
  /** Null when the forecast failed; then `failure` says why. */
  readonly losses: OriginLosses | null;
  readonly failure: string | null;
}

export interface ForecastLosses {
  /** Mean over the steps, divided by the last close. */
  readonly mae: number;
  readonly pinball: number;
  /** Share of the steps that the interval held. */
  readonly cov80: number;
  readonly cov95: number;
}

export interface OriginLosses extends ForecastLosses {
  readonly seconds: number;
}

let lastRead: { readonly file: string; readonly candles: readonly Candle[] } | undefined;

function candlesOf(file: string): readonly Candle[] {
  if (lastRead?.file !== file) lastRead = { file, candles: readCandles(file) };
  return lastRead.candles;
}

/** One score an origin, in the order given. */
export async function scoreOrigins(task: ScoreTask): Promise<readonly OriginScore[]> {
  const candles = candlesOf(task.file);
  const scores: OriginScore[] = [];
  for (const origin of task.origins) scores.push(await scoreOrigin(task, candles, origin));
  return scores;
}

async function scoreOrigin(task: ScoreTask, candles: readonly Candle[], origin: number): Promise<OriginScore> {
  const started = performance.now();
  try {
    const rows = await forecastAt(task, candles, origin);
    const seconds = (performance.now() - started) / 1000;
    if (!rows.flat().every(Number.isFinite)) return { losses: null, failure: 'not a finite number' };
    const actual = candles.slice(origin, origin + BACKTEST_STEPS).map(({ close }) => close);
    return { losses: { ...forecastLosses(rows, actual, candles[origin - 1]?.close ?? NaN), seconds }, failure: null };
  } catch (cause) {
    return { losses: null, failure: cause instanceof Error ? cause.message : String(cause) };
  }
}

/** The forecast of the rows from `origin` on; it sees the `window` rows before and nothing else (PROOF I45). */
export async function forecastAt(
  { timeframe, recipe, window }: Pick<ScoreTask, 'timeframe' | 'recipe' | 'window'>,
  candles: readonly Candle[],
  origin: number,
): Promise<QuantileForecast> {
  const past = candles.slice(origin - window, origin);
  const family = familyNamed(recipe.family);
  const model = await family.fit({ timeframe, candles: past, settings: recipe.settings });
  return family.predict(model, past, BACKTEST_STEPS);
}

/** Losses of one forecast against the closes of its steps, in units of `lastClose`. */
export function forecastLosses(rows: QuantileForecast, actual: readonly number[], lastClose: number): ForecastLosses {
  const mean = (score: (row: QuantileForecast[number], close: number) => number): number =>
    rows.reduce((sum, row, k) => sum + score(row, actual[k] ?? NaN), 0) / rows.length;
  return {
    mae: mean((row, close) => Math.abs(close - row[3])) / lastClose,
    pinball: mean((row, close) => pinballLoss(close, row)) / lastClose,
    cov80: mean((row, close) => (close >= row[1] && close <= row[5] ? 1 : 0)),
    cov95: mean((row, close) => (close >= row[0] && close <= row[6] ? 1 : 0)),
  };
}
