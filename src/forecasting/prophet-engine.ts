/**
 * The real Prophet: augurs' port of the model with Stan's optimiser in WebAssembly. Both are ES modules, loaded at
 * first use. Nothing is sampled: bands are made elsewhere.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Prophet, ProphetOptimizedParams, ProphetOptimizeOutput, ProphetOptions } from '@bsull/augurs/prophet';
import { PipelineError } from '../domain/errors';
import type { EpochMs } from '../domain/types';

export interface Series {
  /** Ascending. */
  readonly times: readonly EpochMs[];
  readonly values: readonly number[];
}

export interface ProphetKnobs {
  /** Larger lets the trend bend more often. */
  readonly changepointPriorScale: number;
  /** Larger lets the seasons swing wider. */
  readonly seasonalityPriorScale: number;
}

/** What the optimiser found; with the series and the knobs it is the whole fitted model. */
export interface ProphetParameters {
  readonly k: number;
  readonly m: number;
  readonly sigmaObs: number;
  readonly delta: readonly number[];
  readonly beta: readonly number[];
  readonly trend: readonly number[];
}

interface Season {
  readonly name: 'yearly' | 'weekly' | 'daily';
  readonly days: number;
  readonly order: number;
}

/** Prophet's own seasons and Fourier orders, in the one order of columns that is accepted. */
const SEASONS: readonly Season[] = [
  { name: 'yearly', days: 365.25, order: 10 },
  { name: 'weekly', days: 7, order: 3 },
  { name: 'daily', days: 1, order: 4 },
];
const DAY_MS = 86_400_000;
/** With three seasons one instance in six has the wanted order: 200 misses in a row do not happen. */
const MOST_TRIES = 200;

type Optimize = ProphetOptions['optimizer']['optimize'];

type Engine = {
  readonly create: (options: ProphetOptions) => Prophet;
  readonly optimize: Optimize;
};

let engine: Promise<Engine> | undefined;
let trapped = false;

/**
 * False after the optimiser has trapped: C++ exceptions are traps in WebAssembly, which leave its stack as it was, and
 * after some of them it hangs. A thread in which this is false has to be ended; no more fits are done in it.
 */
export function engineIsSound(): boolean {
  return !trapped;
}

async function loadEngine(): Promise<Engine> {
  const [augurs, stan] = await Promise.all([import('@bsull/augurs/prophet'), import('@bsull/augurs-prophet-wasmstan')]);
  const folder = dirname(require.resolve('@bsull/augurs/prophet'));
  augurs.initSync({ module: await readFile(join(folder, 'prophet_bg.wasm')) });
  augurs.initLogging({ maxLevel: 'error' });
  return { create: (options) => new augurs.Prophet(options), optimize: stan.optimizer.optimize };
}

/**
 * Fits Prophet by maximum a posteriori with its defaults and the given knobs.
 * @throws PipelineError `forecast_failed` when the optimiser does not converge or the values are all the same.
 */
export async function fitProphet(series: Series, knobs: ProphetKnobs): Promise<ProphetParameters> {
  if (series.values.every((value) => value === series.values[0])) {
    throw new PipelineError('forecast_failed', 'Prophet can not be fitted to a price that never moved');
  }
  if (trapped) throw new PipelineError('forecast_failed', 'Prophet failed before in this thread, which is to be ended');
  const { optimize } = await loaded();
  let found: ProphetOptimizedParams | undefined;
  const instance = await prepared(series, knobs, (...problem) => {
    try {
      const output = optimize(...problem);
      found = output.params;
      return output;
    } catch (cause) {
      trapped ||= String(cause).startsWith('RuntimeError');
      throw cause;
    }
  });
  instance.free();
  if (found === undefined) throw new PipelineError('forecast_failed', 'Prophet was not fitted');
  const { k, m, sigmaObs, delta, beta, trend } = found;
  return { k, m, sigmaObs, delta: [...delta], beta: [...beta], trend: [...trend] };
}

/** The fitted curve at `times`, in the units of the series; `series` and `knobs` are those of the fit. */
export async function prophetCurve(
  series: Series,
  knobs: ProphetKnobs,
  parameters: ProphetParameters,
  times: readonly EpochMs[],
): Promise<number[]> {
  const { k, m, sigmaObs, delta, beta, trend } = parameters;
  const params = {
    k,
    m,
    sigmaObs,
    delta: Float64Array.from(delta),
    beta: Float64Array.from(beta),
    trend: Float64Array.from(trend),
  };
  const output: ProphetOptimizeOutput = { params, logs: { debug: '', info: '', warn: '', error: '', fatal: '' } };
  const instance = await prepared(series, knobs, () => output);
  try {
    return instance.predict({ ds: times.map((time) => time / 1000) }).yhat.point;
  } catch (cause) {
    throw new PipelineError('forecast_failed', `Prophet gave no curve: ${reasonOf(cause)}`, { cause });
  } finally {
    instance.free();
  }
}

function loaded(): Promise<Engine> {
  engine ??= loadEngine();
  return engine;
}

/**
 * A fitted instance whose season columns stand in the order of SEASONS. augurs keeps the seasons in a hash map that is
 * seeded anew for each instance, so the columns, and with them the last digits of a fit and the meaning of `beta`,
 * differ from one instance to the next: instances are made until one has the wanted order.
 */
async function prepared(series: Series, knobs: ProphetKnobs, optimize: Optimize): Promise<Prophet> {
  const { create } = await loaded();
  const seasons = seasonsOf(series.times);
  const data = { ds: series.times.map((time) => time / 1000), y: [...series.values] };
  for (let attempt = 0; attempt < MOST_TRIES; attempt++) {
    let wrongOrder = false;
    const guarded: typeof optimize = (initial, problem, options) => {
      wrongOrder = !inWantedOrder(problem, series.times, seasons);
      if (wrongOrder) throw new Error('season columns in another order');
      return optimize(initial, problem, options);
    };
    const instance = create(optionsOf(seasons, knobs, guarded));
    try {
      instance.fit(data);
      return instance;
    } catch (cause) {
      instance.free();
      if (!wrongOrder) throw new PipelineError('forecast_failed', `Prophet did not fit: ${reasonOf(cause)}`, { cause });
    }
  }
  throw new PipelineError('forecast_failed', `Prophet gave no wanted order of seasons in ${MOST_TRIES} tries`);
}

function optionsOf(seasons: readonly Season[], knobs: ProphetKnobs, optimize: Optimize): ProphetOptions {
  const option = (name: Season['name']): NonNullable<ProphetOptions['dailySeasonality']> => {
    const season = seasons.find((one) => one.name === name);
    return season === undefined ? { type: 'manual', enabled: false } : { type: 'fourier', order: season.order };
  };
  return {
    ...knobs,
    optimizer: { optimize },
    uncertaintySamples: 0,
    yearlySeasonality: option('yearly'),
    weeklySeasonality: option('weekly'),
    dailySeasonality: option('daily'),
  };
}

/** Prophet's automatic choice: two full periods of data, sampled more finely than the period (weekly, daily). */
function seasonsOf(times: readonly EpochMs[]): readonly Season[] {
  const first = times[0] ?? NaN;
  const span = ((times.at(-1) ?? NaN) - first) / DAY_MS;
  const finest = Math.min(...times.slice(1).map((time, i) => time - (times[i] ?? NaN))) / DAY_MS;
  return SEASONS.filter(({ name, days }) => {
    if (name === 'yearly') return span >= 730;
    return span >= 2 * days && finest < days;
  });
}

/** Each season's first column is sin(2 pi t / period): looks for it where it has to stand. */
function inWantedOrder(problem: string, times: readonly EpochMs[], seasons: readonly Season[]): boolean {
  const { X } = JSON.parse(problem) as { X: number[][] };
  let column = 0;
  return seasons.every(({ days, order }) => {
    const place = column;
    column += 2 * order;
    return times.every((time, row) => {
      const expected = Math.sin((2 * Math.PI * (time / DAY_MS)) / days);
      return Math.abs((X[row]?.[place] ?? NaN) - expected) < 1e-6;
    });
  });
}

/** augurs puts its whole stack into the message; its first two lines say what went wrong. */
function reasonOf(cause: unknown): string {
  return String(cause).split('\n', 2).join(' ');
}
