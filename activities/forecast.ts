/** The champion's forecast and the yardstick's beside it, both kept in the ledger; the documents are made from there. */
import { PipelineError } from '../src/domain/errors';
import { closeOf } from '../src/domain/timeframe';
import type { Candle, EpochMs, Pair } from '../src/domain/types';
import type { Recipe } from '../src/ports/forecaster';
import type { ForecastRecord, ForecastRole } from '../src/ports/forecast-ledger';
import { pairKey } from '../src/domain/types';
import type { ForecastSummary, StageInput } from './contract';
import { lastUsableOpen } from './origin';
import type { ActivityPorts } from './ports';
import { forEachSymbol } from './stage';

/** The yardstick of every forecast: same as the last close, with bands of its own past errors. */
const NAIVE: Recipe = { family: 'naive', settings: {} };

export function createForecast(ports: ActivityPorts) {
  return (input: StageInput) =>
    forEachSymbol<ForecastSummary>(ports, 'predict', input, async (pair, signal) => {
      const champion = ports.settings.champion(pair.timeframe);
      const wanted = Math.max(ports.forecaster.candlesWanted(champion), ports.forecaster.candlesWanted(NAIVE));
      const candles = await ports.candles.last(pair, wanted, lastUsableOpen(ports, pair, input.asOf));
      const issued = await forecastWith(ports, champion, 'champion', pair, candles, input.asOf, signal);
      const records = [issued.record];
      if (champion.family === NAIVE.family) records.push({ ...issued.record, role: 'naive' });
      else records.push((await forecastWith(ports, NAIVE, 'naive', pair, candles, input.asOf, signal)).record);
      await ports.forecastLedger.append(records);
      const { family, modelVersion } = issued.record;
      return { family, modelVersion, milliseconds: issued.milliseconds };
    });
}

async function forecastWith(
  ports: ActivityPorts,
  recipe: Recipe,
  role: ForecastRole,
  pair: Pair,
  candles: readonly Candle[],
  asOf: EpochMs,
  signal: AbortSignal,
): Promise<{ record: ForecastRecord; milliseconds: number }> {
  const last = candles.at(-1);
  if (last === undefined) throw new PipelineError('forecast_failed', `${pairKey(pair)} has no candle to forecast from`);
  const steps = ports.settings.rules(pair.timeframe).horizon;
  const result = await ports.forecaster.forecast({ pair, recipe, candles, steps, asOf }, signal);
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
