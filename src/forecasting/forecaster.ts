/** The Forecaster port on worker threads. */
import { PipelineError } from '../domain/errors';
import { checkForecast } from '../domain/quantiles';
import { closeOf } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { Candle } from '../domain/types';
import type { Fitter, Forecaster, ForecastRequest, ForecastResult } from '../ports/forecaster';
import { lastCloseOf } from './empirical-bands';
import { familyNamed } from './families';
import { newest } from './model';
import { packCandles } from './packed-candles';
import { openThreadPool } from './thread-pool';
import type { ThreadPool, ThreadPoolOptions } from './thread-pool';
import type { FitOutcome, ForecastOutcome, ForecastTask } from './worker';

const DEFAULTS = { timeLimitMs: 30_000, memoryMb: 512 };
/** One thread with half the memory: enough for a forecast, and all that a shadow can use up. */
export const SHADOW_THREADS = { threads: 1, memoryMb: 256 } as const;
/** One thread: training gives way to forecasting. */
export const TRAINING_THREADS = { threads: 1, timeLimitMs: 120_000 } as const;

export type ForecasterOptions = Partial<ThreadPoolOptions>;

/** Starts the threads; `close()` ends them. Nothing is shared between two forecasters. */
export function createForecaster(options: ForecasterOptions = {}): Forecaster & Fitter {
  const pool = openThreadPool({ ...DEFAULTS, ...options });
  return {
    candlesWanted: ({ family, settings }) => familyNamed(family).candlesWanted(settings),
    versionOf: ({ family, settings }) => familyNamed(family).version(settings),
    forecast: (request, signal) => forecast(pool, request, signal),
    fit: async ({ pair, recipe, candles: all }, signal) => {
      const candles = packCandles(newest(all, familyNamed(recipe.family).candlesWanted(recipe.settings)));
      const outcome = await pool.run<FitOutcome>('fitModel', { timeframe: pair.timeframe, recipe, candles }, signal);
      if (outcome.kind === 'fitted') return outcome.model;
      const sentence = `${pairKey(pair)} by ${recipe.family}: ${outcome.sentence}`;
      throw new PipelineError(outcome.code, sentence, { stage: 'train' });
    },
    close: () => pool.close(),
  };
}

async function forecast(
  pool: ThreadPool,
  request: ForecastRequest,
  signal: AbortSignal | undefined,
): Promise<ForecastResult> {
  const { pair, recipe, steps, model } = request;
  const candles = newest(request.candles, familyNamed(recipe.family).candlesWanted(recipe.settings));
  const lastClose = lastCloseOf(candles);
  refuseOpenCandle(request);
  const started = performance.now();
  const task: ForecastTask = {
    timeframe: pair.timeframe,
    recipe,
    candles: packCandles(candles),
    steps,
    ...(model === undefined ? {} : { model }),
  };
  const outcome = await pool.run<ForecastOutcome>('runForecast', task, signal);
  const where = `${pairKey(pair)} by ${recipe.family}`;
  if (outcome.kind === 'failed') {
    throw new PipelineError(outcome.code, `${where}: ${outcome.sentence}`, { stage: 'predict' });
  }
  const { modelVersion, quantiles } = outcome;
  const broken = checkForecast(quantiles, { steps, lastClose, ...rangeOf(candles) });
  if (broken !== null) throw new PipelineError('forecast_invalid', `${where}: ${broken}`);
  return { modelVersion, family: recipe.family, quantiles, milliseconds: performance.now() - started };
}

/** A candle that closes after `asOf` would be a look into the future (PROOF I45). */
function refuseOpenCandle({ pair, candles, asOf }: ForecastRequest): void {
  const last = candles.at(-1);
  if (last === undefined || closeOf(pair.timeframe, last.openTime) <= asOf) return;
  const opened = new Date(last.openTime).toISOString();
  throw new PipelineError(
    'invalid_input',
    `${pairKey(pair)}: the candle of ${opened} was not closed at the run's time`,
    {
      stage: 'predict',
    },
  );
}

function rangeOf(candles: readonly Candle[]): { readonly recentMin: number; readonly recentMax: number } {
  let recentMin = Infinity;
  let recentMax = 0;
  for (const { low, high } of candles) {
    recentMin = Math.min(recentMin, low);
    recentMax = Math.max(recentMax, high);
  }
  return { recentMin, recentMax };
}
