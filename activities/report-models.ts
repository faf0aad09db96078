/** The daily report: champion, shadow and naive of every timeframe, the gate's decision, and what follows from it. */
import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { compareForecasts } from '../src/domain/forecast-comparison';
import type { ForecastComparison } from '../src/domain/forecast-comparison';
import { judgePromotion } from '../src/domain/promotion-gate';
import type { GateDecision } from '../src/domain/promotion-gate';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import type { ModelMetadata } from '../src/ports/model-metadata';
import { promotionOf } from '../src/ports/model-registry';
import type { LifecycleEvent } from '../src/ports/model-registry';
import { championOf, recipeMetadata, registered, versionsOf } from './champion';
import { describeFailure } from './failures';
import { NAIVE } from './forecast';
import { judgeDrift, recordDrift, trainingEvent } from './model-drift';
import { ledgerLosses, promotionEvidence } from './model-evidence';
import type { LedgerSide, Rivals } from './model-evidence';
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
        reports.push(
          await reportOf(ports, timeframe, asOf).catch((error: unknown) => leftOut(ports, timeframe, asOf, error)),
        );
      }
      await writeModelsDocument(ports, asOf);
      return reports;
    });
}

/** Before that a failure that may pass is left to the activity's own retries: some minutes of them. */
const LEFT_OUT_FROM_ATTEMPT = 8;

/** What fails for one timeframe is told, and keeps the report from no other. */
async function leftOut(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  asOf: EpochMs,
  error: unknown,
): Promise<TimeframeReport> {
  cancellationSignal().throwIfAborted();
  const { message, retry } = describeFailure(error);
  if (retry !== 'permanent' && activityInfo().attempt < LEFT_OUT_FROM_ATTEMPT) throw error;
  await recordFailure(ports, { timeframe, asOf, version: null, reason: `not judged: ${message}` });
  return { timeframe, verdict: 'FAILED', reason: message, change: null, otherwise: null, train: null };
}

async function recordFailure(
  ports: ActivityPorts,
  failed: Pick<LifecycleEvent, 'version' | 'reason'> & { readonly timeframe: TimeframeId; readonly asOf: EpochMs },
): Promise<void> {
  const { timeframe, asOf, version, reason } = failed;
  await ports.models.record({
    key: `report ${timeframe} ${asOf} ${version}`,
    timeframe,
    at: asOf,
    kind: 'report',
    verdict: 'failed',
    version,
    by: 'automatic',
    reason: reason.slice(0, 500),
    criteria: [],
    facts: {},
  });
}

async function reportOf(ports: ActivityPorts, timeframe: TimeframeId, asOf: EpochMs): Promise<TimeframeReport> {
  const symbols = await readySymbols(ports);
  const champion = await championOf(ports, timeframe, asOf);
  const promotion = await promotionOf(ports.models, timeframe);
  const shadowPointer = await ports.models.shadow(timeframe);
  const shadow = shadowPointer === null ? null : await registered(ports, timeframe, shadowPointer.version);
  const { horizon: steps, evaluationSlots: limit } = ports.settings.rules(timeframe);
  const losses = (role: LedgerSide['role'], versions: LedgerSide['versions']) =>
    ledgerLosses(ports, timeframe, symbols, { role, versions, asOf });
  const own = await losses('champion', await versionsOf(ports, champion));
  const beside = shadow === null ? [] : await losses('shadow', await versionsOf(ports, shadow));
  const naive = await losses('naive', null);
  const againstNaive = compareForecasts(own, naive, { steps, limit });
  // A champion that was fitted again since is held against what promoted it, like one that every cycle fits.
  const promoted = promotion === null ? champion : await registered(ports, timeframe, promotion.version);
  const since = promotion?.at ?? asOf;
  const drift = { timeframe, asOf, symbols, champion: promoted, since, own, shadow: beside };
  const drifted = await recordDrift(ports, drift, await judgeDrift(ports, drift));
  const comparison = compareForecasts(beside, own, { steps, limit });
  const decision = shadow === null ? null : await decide(ports, { champion, shadow, comparison, symbols, asOf });
  const changes = await changesOf(ports, { timeframe, asOf, champion, shadow, decision, againstNaive });
  return {
    timeframe,
    verdict: decision?.verdict ?? 'NO_SHADOW',
    reason: decision?.reason ?? 'no model forecasts as shadow',
    ...changes,
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
  const { timeframe } = champion;
  const { fields, unmeasured, damage } = await promotionEvidence(ports, rivals);
  if (damage !== null) {
    const reason = `the losses of its training are not used: ${damage}`;
    await recordFailure(ports, { timeframe, asOf, version: shadow.model_version, reason });
  }
  const judged = judgePromotion(fields);
  const left = unmeasured.length === 0 ? '' : `; not measured on ${unmeasured.join(', ')}`;
  const decision = { ...judged, reason: `${judged.reason}${left}`.slice(0, 500) };
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
      basis: String(fields.basis),
      origins: typeof fields.origins === 'number' ? fields.origins : null,
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

/** None while an operator's rollback has frozen the timeframe, or where the settings leave changes to operators. */
async function changesOf(
  ports: ActivityPorts,
  decided: Decided,
): Promise<Pick<TimeframeReport, 'change' | 'otherwise'>> {
  const { timeframe, shadow, decision } = decided;
  if ((await ports.models.freeze(timeframe)) !== null) return { change: null, otherwise: null };
  const naive = await naiveInstead(ports, decided);
  if (decision?.verdict !== 'PROMOTE' || shadow === null || !ports.settings.automaticPromotion) {
    return { change: naive, otherwise: null };
  }
  const promotion = { action: 'promote', version: shadow.model_version, reason: passedOn(decision) } as const;
  return { change: { ...promotion, champion: decided.champion.model_version }, otherwise: naive };
}

/** Null unless the champion is not better than naive on enough origins. */
async function naiveInstead(
  ports: ActivityPorts,
  { timeframe, champion, againstNaive, asOf }: Decided,
): Promise<TimeframeReport['change']> {
  const { minimumSamples } = ports.settings.rules(timeframe);
  if (!ports.settings.naiveFallback || againstNaive === null || againstNaive.origins < minimumSamples) return null;
  const { challengerLoss, rivalLoss, origins } = againstNaive;
  const naive = recipeMetadata(ports, timeframe, NAIVE, 'naive', asOf);
  if (naive.model_version === champion.model_version || challengerLoss < rivalLoss) return null;
  await ports.models.register(naive);
  const reason = `not better than naive over ${origins} origins: loss ${(challengerLoss / rivalLoss).toFixed(3)} of naive's`;
  return { action: 'naive', version: naive.model_version, champion: champion.model_version, reason };
}
