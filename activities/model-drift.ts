/** Signs of drift of one timeframe's champion, and events that call for training. */
import { driftSigns, DRIFT_RULES, populationStability } from '../src/domain/drift';
import type { DriftName, DriftSign } from '../src/domain/drift';
import { compareForecasts } from '../src/domain/forecast-comparison';
import type { OriginLoss } from '../src/domain/forecast-comparison';
import { candlesDue } from '../src/domain/retrain';
import { closeOf, countSlots, DAY, lastClosedOpen, openOf, shiftSlots } from '../src/domain/timeframe';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { newestEvaluation } from './candidate';
import type { ActivityPorts } from './ports';
import type { TimeframeReport } from './training-contract';

export interface DriftInput {
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly symbols: readonly MarketSymbol[];
  readonly champion: ModelMetadata;
  /** Since when it is champion. */
  readonly since: EpochMs;
  readonly own: readonly OriginLoss[];
  readonly shadow: readonly OriginLoss[];
}

export interface DriftLook {
  readonly signs: readonly DriftSign[];
  /** The newest origin, or candle, that each sign is judged by; null where there is none. */
  readonly restsOn: Readonly<Record<DriftName, EpochMs | null>>;
}

export async function judgeDrift(ports: ActivityPorts, input: DriftInput): Promise<DriftLook> {
  const { timeframe, champion, own, shadow } = input;
  const { minimumSamples, horizon: steps } = ports.settings.rules(timeframe);
  // Compared with itself: the means over origins, each over its symbols.
  const all = compareForecasts(own, own, { steps, limit: Number.MAX_SAFE_INTEGER });
  const enough = all !== null && all.origins >= minimumSamples ? all : null;
  const limit = Math.max(steps, Math.ceil((DRIFT_RULES.shadowDays * DAY) / (closeOf(timeframe, 0) - 0)));
  const recent = compareForecasts(own, shadow, { steps, limit });
  const whole = recent !== null && recent.origins >= limit ? recent : null;
  const signs = driftSigns({
    loss: enough?.challengerLoss ?? null,
    lossAtPromotion: (await newestEvaluation(ports, champion, input.since)).loss,
    error: whole?.challengerError ?? null,
    shadowError: whole?.rivalError ?? null,
    coverage80: enough?.coverage80 ?? null,
    inputShift: await inputShift(ports, input),
  });
  const newest = all?.to ?? null;
  const candle = await newestCandle(ports, input);
  return { signs, restsOn: { loss: newest, coverage: newest, shadow: whole?.to ?? null, input: candle } };
}

async function newestCandle(ports: ActivityPorts, { timeframe, symbols }: DriftInput): Promise<EpochMs | null> {
  let newest: EpochMs | null = null;
  for (const symbol of symbols) {
    const extent = await ports.candles.extent({ symbol, timeframe });
    if (extent !== null) newest = Math.max(newest ?? extent.last, extent.last);
  }
  return newest;
}

/** Moves of the last evaluation window against those of the window before the model became champion. */
async function inputShift(
  ports: ActivityPorts,
  { timeframe, asOf, since, symbols }: DriftInput,
): Promise<number | null> {
  const { evaluationSlots } = ports.settings.rules(timeframe);
  const newest = lastClosedOpen(timeframe, asOf, ports.settings.settleMs);
  const before = shiftSlots(timeframe, openOf(timeframe, since), -1);
  if (before >= newest) return null;
  const moves = async (to: EpochMs): Promise<number[]> => {
    const all: number[] = [];
    for (const symbol of symbols) {
      const candles = await ports.candles.last({ symbol, timeframe }, evaluationSlots, to);
      all.push(...candles.map(({ high, low }) => Math.log(high / low)));
    }
    return all;
  };
  return populationStability(await moves(before), await moves(newest));
}

/**
 * Keeps what was seen, and how often in a row the champion has drifted. Signs that rest on nothing newer than the look
 * before are the same fact: told already, kept already, and no observation (0).
 */
export async function recordDrift(
  ports: ActivityPorts,
  input: DriftInput,
  { signs, restsOn }: DriftLook,
): Promise<number> {
  const { timeframe, asOf, champion } = input;
  const before = await ports.models.events(timeframe, { kind: 'drift', limit: 10 });
  const earlier = before.filter(({ at }) => at < asOf);
  const [last] = earlier;
  const isNew = ({ name }: DriftSign): boolean => restsOn[name] !== last?.facts[name];
  const known = last?.verdict === 'drift' && last.version === champion.model_version && !signs.some(isNew);
  if (known && signs.length > 0) return 0;
  const inRow = earlier.findIndex(({ verdict }) => verdict !== 'drift');
  await ports.models.record({
    key: `drift ${timeframe} ${asOf}`,
    timeframe,
    at: asOf,
    kind: 'drift',
    verdict: signs.length > 0 ? 'drift' : 'calm',
    version: champion.model_version,
    by: 'automatic',
    reason:
      signs.map(({ name, value, threshold }) => `${name} ${value.toPrecision(3)}, not ${threshold}`).join(', ') ||
      'no sign',
    criteria: signs.map(({ name, value, threshold }) => ({ name, value, threshold, passed: false })),
    facts: restsOn,
  });
  return signs.length === 0 ? 0 : 1 + (inRow === -1 ? earlier.length : inRow);
}

/** The event that calls for a training, if any. */
export async function trainingEvent(
  ports: ActivityPorts,
  { timeframe, asOf }: DriftInput,
  drifted: number,
): Promise<TimeframeReport['train']> {
  if (drifted > 0) return { trigger: 'drift', observations: drifted };
  const [trained] = (await ports.models.events(timeframe, { kind: 'training', limit: 50 })).filter(
    ({ verdict }) => verdict !== 'failed',
  );
  if (trained === undefined) return null;
  const newCandles = (at: EpochMs): number =>
    Math.max(0, countSlots(timeframe, { from: openOf(timeframe, trained.at), to: openOf(timeframe, at) }) - 1);
  if (!candlesDue(timeframe, newCandles(asOf))) return null;
  return { trigger: 'candles', observations: candlesDue(timeframe, newCandles(asOf - DAY)) ? 2 : 1 };
}
