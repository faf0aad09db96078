/** What comes of a training: a registered model, which forecasts as shadow unless its recipe is the champion's already. */
import { createHash } from 'node:crypto';
import { PipelineError } from '../src/domain/errors';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { holdoutSchema } from '../src/ports/holdout';
import type { Holdout, RecipeHoldout } from '../src/ports/holdout';
import { METADATA_VERSION } from '../src/ports/model-metadata';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { championOf, recipeOf, sameRecipe } from './champion';
import type { ActivityPorts } from './ports';
import { guarded, refuseOtherSource } from './stage';
import type { RegisterInput, RegisterResult } from './training-contract';

export function createRegisterCandidate(ports: ActivityPorts) {
  return (input: RegisterInput): Promise<RegisterResult> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const { timeframe, asOf, runId } = input;
      const champion = await championOf(ports, timeframe, asOf);
      const metadata = await candidateOf(ports, input, champion);
      const version = metadata.model_version;
      if (version === champion.model_version) {
        const { family } = metadata;
        const reason = `the champion's ${family} stays: what was trained is what it does already`;
        return { version, outcome: 'kept', reason };
      }
      await ports.models.register(metadata);
      if (sameRecipe(ports, input.recipe, recipeOf(champion))) return fittedAgain(ports, input, metadata);
      await ports.models.setShadow({ timeframe, version, since: asOf });
      const reason = `${metadata.family} ${version} forecasts as shadow`;
      await ports.models.record({
        key: `shadow ${timeframe} ${runId}`,
        timeframe,
        at: asOf,
        kind: 'shadow',
        verdict: 'started',
        version,
        by: 'automatic',
        reason,
        criteria: [],
        facts: {
          parent: champion.model_version,
          [HOLDOUT_FACT]: input.holdout,
          [LOSS_FACT]: metadata.metrics.loss,
          [INFERENCE_FACT]: metadata.metrics.inference_ms ?? null,
        },
      });
      const fittedOnTraining = champion.fits.some(({ file_sha256 }) => file_sha256 !== null);
      return { version, outcome: 'shadow', reason, ...(fittedOnTraining ? { fitToo: recipeOf(champion) } : {}) };
    });
}

/** The champion's recipe on newer candles: beside itself there is nothing to be learned of it (SPEC 7). */
async function fittedAgain(
  ports: ActivityPorts,
  { timeframe, asOf }: RegisterInput,
  model: ModelMetadata,
): Promise<RegisterResult> {
  const { family, model_version: version } = model;
  const freeze = await ports.models.freeze(timeframe);
  if (freeze !== null) {
    const reason = `new fits ${version} of the champion's ${family} are kept and not used: automatic changes are frozen`;
    return { version, outcome: 'kept', reason };
  }
  const shadow = await ports.models.shadow(timeframe);
  const beside = shadow === null ? null : await ports.models.model(timeframe, shadow.version);
  // Older fits of it leave the place of the shadow with the change: it ends for the version that becomes champion.
  if (beside !== null && sameRecipe(ports, recipeOf(beside), recipeOf(model))) {
    await ports.models.setShadow({ timeframe, version, since: asOf });
  }
  return { version, outcome: 'refit', reason: `the champion's ${family} is fitted again: ${version}` };
}

async function candidateOf(
  ports: ActivityPorts,
  input: RegisterInput,
  champion: ModelMetadata,
): Promise<ModelMetadata> {
  const { timeframe, recipe, fits } = input;
  const holdout = await readHoldout(ports, input.holdout);
  const recipeVersion = ports.forecaster.versionOf(recipe);
  const own = ofVersion(holdout, recipeVersion);
  const rival = ofVersion(holdout, ports.forecaster.versionOf(recipeOf(champion)));
  return {
    schema_version: METADATA_VERSION,
    model_version: versionOf(recipeVersion, timeframe, fits),
    timeframe,
    family: recipe.family,
    settings: { ...recipe.settings },
    code_version: ports.settings.codeVersion,
    origin: 'training',
    run_id: input.runId,
    trained_at: input.asOf,
    parent: champion.model_version,
    holdout_sha256: input.holdout,
    fits: fits.map(({ symbol, snapshot, fileSha256 }) => ({
      symbol,
      file_sha256: fileSha256,
      snapshot_sha256: snapshot.sha256,
      data_from: snapshot.from,
      data_through: snapshot.through,
      row_count: snapshot.rows,
      loss: own?.symbols.find((of) => of.symbol === symbol)?.loss ?? null,
      naive_loss: own?.symbols.find((of) => of.symbol === symbol)?.naive_loss ?? null,
    })),
    metrics: {
      loss: meanOf(own, ({ loss }) => loss),
      champion_loss: meanOf(rival, ({ loss }) => loss),
      naive_loss: meanOf(own, ({ naive_loss }) => naive_loss),
      coverage80: own?.coverage80 ?? null,
      origins: own?.origins.length ?? 0,
      inference_ms: own?.inference_ms ?? null,
    },
  };
}

/** Of the event that a training leaves when its model starts as shadow. */
const HOLDOUT_FACT = 'holdout';
const LOSS_FACT = 'loss';
const INFERENCE_FACT = 'inference_ms';

/** Starts of shadows that are looked through: years of daily ones. */
const STARTS_READ = 1_000;

export interface Evaluation {
  /** File of the losses on the holdout, the model's and those of the champion of that time; null: none was kept. */
  readonly holdout: string | null;
  /** Mean loss on it. */
  readonly loss: number | null;
  /** One forecast of every symbol; null: not measured. */
  readonly inferenceMs: number | null;
}

/**
 * How a model did when it was last trained, by `until`. A recipe that wins again and again is one version, registered once
 * and evaluated anew each time: its metadata know the first time only.
 */
export async function newestEvaluation(
  ports: ActivityPorts,
  { timeframe, model_version: version, holdout_sha256, metrics }: ModelMetadata,
  until: EpochMs,
): Promise<Evaluation> {
  const starts = await ports.models.events(timeframe, { kind: 'shadow', limit: STARTS_READ });
  const newest = starts.find((of) => of.verdict === 'started' && of.version === version && of.at <= until);
  const { [HOLDOUT_FACT]: holdout, [LOSS_FACT]: loss, [INFERENCE_FACT]: inferenceMs } = newest?.facts ?? {};
  return {
    holdout: typeof holdout === 'string' ? holdout : (holdout_sha256 ?? null),
    loss: typeof loss === 'number' ? loss : metrics.loss,
    inferenceMs: typeof inferenceMs === 'number' ? inferenceMs : (metrics.inference_ms ?? null),
  };
}

/** @throws PipelineError `model_corrupt` when the file is missing, damaged or of another shape. */
export async function readHoldout(ports: ActivityPorts, sha256: string): Promise<Holdout> {
  const text = await ports.modelFiles.read(sha256);
  try {
    return holdoutSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new PipelineError('model_corrupt', `the model file ${sha256.slice(0, 16)}… holds no losses of a training`, {
      cause,
    });
  }
}

export function ofVersion(holdout: Holdout, version: string): RecipeHoldout | undefined {
  return holdout.recipes.find((recipe) => recipe.version === version);
}

function meanOf(
  of: RecipeHoldout | undefined,
  value: (origin: RecipeHoldout['origins'][number]) => number,
): number | null {
  if (of === undefined || of.origins.length === 0) return null;
  return of.origins.reduce((sum, origin) => sum + value(origin), 0) / of.origins.length;
}

/** The recipe's own version where every cycle fits; else of it and of what was fitted. */
function versionOf(recipe: string, timeframe: TimeframeId, fits: RegisterInput['fits']): string {
  const fitted = fits.flatMap(({ symbol, fileSha256 }) => (fileSha256 === null ? [] : [`${symbol} ${fileSha256}`]));
  if (fitted.length === 0) return recipe;
  const text = [recipe, timeframe, ...fitted.toSorted((a, b) => (a < b ? -1 : 1))].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
