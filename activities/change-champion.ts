/** Promotion, rollback and the change to naive: checked, tried on every symbol, then one move of the pointer. */
import { cancellationSignal } from '@temporalio/activity';
import { PipelineError } from '../src/domain/errors';
import type { ErrorCode } from '../src/domain/errors';
import { isTimeframe } from '../src/domain/timeframe';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { refusalEvent } from '../src/ports/model-registry';
import type { ChampionChange } from '../src/ports/model-registry';
import { registered, recipeOf, sameRecipe } from './champion';
import { refusedLate } from './committing';
import { describeFailure } from './failures';
import { forecastByModel } from './forecast';
import { writeModelsDocument } from './models-document';
import { lastUsableOpen } from './origin';
import type { ActivityPorts } from './ports';
import { readySymbols } from './ready-symbols';
import { guarded, refuseOtherSource } from './stage';
import type { ChangeInput, ChangePlan, MoveInput, RefusalInput, SmokeInput, SmokeResult } from './training-contract';

const KIND: Readonly<Record<ChangeInput['action'], ChampionChange['kind']>> = {
  promote: 'promotion',
  rollback: 'rollback',
  naive: 'naive',
  refit: 'refit',
};

const AGAINST_THE_MODEL: ReadonlySet<ErrorCode> = new Set([
  'forecast_failed',
  'forecast_invalid',
  'forecast_timeout',
  'model_corrupt',
  // Its family needs more candles than a forecast does.
  'insufficient_data',
  // Its saved fit is of another version of its family, or its settings are not known any more.
  'invalid_input',
]);

export function createPlanChange(ports: ActivityPorts) {
  return (input: ChangeInput): Promise<ChangePlan> =>
    guarded(async () => {
      const { version, action } = input;
      if (!isTimeframe(input.timeframe) || !ports.settings.timeframes.includes(input.timeframe)) {
        throw refused(`"${input.timeframe}" is not configured, so it has no champion to change`);
      }
      const timeframe = input.timeframe;
      const champion = await ports.models.champion(timeframe);
      if (champion === null) throw refused(`${timeframe} has no champion yet: its first cycle makes one`);
      const model = await ports.models.model(timeframe, version);
      if (model === null) {
        throw refused(`there is no model ${version} of ${timeframe}: "model history ${timeframe}" lists them`);
      }
      if (champion.version === version) throw refused(`${version} is the champion of ${timeframe} already`);
      if (input.champion !== undefined && input.champion !== champion.version) {
        throw refused(
          `it was decided against ${input.champion}, and ${champion.version} is champion of ${timeframe} now`,
        );
      }
      if (action === 'refit') {
        const current = await registered(ports, timeframe, champion.version);
        if (!sameRecipe(ports, recipeOf(model), recipeOf(current))) {
          throw refused(`${version} is no fit of the recipe of ${champion.version}, the champion of ${timeframe}`);
        }
      }
      if (action === 'rollback') await refuseNeverChampion(ports, timeframe, version);
      if (input.by === 'automatic') await refuseFrozen(ports, timeframe);
      const symbols = await readySymbols(ports);
      return { source: ports.source, timeframe, version, previous: champion.version, symbols };
    });
}

async function refuseNeverChampion(ports: ActivityPorts, timeframe: TimeframeId, version: string): Promise<void> {
  const history = await ports.models.history(timeframe);
  if (history.some((change) => change.version === version)) return;
  throw refused(
    `${version} was never champion of ${timeframe}, so there is nothing to roll back to: promote it instead`,
  );
}

/** I34: what an operator has undone, nothing does again by itself. */
async function refuseFrozen(ports: ActivityPorts, timeframe: TimeframeId): Promise<void> {
  const freeze = await ports.models.freeze(timeframe);
  if (freeze === null) return;
  const since = new Date(freeze.since).toISOString();
  throw refused(
    `automatic changes of ${timeframe} are frozen since the rollback of ${since}: lift it with "model unfreeze ${timeframe}"`,
  );
}

function refused(sentence: string): PipelineError {
  return new PipelineError('change_refused', sentence);
}

/**
 * The new champion must give a valid forecast of every ready symbol before the pointer moves. Where none has enough candles
 * nobody is served a forecast and nothing shows what the model can do: then the champion stays.
 */
export function createSmokeCheck(ports: ActivityPorts) {
  return (input: SmokeInput): Promise<SmokeResult> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const model = await registered(ports, input.timeframe, input.version);
      const { minimumSamples } = ports.settings.rules(input.timeframe);
      const started = ports.clock.monotonic();
      let checked = 0;
      for (const symbol of input.symbols) {
        const pair = { symbol, timeframe: input.timeframe };
        const extent = await ports.candles.extent(pair);
        // A pair that may not be forecast yet is no reason against a model.
        if ((extent?.count ?? 0) < minimumSamples) continue;
        const wanted = ports.forecaster.candlesWanted(recipeOf(model));
        const candles = await ports.candles.last(pair, wanted, lastUsableOpen(ports, pair, input.asOf));
        const origin = { pair, candles, asOf: input.asOf, signal: cancellationSignal() };
        await forecastByModel(ports, ports.forecaster, model, 'champion', origin).catch((error: unknown) => {
          cancellationSignal().throwIfAborted();
          const { code, message } = describeFailure(error);
          // A store that does not answer says nothing about the model: that is tried again.
          if (!AGAINST_THE_MODEL.has(code)) throw error;
          throw refused(`${input.version} gives no valid forecast of ${symbol} ${input.timeframe}: ${message}`);
        });
        checked += 1;
      }
      if (checked === 0) {
        const needed = `the ${minimumSamples} candles of ${input.timeframe} that a forecast needs`;
        throw refused(`${input.version} can not be tried: no ready symbol has ${needed}`);
      }
      return { checked, milliseconds: ports.clock.monotonic() - started };
    });
}

/** Idempotent: a move that was made already, by this very change, is not made again. The registry tells of it. */
export function createMovePointer(ports: ActivityPorts) {
  return (input: MoveInput): Promise<void> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const { timeframe, version, previous, by, reason, asOf } = input;
      // Looked at again: a rollback may have frozen the timeframe since the plan was made.
      if (by === 'automatic') await refuseFrozen(ports, timeframe);
      const change = { timeframe, version, previous, at: asOf, kind: KIND[input.action], by, reason };
      if (!(await ports.models.changeChampion(change))) {
        await refusedLate(ports, 'champion');
        const now = await ports.models.champion(timeframe);
        const ours = now?.version === version && now.previous === previous && now.at === asOf;
        if (!ours) {
          throw refused(`the champion of ${timeframe} was changed meanwhile: it is ${now?.version ?? 'none'} now`);
        }
      }
      await showChange(ports, asOf);
    });
}

/** What was done stands, whatever becomes of the page that shows it: the next report writes it anew. */
function showChange(ports: ActivityPorts, asOf: EpochMs): Promise<void> {
  return writeModelsDocument(ports, asOf).catch((error: unknown) =>
    ports.log.warn({ error: String(error) }, "the operators' page does not show the change yet"),
  );
}

/** The registry tells of it when nobody waits for the answer. */
export function createRecordRefusal(ports: ActivityPorts) {
  return ({ timeframe, version, action, by, reason: asked, asOf, runId, failure }: RefusalInput): Promise<void> =>
    guarded(async () => {
      // Of nothing that has models there is nothing to keep.
      if (!isTimeframe(timeframe)) return;
      const { code, message: sentence } = failure;
      const change = { id: runId, timeframe, version, action, at: asOf, by, asked };
      await ports.models.record(refusalEvent({ ...change, code, sentence }));
      await showChange(ports, asOf);
    });
}
