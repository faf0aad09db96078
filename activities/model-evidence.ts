/** How champion, shadow and naive did on the same targets, from the ledger; from the training's holdout while that is young. */
import { createHash } from 'node:crypto';
import { dieboldMariano } from '../src/domain/diebold-mariano';
import { PipelineError } from '../src/domain/errors';
import { overlapOf, worstRatio } from '../src/domain/forecast-comparison';
import type { ForecastComparison, OriginLoss } from '../src/domain/forecast-comparison';
import type { PromotionEvidence } from '../src/domain/promotion-gate';
import { shiftSlots } from '../src/domain/timeframe';
import { comparedOrigins } from '../src/domain/timeframe-rules';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import type { ForecastRole, ForecastScore } from '../src/ports/forecast-ledger';
import type { Holdout, RecipeHoldout } from '../src/ports/holdout';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { newestEvaluation, ofVersion, readHoldout } from './candidate';
import type { Evaluation } from './candidate';
import { recipeOf } from './champion';
import type { ActivityPorts } from './ports';

export interface LedgerSide {
  readonly role: ForecastRole;
  /** Those whose forecasts count, see `versionsOf`; null: all. */
  readonly versions: readonly string[] | null;
  readonly asOf: EpochMs;
}

/** One observation a forecast whose every step has been scored, of all symbols. */
export async function ledgerLosses(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  symbols: readonly MarketSymbol[],
  { role, versions, asOf }: LedgerSide,
): Promise<OriginLoss[]> {
  const { evaluationSlots, horizon } = ports.settings.rules(timeframe);
  // Origins whose targets have all closed lie a horizon back.
  const from = shiftSlots(timeframe, asOf, -evaluationSlots - horizon);
  const losses: OriginLoss[] = [];
  for (const symbol of symbols) {
    const scores = await ports.forecastLedger.scores({ symbol, timeframe }, role, from, asOf);
    const own = versions === null ? scores : scores.filter(({ modelVersion }) => versions.includes(modelVersion));
    losses.push(...lossesByOrigin(symbol, own, horizon));
  }
  return losses;
}

function lossesByOrigin(symbol: MarketSymbol, scores: readonly ForecastScore[], steps: number): OriginLoss[] {
  const byForecast = new Map<string, ForecastScore[]>();
  for (const score of scores) {
    const forecast = `${score.dataThrough} ${score.modelVersion}`;
    const list = byForecast.get(forecast) ?? [];
    list.push(score);
    byForecast.set(forecast, list);
  }
  // Of two fits that forecast from one origin, as when the model was fitted again after the cycle, one is its observation.
  const whole = [...byForecast.values()].filter((all) => all.length === steps);
  const byOrigin = new Map(whole.map((all) => [all[0]?.dataThrough ?? NaN, all]));
  return [...byOrigin].map(([origin, all]) => {
    const mean = (value: (score: ForecastScore) => number): number =>
      all.reduce((sum, score) => sum + value(score), 0) / steps;
    return {
      symbol,
      origin,
      loss: mean(({ pinball }) => pinball),
      error: mean(({ symmetricError }) => symmetricError),
      inside80: mean(({ inside80 }) => Number(inside80)),
    };
  });
}

export interface Rivals {
  readonly champion: ModelMetadata;
  readonly shadow: ModelMetadata;
  /** Null while the two have no scored forecast in common. */
  readonly comparison: ForecastComparison | null;
  /** Ready symbols: the winner will forecast every one. */
  readonly symbols: readonly MarketSymbol[];
  readonly asOf: EpochMs;
}

export interface Evidence {
  /** What the gate is asked; fields that can not be had are null, which it never lets pass. */
  readonly fields: Readonly<Record<keyof PromotionEvidence, unknown>>;
  /** Symbols that could have been measured and were not: what the model does to them is unknown. */
  readonly unmeasured: readonly MarketSymbol[];
  /** Why the losses of the training could not be used; null where they were or are not needed. */
  readonly damage: string | null;
}

export async function promotionEvidence(ports: ActivityPorts, rivals: Rivals): Promise<Evidence> {
  const evaluated = await newestEvaluation(ports, rivals.shadow, rivals.asOf);
  const { measured, damage, ...found } = await comparedEvidence(ports, rivals, evaluated);
  const unmeasured = (await measurable(ports, rivals)).filter((symbol) => !measured.includes(symbol));
  const fields = {
    ...found,
    minimumOrigins: ports.settings.rules(rivals.champion.timeframe).minimumSamples,
    worstSymbolRatio: unmeasured.length === 0 ? found.worstSymbolRatio : null,
    inferenceMs: evaluated.inferenceMs,
    inferenceBudgetMs: ports.settings.cycleTargetMs / 2,
  };
  return { fields, unmeasured, damage };
}

/** Symbols with an origin that may be forecast from and whose targets have all closed. */
async function measurable(ports: ActivityPorts, { champion, symbols }: Rivals): Promise<readonly MarketSymbol[]> {
  const { timeframe } = champion;
  const { minimumSamples, horizon } = ports.settings.rules(timeframe);
  const old: MarketSymbol[] = [];
  for (const symbol of symbols) {
    const extent = await ports.candles.extent({ symbol, timeframe });
    if ((extent?.count ?? 0) >= minimumSamples + horizon) old.push(symbol);
  }
  return old;
}

/** From the ledger once it has enough in common, else from the holdout. */
async function comparedEvidence(ports: ActivityPorts, rivals: Rivals, { holdout }: Evaluation) {
  const { champion, comparison } = rivals;
  const rules = ports.settings.rules(champion.timeframe);
  if (comparison !== null && comparison.origins >= comparedOrigins(rules)) {
    const targets = hashOf(comparison.targets);
    return {
      kind: 'challenger',
      basis: 'ledger',
      origins: comparison.origins,
      challengerTargets: targets,
      rivalTargets: targets,
      challengerLoss: comparison.challengerLoss,
      rivalLoss: comparison.rivalLoss,
      p: comparison.test?.p ?? null,
      coverage80: comparison.coverage80,
      worstSymbolRatio: worstRatio(comparison),
      measured: [...comparison.bySymbol.keys()],
      damage: null,
    };
  }
  try {
    return holdoutEvidence(ports, rivals, holdout === null ? null : await readHoldout(ports, holdout));
  } catch (error) {
    // A store that does not answer says nothing about the file.
    if (!(error instanceof PipelineError && error.code === 'model_corrupt')) throw error;
    return { ...holdoutEvidence(ports, rivals, null), damage: error.message };
  }
}

function holdoutEvidence(ports: ActivityPorts, { champion, shadow }: Rivals, holdout: Holdout | null) {
  const nothing = {
    kind: 'challenger',
    basis: 'backtest',
    origins: null,
    challengerTargets: null,
    rivalTargets: null,
    challengerLoss: null,
    rivalLoss: null,
    p: null,
    coverage80: null,
    worstSymbolRatio: null,
    measured: [] as readonly string[],
    damage: null as string | null,
  };
  if (holdout === null) return nothing;
  const own = ofVersion(holdout, ports.forecaster.versionOf(recipeOf(shadow)));
  const rival = ofVersion(holdout, ports.forecaster.versionOf(recipeOf(champion)));
  if (own === undefined || rival === undefined) return nothing;
  const mean = ({ origins }: RecipeHoldout): number =>
    origins.reduce((sum, { loss }) => sum + loss, 0) / origins.length;
  const differences = own.origins.map(({ loss }, k) => loss - (rival.origins[k]?.loss ?? NaN));
  return {
    ...nothing,
    origins: own.origins.length,
    challengerTargets: own.targets ?? null,
    rivalTargets: rival.targets ?? null,
    challengerLoss: mean(own),
    rivalLoss: mean(rival),
    p: dieboldMariano(differences, overlapOf(ports.settings.rules(champion.timeframe).horizon))?.p ?? null,
    coverage80: own.coverage80,
    worstSymbolRatio: Math.max(...own.symbols.map(({ symbol, loss }) => loss / lossOf(rival, symbol))),
    measured: own.symbols.map(({ symbol }) => symbol),
  };
}

function lossOf({ symbols }: RecipeHoldout, symbol: string): number {
  return symbols.find((of) => of.symbol === symbol)?.loss ?? NaN;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
