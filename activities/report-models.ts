/** The daily report: champion, shadow and naive of every timeframe, the gate's decision, and what follows from it. */
import { compareForecasts } from '../src/domain/forecast-comparison';
import type { ForecastComparison } from '../src/domain/forecast-comparison';
import { judgePromotion } from '../src/domain/promotion-gate';
import type { GateDecision } from '../src/domain/promotion-gate';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { championOf, recipeMetadata, registered } from './champion';
import { NAIVE } from './forecast';
import { judgeDrift, recordDrift, trainingEvent } from './model-drift';
import { ledgerLosses, promotionEvidence } from './model-evidence';
import type { Rivals } from './model-evidence';
import { writeModelsDocument } from './models-document';
import type { ActivityPorts } from './ports';
import { readySymbols } from './ready-symbols';
import { guarded } from './stage';
import type { TimeframeReport } from './training-contract';

export function createReportModels(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<TimeframeReport[]> =>
    guarded(async () => {
      const reports: TimeframeReport[] = [];
      for (const timeframe of ports.settings.timeframes) {
        if (ports.settings.rules(timeframe).horizon === 0) continue;
        if ((await ports.models.champion(timeframe)) === null) continue;
        reports.push(await reportOf(ports, timeframe, asOf));
      }
      await writeModelsDocument(ports, asOf);
      return reports;
    });
}

async function reportOf(ports: ActivityPorts, timeframe: TimeframeId, asOf: EpochMs): Promise<TimeframeReport> {
  const symbols = await readySymbols(ports);
  const champion = await championOf(ports, timeframe, asOf);
  const pointer = await ports.models.champion(timeframe);
  const shadowPointer = await ports.models.shadow(timeframe);
  const shadow = shadowPointer === null ? null : await registered(ports, timeframe, shadowPointer.version);
  const { horizon: steps, evaluationSlots: limit } = ports.settings.rules(timeframe);
  const losses = (role: 'champion' | 'shadow' | 'naive', version: string | null) =>
    ledgerLosses(ports, timeframe, symbols, { role, version, asOf });
  const own = await losses('champion', champion.model_version);
  const beside = shadow === null ? [] : await losses('shadow', shadow.model_version);
  const naive = await losses('naive', null);
  const againstNaive = compareForecasts(own, naive, { steps, limit });
  const drift = { timeframe, asOf, symbols, champion, since: pointer?.at ?? asOf, own, shadow: beside };
  const drifted = await recordDrift(ports, drift, await judgeDrift(ports, drift));
  const comparison = compareForecasts(beside, own, { steps, limit });
  const decision = shadow === null ? null : await decide(ports, { champion, shadow, comparison, asOf });
  const change = await changeOf(ports, { timeframe, asOf, champion, shadow, decision, againstNaive });
  return {
    timeframe,
    verdict: decision?.verdict ?? 'NO_SHADOW',
    reason: decision?.reason ?? 'no model forecasts as shadow',
    change,
    train: await trainingEvent(ports, drift, drifted),
  };
}

/** What it passed on, in words. */
function passedOn({ criteria }: GateDecision): string {
  const valueOf = (wanted: string) => criteria.find(({ name }) => name === wanted)?.value;
  const where = valueOf('basis') === 'ledger' ? 'of the ledger' : 'of a walk-forward backtest: the ledger is young';
  return `passed every criterion of the gate, on ${valueOf('origins')} origins ${where}`;
}

/** The gate's decision, kept with every criterion. */
async function decide(ports: ActivityPorts, rivals: Rivals): Promise<GateDecision> {
  const { champion, shadow, comparison, asOf } = rivals;
  const evidence = await promotionEvidence(ports, rivals);
  const decision = judgePromotion(evidence);
  const { timeframe } = champion;
  await ports.models.record({
    key: `decision ${timeframe} ${asOf}`,
    timeframe,
    at: asOf,
    kind: 'decision',
    verdict: decision.verdict,
    version: shadow.model_version,
    by: 'automatic',
    reason: decision.reason,
    criteria: decision.criteria,
    facts: {
      champion: champion.model_version,
      basis: String(evidence.basis),
      origins: typeof evidence.origins === 'number' ? evidence.origins : null,
      ledger_origins: comparison?.origins ?? 0,
    },
  });
  return decision;
}

interface Decided {
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly champion: ModelMetadata;
  readonly shadow: ModelMetadata | null;
  readonly decision: GateDecision | null;
  readonly againstNaive: ForecastComparison | null;
}

/** Null while an operator's rollback has frozen the timeframe, or where the settings leave changes to operators. */
async function changeOf(ports: ActivityPorts, decided: Decided): Promise<TimeframeReport['change']> {
  const { timeframe, champion, shadow, decision, againstNaive, asOf } = decided;
  if ((await ports.models.freeze(timeframe)) !== null) return null;
  if (decision?.verdict === 'PROMOTE' && shadow !== null) {
    if (!ports.settings.automaticPromotion) return null;
    return { action: 'promote', version: shadow.model_version, reason: passedOn(decision) };
  }
  const { minimumSamples } = ports.settings.rules(timeframe);
  if (!ports.settings.naiveFallback || againstNaive === null || againstNaive.origins < minimumSamples) return null;
  const { challengerLoss, rivalLoss, origins } = againstNaive;
  const naive = recipeMetadata(ports, timeframe, NAIVE, 'naive', asOf);
  if (naive.model_version === champion.model_version || challengerLoss < rivalLoss) return null;
  await ports.models.register(naive);
  const reason = `not better than naive over ${origins} origins: loss ${(challengerLoss / rivalLoss).toFixed(3)} of naive's`;
  return { action: 'naive', version: naive.model_version, reason };
}
