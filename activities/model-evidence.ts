/** How champion, shadow and naive did on the same targets, from the ledger; from the training's holdout while that is young. */
import { createHash } from 'node:crypto';
import { dieboldMariano } from '../src/domain/diebold-mariano';
import { overlapOf, worstRatio } from '../src/domain/forecast-comparison';
import type { ForecastComparison, OriginLoss } from '../src/domain/forecast-comparison';
import type { PromotionEvidence } from '../src/domain/promotion-gate';
import { shiftSlots } from '../src/domain/timeframe';
import { comparedOrigins } from '../src/domain/timeframe-rules';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import type { ForecastRole, ForecastScore } from '../src/ports/forecast-ledger';
import type { RecipeHoldout } from '../src/ports/holdout';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { newestEvaluation, ofVersion, readHoldout } from './candidate';
import { recipeOf } from './champion';
import type { ActivityPorts } from './ports';

/** One observation a forecast whose every step has been scored, of all symbols. */
export async function ledgerLosses(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  symbols: readonly MarketSymbol[],
  { role, version, asOf }: { readonly role: ForecastRole; readonly version: string | null; readonly asOf: EpochMs },
): Promise<OriginLoss[]> {
  const { evaluationSlots, horizon } = ports.settings.rules(timeframe);
  // Origins whose targets have all closed lie a horizon back.
  const from = shiftSlots(timeframe, asOf, -evaluationSlots - horizon);
  const losses: OriginLoss[] = [];
  for (const symbol of symbols) {
    const scores = await ports.forecastLedger.scores({ symbol, timeframe }, role, from, asOf);
    const own = version === null ? scores : scores.filter(({ modelVersion }) => modelVersion === version);
    losses.push(...lossesByOrigin(symbol, own, horizon));
  }
  return losses;
}

function lossesByOrigin(symbol: MarketSymbol, scores: readonly ForecastScore[], steps: number): OriginLoss[] {
  const byOrigin = new Map<EpochMs, ForecastScore[]>();
  for (const score of scores) {
    const list = byOrigin.get(score.dataThrough) ?? [];
    list.push(score);
    byOrigin.set(score.dataThrough, list);
  }
  return [...byOrigin].flatMap(([origin, all]) => {
    if (all.length !== steps) return [];
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
  readonly asOf: EpochMs;
}

/** What the gate is asked; fields that can not be had are null, which it never lets pass. */
export async function promotionEvidence(
  ports: ActivityPorts,
  rivals: Rivals,
): Promise<Readonly<Record<keyof PromotionEvidence, unknown>>> {
  const { timeframe } = rivals.champion;
  const rules = ports.settings.rules(timeframe);
  const { minimumSamples, horizon } = rules;
  const budget = {
    minimumOrigins: minimumSamples,
    inferenceMs: rivals.shadow.metrics.inference_ms ?? null,
    inferenceBudgetMs: ports.settings.cycleTargetMs / 2,
  };
  const { comparison } = rivals;
  if (comparison !== null && comparison.origins >= comparedOrigins(rules)) {
    const targets = hashOf(comparison.targets);
    return {
      ...budget,
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
    };
  }
  return { ...budget, ...(await holdoutEvidence(ports, rivals, horizon)) };
}

async function holdoutEvidence(ports: ActivityPorts, { champion, shadow, asOf }: Rivals, steps: number) {
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
  };
  const evaluated = await newestEvaluation(ports, shadow, asOf);
  if (evaluated.holdout === null) return nothing;
  const holdout = await readHoldout(ports, evaluated.holdout);
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
    p: dieboldMariano(differences, overlapOf(steps))?.p ?? null,
    coverage80: own.coverage80,
    worstSymbolRatio: Math.max(...own.symbols.map(({ symbol, loss }) => loss / lossOf(rival, symbol))),
  };
}

function lossOf({ symbols }: RecipeHoldout, symbol: string): number {
  return symbols.find((of) => of.symbol === symbol)?.loss ?? NaN;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
