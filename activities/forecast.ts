/** The champion's forecast and the yardstick's beside it, both kept in the ledger; the documents are made from there. */
import { PipelineError } from '../src/domain/errors';
import { closeOf } from '../src/domain/timeframe';
import type { Candle, EpochMs, Pair } from '../src/domain/types';
import type { Forecaster, Recipe } from '../src/ports/forecaster';
import type { ForecastRecord, ForecastRole } from '../src/ports/forecast-ledger';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { pairKey } from '../src/domain/types';
import { championOf, fittedModel, recipeOf } from './champion';
import type { ForecastSummary, StageInput } from './contract';
import { lastUsableOpen } from './origin';
import type { ActivityPorts } from './ports';
import { forEachSymbol } from './stage';

/** The yardstick of every forecast: same as the last close, with bands of its own past errors. */
export const NAIVE: Recipe = { family: 'naive', settings: {} };

export function createForecast(ports: ActivityPorts) {
  return (input: StageInput) =>
    forEachSymbol<ForecastSummary>(ports, 'predict', input, async (pair, signal) => {
      const champion = await championOf(ports, pair.timeframe, input.asOf);
      const wanted = Math.max(
        ports.forecaster.candlesWanted(recipeOf(champion)),
        ports.forecaster.candlesWanted(NAIVE),
      );
      const candles = await ports.candles.last(pair, wanted, lastUsableOpen(ports, pair, input.asOf));
      const origin = { pair, candles, asOf: input.asOf, signal };
      const issued = await forecastByModel(ports, ports.forecaster, champion, 'champion', origin);
      const naive = await forecastWith(ports, ports.forecaster, { recipe: NAIVE }, 'naive', origin);
      await ports.forecastLedger.append([issued.record, naive.record]);
      const { family, modelVersion } = issued.record;
      return { family, modelVersion, milliseconds: issued.milliseconds };
    });
}

/** Where a forecast starts from. */
export interface ForecastOrigin {
  readonly pair: Pair;
  /** Closed candles, ascending. */
  readonly candles: readonly Candle[];
  readonly asOf: EpochMs;
  readonly signal: AbortSignal;
}

interface Issued {
  readonly record: ForecastRecord;
  readonly milliseconds: number;
}

/** By a registered model, under its version. @throws PipelineError as {@link Forecaster}, or `model_corrupt`. */
export async function forecastByModel(
  ports: ActivityPorts,
  forecaster: Forecaster,
  model: ModelMetadata,
  role: ForecastRole,
  origin: ForecastOrigin,
): Promise<Issued> {
  const saved = await fittedModel(ports, model, origin.pair.symbol);
  const by = { recipe: recipeOf(model), ...(saved === undefined ? {} : { model: saved }) };
  const { record, milliseconds } = await forecastWith(ports, forecaster, by, role, origin);
  return { milliseconds, record: { ...record, modelVersion: model.model_version } };
}

async function forecastWith(
  ports: ActivityPorts,
  forecaster: Forecaster,
  by: { readonly recipe: Recipe; readonly model?: string },
  role: ForecastRole,
  { pair, candles, asOf, signal }: ForecastOrigin,
): Promise<Issued> {
  const last = candles.at(-1);
  if (last === undefined) throw new PipelineError('forecast_failed', `${pairKey(pair)} has no candle to forecast from`);
  const steps = ports.settings.rules(pair.timeframe).horizon;
  const result = await forecaster.forecast({ pair, ...by, candles, steps, asOf }, signal);
  return {
    milliseconds: result.milliseconds,
    record: {
      pair,
      role,
      issuedAt: asOf,
      dataThrough: closeOf(pair.timeframe, last.openTime),
      modelVersion: result.modelVersion,
      family: result.family,
      lastClose: last.close,
      quantiles: result.quantiles,
    },
  };
}
