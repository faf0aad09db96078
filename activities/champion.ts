/** The model that forecasts a timeframe, from the registry. The configuration only names the first one. */
import { PipelineError } from '../src/domain/errors';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import type { Recipe } from '../src/ports/forecaster';
import { METADATA_VERSION } from '../src/ports/model-metadata';
import type { ModelMetadata } from '../src/ports/model-metadata';
import type { ActivityPorts } from './ports';

/** The champion; the first time, the configured recipe is made champion and recorded as such. */
export async function championOf(ports: ActivityPorts, timeframe: TimeframeId, asOf: EpochMs): Promise<ModelMetadata> {
  const current = await ports.models.champion(timeframe);
  if (current !== null) return registered(ports, timeframe, current.version);
  const first = recipeMetadata(ports, timeframe, ports.settings.firstChampion(timeframe), 'configuration', asOf);
  await ports.models.register(first);
  await ports.models.changeChampion({
    timeframe,
    version: first.model_version,
    previous: null,
    at: asOf,
    kind: 'first',
    by: 'configuration',
    reason: 'named by CHAMPION; from here on the registry decides',
  });
  // Another pair of the same cycle may have been faster.
  const champion = await ports.models.champion(timeframe);
  return registered(ports, timeframe, champion?.version ?? first.model_version);
}

/** @throws PipelineError `model_corrupt` when the registry points at a model it does not know. */
export async function registered(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  version: string,
): Promise<ModelMetadata> {
  const metadata = await ports.models.model(timeframe, version);
  if (metadata !== null) return metadata;
  throw new PipelineError('model_corrupt', `model ${version} of ${timeframe} is not in the registry`);
}

/** Metadata of a recipe that nothing was trained for. */
export function recipeMetadata(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  recipe: Recipe,
  origin: ModelMetadata['origin'],
  asOf: EpochMs,
): ModelMetadata {
  return {
    schema_version: METADATA_VERSION,
    model_version: ports.forecaster.versionOf(recipe),
    timeframe,
    family: recipe.family,
    settings: recipe.settings,
    code_version: ports.settings.codeVersion,
    origin,
    run_id: null,
    trained_at: asOf,
    parent: null,
    fits: [],
    metrics: { loss: null, champion_loss: null, naive_loss: null, coverage80: null, origins: 0 },
  };
}

export function recipeOf({ family, settings }: ModelMetadata): Recipe {
  return { family, settings };
}

/** Whether two models differ at most in what was fitted. A recipe that this program no longer knows is like none. */
export function sameRecipe(ports: ActivityPorts, one: Recipe, other: Recipe): boolean {
  if (one.family !== other.family) return false;
  try {
    return ports.forecaster.versionOf(one) === ports.forecaster.versionOf(other);
  } catch {
    return false;
  }
}

/** The model's version and those of the same recipe: one that is fitted on training has another after each. */
export async function versionsOf(ports: ActivityPorts, model: ModelMetadata): Promise<readonly string[]> {
  const others = (await ports.models.models(model.timeframe)).filter((other) =>
    sameRecipe(ports, recipeOf(other), recipeOf(model)),
  );
  return [model.model_version, ...others.map(({ model_version }) => model_version)];
}

/** The saved model of a symbol, its hash checked; undefined where every cycle fits. */
export async function fittedModel(
  ports: ActivityPorts,
  { fits }: ModelMetadata,
  symbol: MarketSymbol,
): Promise<string | undefined> {
  const file = fits.find((fit) => fit.symbol === symbol)?.file_sha256 ?? null;
  return file === null ? undefined : ports.modelFiles.read(file);
}
