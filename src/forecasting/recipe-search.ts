/**
 * Walk-forward search over recipes: at each origin every candidate forecasts every series from the candles closed by
 * then, through the Forecaster that serves, and is scored on the closes that followed. Training calls it to choose.
 */
import { createHash } from 'node:crypto';
import { PipelineError } from '../domain/errors';
import { closeOf, lastBoundary, shiftSlots } from '../domain/timeframe';
import type { Candle, EpochMs, Pair, TimeframeId } from '../domain/types';
import type { Forecaster, Recipe } from '../ports/forecaster';
import { forecastLosses } from './backtest-score';
import type { ForecastLosses } from './backtest-score';
import { newest } from './model';

/** What every candidate is measured against: the naive forecast that is served beside the champion. */
export const SEARCH_YARDSTICK: Recipe = { family: 'naive', settings: {} };

export interface SearchSeries {
  readonly pair: Pair;
  /** Closed candles, ascending. Called once; one series is in memory at a time. */
  read(): Promise<readonly Candle[]>;
}

export interface RecipeSearch {
  readonly series: readonly SearchSeries[];
  readonly candidates: readonly Recipe[];
  /** Boundaries, ascending: see {@link walkForwardOrigins}. */
  readonly origins: readonly EpochMs[];
  /** A series with fewer candles before an origin, or fewer than `steps` after it, is left out there, for all alike. */
  readonly minimumCandles: number;
  readonly steps: number;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
}

/** Means of the losses of one recipe, and of the yardstick at the same forecasts. */
export interface MeanLosses {
  readonly n: number;
  /** Over the last close, averaged over the steps. */
  readonly pinball: number;
  readonly mae: number;
  readonly yardstickPinball: number;
  readonly yardstickMae: number;
}

export interface RankedRecipe {
  readonly recipe: Recipe;
  /** Of all forecasts that succeeded; null when none did. */
  readonly overall: (MeanLosses & Coverage) | null;
  /** Mean loss over the mean loss of the yardstick at the same forecasts; infinite when none succeeded. */
  readonly pinballRatio: number;
  readonly maeRatio: number;
  readonly millisecondsPerForecast: number;
  readonly failed: number;
  /** Hash of the forecasts that succeeded, each named by symbol and origin: equal for two recipes whose means are over the same. */
  readonly targets: string;
  /** The first failure. */
  readonly why: PipelineError | null;
  /** One observation an origin, pooled over the series: what a test of the difference between two recipes takes. */
  readonly byOrigin: readonly (MeanLosses & { readonly origin: EpochMs })[];
  readonly bySymbol: readonly (MeanLosses & { readonly symbol: string })[];
}

export interface Coverage {
  readonly cov80: number;
  readonly cov95: number;
}

/**
 * `count` boundaries, `spacing` slots apart, the last of them `steps` slots before the newest boundary at `until`, so
 * that every target is closed by then.
 */
export function walkForwardOrigins(
  timeframe: TimeframeId,
  { until, count, spacing, steps }: { until: EpochMs; count: number; spacing: number; steps: number },
): readonly EpochMs[] {
  const last = lastBoundary(timeframe, until);
  return Array.from({ length: count }, (_, i) => shiftSlots(timeframe, last, -steps - (count - 1 - i) * spacing));
}

/**
 * Best first: by pinball loss over the yardstick's, equal ones in the order given; a recipe that failed anywhere comes
 * after all that did not. The same input gives the same ranking and losses; only the milliseconds differ.
 * @throws PipelineError `insufficient_data` when no series reaches any origin; the reason of `signal` when it aborts.
 */
export async function searchRecipes(
  forecaster: Forecaster,
  search: RecipeSearch,
  signal?: AbortSignal,
): Promise<readonly RankedRecipe[]> {
  const tallies = search.candidates.map((recipe) => new Tally(recipe));
  const total = search.series.length * search.origins.length;
  let done = 0;
  for (const series of search.series) {
    const candles = await series.read();
    for (const origin of search.origins) {
      signal?.throwIfAborted();
      await scoreOrigin(forecaster, search, { pair: series.pair, candles, origin }, tallies, signal);
      search.onProgress?.({ done: ++done, total });
    }
  }
  const ranked = tallies.map((tally) => tally.ranked());
  if (ranked.every(({ overall, failed }) => overall === null && failed === 0)) {
    const sentence = `no series has ${search.minimumCandles} candles before any of the origins and ${search.steps} after it`;
    throw new PipelineError('insufficient_data', sentence, { stage: 'evaluate' });
  }
  return ranked.toSorted((a, b) => Number(a.failed > 0) - Number(b.failed > 0) || a.pinballRatio - b.pinballRatio);
}

interface Place {
  readonly pair: Pair;
  readonly candles: readonly Candle[];
  readonly origin: EpochMs;
}

/** All candidates at one origin of one series, added to the tallies in their own order whichever ends first. */
async function scoreOrigin(
  forecaster: Forecaster,
  { steps, minimumCandles }: RecipeSearch,
  { pair, candles, origin }: Place,
  tallies: readonly Tally[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const seen = countClosedBy(pair.timeframe, candles, origin);
  const actual = candles.slice(seen, seen + steps).map(({ close }) => close);
  if (seen < minimumCandles || actual.length < steps) return;
  const past = candles.slice(0, seen);
  const lastClose = past.at(-1)?.close ?? NaN;
  const outcomeOf = async (recipe: Recipe): Promise<Outcome> => {
    const request = { pair, recipe, candles: newest(past, forecaster.candlesWanted(recipe)), steps, asOf: origin };
    try {
      const { quantiles, milliseconds } = await forecaster.forecast(request, signal);
      return { losses: forecastLosses(quantiles, actual, lastClose), milliseconds };
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof PipelineError) return { why: cause };
      throw cause;
    }
  };
  const yardstick = await outcomeOf(SEARCH_YARDSTICK);
  if ('why' in yardstick) throw new PipelineError(yardstick.why.code, `the yardstick: ${yardstick.why.message}`);
  const outcomes = await Promise.all(tallies.map(async ({ recipe }) => outcomeOf(recipe)));
  for (const [i, outcome] of outcomes.entries()) tallies[i]?.add(pair, origin, outcome, yardstick.losses);
}

type Outcome = { readonly losses: ForecastLosses; readonly milliseconds: number } | { readonly why: PipelineError };

/** How many of the candles are closed at `time`. */
function countClosedBy(timeframe: TimeframeId, candles: readonly Candle[], time: EpochMs): number {
  let [low, high] = [0, candles.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (closeOf(timeframe, candles[middle]?.openTime ?? NaN) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Running sums of one recipe: their size grows with origins and symbols, not with forecasts. */
class Tally {
  private readonly all = new Sums();
  private readonly origins = new Map<EpochMs, Sums>();
  private readonly symbols = new Map<string, Sums>();
  private readonly inside = { cov80: 0, cov95: 0 };
  private milliseconds = 0;
  private failed = 0;
  private readonly targets = createHash('sha256');
  private why: PipelineError | null = null;

  constructor(readonly recipe: Recipe) {}

  add({ symbol }: Pair, origin: EpochMs, outcome: Outcome, yardstick: ForecastLosses): void {
    if ('why' in outcome) {
      this.failed += 1;
      this.why ??= outcome.why;
      return;
    }
    this.targets.update(`${symbol} ${origin}\n`);
    const { losses } = outcome;
    for (const sums of [this.all, entryOf(this.origins, origin), entryOf(this.symbols, symbol)]) {
      sums.add(losses, yardstick);
    }
    this.inside.cov80 += losses.cov80;
    this.inside.cov95 += losses.cov95;
    this.milliseconds += outcome.milliseconds;
  }

  ranked(): RankedRecipe {
    const { recipe, failed, why, all, inside } = this;
    const means = all.means();
    const { n } = means;
    return {
      recipe,
      overall: n === 0 ? null : { ...means, cov80: inside.cov80 / n, cov95: inside.cov95 / n },
      pinballRatio: n === 0 ? Infinity : means.pinball / means.yardstickPinball,
      maeRatio: n === 0 ? Infinity : means.mae / means.yardstickMae,
      millisecondsPerForecast: n === 0 ? Infinity : this.milliseconds / n,
      failed,
      targets: this.targets.copy().digest('hex').slice(0, 16),
      why,
      byOrigin: [...this.origins].toSorted(([a], [b]) => a - b).map(([origin, sums]) => ({ origin, ...sums.means() })),
      bySymbol: [...this.symbols].map(([symbol, sums]) => ({ symbol, ...sums.means() })),
    };
  }
}

class Sums {
  private n = 0;
  private pinball = 0;
  private mae = 0;
  private yardstickPinball = 0;
  private yardstickMae = 0;

  add(losses: ForecastLosses, yardstick: ForecastLosses): void {
    this.n += 1;
    this.pinball += losses.pinball;
    this.mae += losses.mae;
    this.yardstickPinball += yardstick.pinball;
    this.yardstickMae += yardstick.mae;
  }

  means(): MeanLosses {
    const { n } = this;
    return {
      n,
      pinball: this.pinball / n,
      mae: this.mae / n,
      yardstickPinball: this.yardstickPinball / n,
      yardstickMae: this.yardstickMae / n,
    };
  }
}

function entryOf<Key>(sums: Map<Key, Sums>, key: Key): Sums {
  const found = sums.get(key) ?? new Sums();
  sums.set(key, found);
  return found;
}
