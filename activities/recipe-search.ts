/** Which recipe wins walk-forward, pooled over symbols, and how it does on a holdout that took no part in choosing it. */
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { PipelineError } from '../src/domain/errors';
import { slotAt, slotIndex } from '../src/domain/timeframe';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { comparedOrigins } from '../src/domain/timeframe-rules';
import type { TimeframeRules } from '../src/domain/timeframe-rules';
import { familyNamed } from '../src/forecasting/families';
import { searchRecipes, walkForwardOrigins } from '../src/forecasting/recipe-search';
import type { RankedRecipe, SearchSeries } from '../src/forecasting/recipe-search';
import { candidateRecipes } from '../src/forecasting/recipes';
import type { Recipe } from '../src/ports/forecaster';
import type { Holdout } from '../src/ports/holdout';
import { championOf, recipeOf } from './champion';
import type { ActivityPorts } from './ports';
import { guarded, refuseOtherSource } from './stage';
import { RETRY_WAITS_MS } from './training';
import type { FitInput, FitResult, SearchInput, SearchResult } from './training-contract';

/** Origins that choose: spaced a horizon apart, so that no two share a target. */
const SELECTION_ORIGINS = 30;

export function createSearchForRecipe(ports: ActivityPorts) {
  return (input: SearchInput): Promise<SearchResult> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const { timeframe } = input;
      const champion = recipeOf(await championOf(ports, timeframe, input.asOf));
      const candidates =
        input.recipe === undefined ? distinct(ports, [champion, ...candidateRecipes(timeframe)]) : [input.recipe];
      const rules = ports.settings.rules(timeframe);
      const { horizon: steps } = rules;
      const fewest = fewestCandles(rules, input.recipe);
      const until = Math.min(...input.members.map(({ snapshot }) => snapshot.through));
      const count = holdoutCount(rules, input.members, fewest);
      const holdoutOrigins = walkForwardOrigins(timeframe, { until, count, spacing: 1, steps });
      const choosing = selectionOrigins(timeframe, holdoutOrigins, steps, fewest, longestOf(input.members));
      const ranked = await search(ports, input, candidates, choosing, fewest);
      const winner = ranked.find(({ overall, failed }) => overall !== null && failed === 0)?.recipe;
      if (winner === undefined) throw noWinner(timeframe, ranked);
      const judged = await search(ports, input, distinct(ports, [winner, champion]), holdoutOrigins, fewest);
      const holdout = await ports.modelFiles.write(JSON.stringify(holdoutOf(ports, judged)));
      return { recipe: winner, holdout, recipes: candidates.length };
    });
}

/** A family that was named is judged only where it has the candles it needs; the declared ones need fewer than a forecast does. */
function fewestCandles({ minimumSamples }: TimeframeRules, named: Recipe | undefined): number {
  return Math.max(minimumSamples, named === undefined ? 0 : familyNamed(named.family).minimumCandles);
}

/**
 * What is the same every time ends the training. What may pass is tried again after the training's own waits and not here
 * and now: a search can take hours.
 */
function noWinner(timeframe: TimeframeId, ranked: readonly RankedRecipe[]): PipelineError {
  const failures = ranked.flatMap(({ recipe, failed, why }) => (why === null ? [] : [{ recipe, failed, why }]));
  const passing = failures.find(({ why }) => why.retry !== 'permanent');
  const told = passing ?? failures[0];
  const because =
    told === undefined
      ? ''
      : `: ${told.recipe.family} failed ${told.failed} of its forecasts, first: ${told.why.message}`;
  const sentence = `no recipe of ${timeframe} gave every forecast it was asked for${because}`;
  if (passing !== undefined || told === undefined) {
    return new PipelineError('training_failed', sentence, { retryAfterMs: RETRY_WAITS_MS[0] });
  }
  return new PipelineError(told.why.code, sentence, { stage: 'train' });
}

/** As many as a comparison rests on, unless even the longest history would then have no earlier origin to choose by. */
function holdoutCount(rules: TimeframeRules, members: SearchInput['members'], fewest: number): number {
  const { horizon, minimumSamples } = rules;
  const longest = longestOf(members);
  const room = longest - fewest - 2 * horizon + 1;
  return Math.max(minimumSamples, Math.min(comparedOrigins(rules), room));
}

function longestOf(members: SearchInput['members']): number {
  return Math.max(...members.map(({ snapshot }) => snapshot.rows));
}

/**
 * All before the holdout: the targets of the last one end by where it begins. Where the history is long enough for all of
 * them they lie on a grid of their own, so that the trainings of two days choose by the same origins until a new one is
 * there, and not by the day they fall on. Where it is not, as for months, no slot is given away for that.
 */
function selectionOrigins(
  timeframe: TimeframeId,
  holdout: readonly EpochMs[],
  steps: number,
  fewest: number,
  longest: number,
): readonly EpochMs[] {
  const first = holdout[0] ?? 0;
  const enough = longest >= fewest + (SELECTION_ORIGINS + 2) * steps + holdout.length;
  const until = enough ? slotAt(timeframe, Math.floor(slotIndex(timeframe, first) / steps) * steps) : first;
  return walkForwardOrigins(timeframe, { until, count: SELECTION_ORIGINS, spacing: steps, steps });
}

function distinct(ports: ActivityPorts, recipes: readonly Recipe[]): readonly Recipe[] {
  const known = new Map<string, Recipe>();
  for (const recipe of recipes) {
    const version = ports.trainingForecaster.versionOf(recipe);
    if (!known.has(version)) known.set(version, recipe);
  }
  return [...known.values()];
}

async function search(
  ports: ActivityPorts,
  { timeframe, members }: SearchInput,
  candidates: readonly Recipe[],
  origins: readonly EpochMs[],
  minimumCandles: number,
): Promise<readonly RankedRecipe[]> {
  const rules = ports.settings.rules(timeframe);
  const { horizon: steps } = rules;
  const wanted = Math.max(...candidates.map((recipe) => ports.trainingForecaster.candlesWanted(recipe)));
  const reach = (SELECTION_ORIGINS + 2) * steps + comparedOrigins(rules) + steps;
  const series = members.map(({ symbol, snapshot }): SearchSeries => ({
    pair: { symbol, timeframe },
    read: () => ports.snapshots.last(snapshot, wanted + reach),
  }));
  const onProgress = (progress: { readonly done: number; readonly total: number }): void => heartbeat(progress);
  return searchRecipes(
    ports.trainingForecaster,
    { series, candidates, origins, minimumCandles, steps, onProgress },
    cancellationSignal(),
  );
}

function holdoutOf(ports: ActivityPorts, ranked: readonly RankedRecipe[]): Holdout {
  return {
    schema_version: '1.1',
    recipes: ranked.flatMap(({ recipe, overall, targets, byOrigin, bySymbol, millisecondsPerForecast }) => {
      if (overall === null) return [];
      return {
        version: ports.trainingForecaster.versionOf(recipe),
        inference_ms: millisecondsPerForecast * bySymbol.length,
        targets,
        coverage80: overall.cov80,
        origins: byOrigin.map(({ origin, pinball, mae, yardstickPinball }) => ({
          origin,
          loss: pinball,
          error: mae,
          naive_loss: yardstickPinball,
        })),
        symbols: bySymbol.map(({ symbol, pinball, yardstickPinball }) => ({
          symbol,
          loss: pinball,
          naive_loss: yardstickPinball,
        })),
      };
    }),
  };
}

export function createFitSymbol(ports: ActivityPorts) {
  return (input: FitInput): Promise<FitResult> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const { snapshot, recipe, symbol, timeframe } = input;
      const candles = await ports.snapshots.last(snapshot, ports.trainingForecaster.candlesWanted(recipe));
      const request = { pair: { symbol, timeframe }, recipe, candles };
      const model = await ports.trainingForecaster.fit(request, cancellationSignal());
      return { fileSha256: model === null ? null : await ports.modelFiles.write(model) };
    });
}
