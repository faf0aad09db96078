/**
 * The shadow's forecasts, into ledger rows of their own and nowhere else (SPEC 2 step 7, I33). It runs on a queue and
 * in threads of its own; whatever it does, nothing of the champion's waits for it or hears of it.
 */
import { cancellationSignal } from '@temporalio/activity';
import { openOf } from '../src/domain/timeframe';
import type { MarketSymbol, Pair } from '../src/domain/types';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { registered, recipeOf } from './champion';
import type { ShadowResult, StageInput } from './contract';
import { describeFailure } from './failures';
import { forecastByModel } from './forecast';
import type { ActivityPorts } from './ports';
import { guarded, refuseOtherSource } from './stage';

export function createShadowForecast(ports: ActivityPorts) {
  return (input: StageInput): Promise<ShadowResult> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const shadow = await ports.models.shadow(input.timeframe);
      if (shadow === null) return { forecast: [], failed: [] };
      const model = await registered(ports, input.timeframe, shadow.version);
      const forecast: MarketSymbol[] = [];
      const failed: { symbol: MarketSymbol; reason: string }[] = [];
      for (const symbol of input.symbols) {
        try {
          if (await forecastBeside(ports, model, { symbol, timeframe: input.timeframe }, input)) forecast.push(symbol);
        } catch (error) {
          failed.push({ symbol, reason: describeFailure(error).message });
        }
      }
      if (failed.length > 0) await recordFailure(ports, model, input, failed);
      return { forecast, failed };
    });
}

/** On the same candles as the champion's newest forecast; false when that is done already, or there is none. */
async function forecastBeside(
  ports: ActivityPorts,
  model: ModelMetadata,
  pair: Pair,
  { asOf }: StageInput,
): Promise<boolean> {
  const champion = await ports.forecastLedger.latest(pair, 'champion');
  if (champion === null) return false;
  const before = await ports.forecastLedger.latest(pair, 'shadow');
  const done = before?.dataThrough === champion.dataThrough && before.modelVersion === model.model_version;
  if (done) return false;
  const wanted = ports.shadowForecaster.candlesWanted(recipeOf(model));
  const candles = await ports.candles.last(pair, wanted, openOf(pair.timeframe, champion.dataThrough - 1));
  const origin = { pair, candles, asOf, signal: cancellationSignal() };
  const { record } = await forecastByModel(ports, ports.shadowForecaster, model, 'shadow', origin);
  await ports.forecastLedger.append([record]);
  return true;
}

async function recordFailure(
  ports: ActivityPorts,
  { model_version: version }: ModelMetadata,
  { timeframe, asOf }: StageInput,
  failed: ShadowResult['failed'],
): Promise<void> {
  ports.log.warn({ timeframe, version, failed: failed.length }, 'the shadow failed');
  await ports.models.record({
    key: `shadow ${timeframe} ${asOf}`,
    timeframe,
    at: asOf,
    kind: 'shadow',
    verdict: 'failed',
    version,
    by: 'automatic',
    reason: failed
      .map(({ symbol, reason }) => `${symbol}: ${reason}`)
      .join('; ')
      .slice(0, 500),
    criteria: [],
    facts: { failed: failed.length },
  });
}
