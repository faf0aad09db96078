/** What the operators' manifest adds about a pair; never public. Plain JSON, times as ISO 8601. */
import { countRanges } from '../src/domain/coverage';
import type { EpochMs, Pair } from '../src/domain/types';
import type { StageRecord } from '../src/ports/pair-state';
import type { ActivityPorts } from './ports';
import { currentStorageLevel } from './storage';

export async function operationalFacts(
  ports: ActivityPorts,
  pair: Pair,
  run: { readonly workflowId: string; readonly runId: string } | null,
): Promise<Record<string, unknown>> {
  const extent = await ports.candles.extent(pair);
  const earliest = await ports.pairState.earliest(pair);
  const holes = await ports.candles.holes(pair);
  const forecast = await ports.forecastLedger.latest(pair, 'champion');
  const stages = await ports.pairState.stages(pair);
  return {
    coverage: {
      start: timeOf(extent?.first),
      end: timeOf(extent?.last),
      exchange_earliest: timeOf(earliest?.openTime),
      candles: extent?.count ?? 0,
      holes: countRanges(pair.timeframe, holes),
    },
    stages: [
      ...stages.filter((stage) => stage.stage !== 'export').map(stageFacts),
      // These facts are published by the very export that they tell of.
      stageFacts({
        ...(stages.find((stage) => stage.stage === 'export') ?? NEVER_FAILED),
        stage: 'export',
        lastSuccessAt: ports.clock.now(),
        failureCount: 0,
        sameCodeCount: 0,
      }),
    ],
    model: forecast === null ? null : { version: forecast.modelVersion, family: forecast.family },
    shadow_version: (await ports.models.shadow(pair.timeframe))?.version ?? null,
    disk_level: await currentStorageLevel(ports),
    workflow: run === null ? null : { id: run.workflowId, run: run.runId },
  };
}

const NEVER_FAILED = { lastFailureAt: null, lastCode: null, lastMessage: null };

function stageFacts(stage: StageRecord): Record<string, unknown> {
  return {
    stage: stage.stage,
    last_success_at: timeOf(stage.lastSuccessAt),
    last_failure_at: timeOf(stage.lastFailureAt),
    failure_count: stage.failureCount,
    code: stage.lastCode,
    message: stage.lastMessage,
  };
}

function timeOf(t: EpochMs | null | undefined): string | null {
  return t === null || t === undefined ? null : new Date(t).toISOString();
}
