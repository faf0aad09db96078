/** What the operators' manifest adds about a pair; never public. Plain JSON, times as ISO 8601. */
import { countRanges } from '../src/domain/coverage';
import { storageLevel } from '../src/domain/storage-budget';
import type { EpochMs, Pair } from '../src/domain/types';
import type { ActivityPorts } from './ports';

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
    stages: stages.map((stage) => ({
      stage: stage.stage,
      last_success_at: timeOf(stage.lastSuccessAt),
      last_failure_at: timeOf(stage.lastFailureAt),
      failure_count: stage.failureCount,
      code: stage.lastCode,
      message: stage.lastMessage,
    })),
    model: forecast === null ? null : { version: forecast.modelVersion, family: forecast.family },
    disk_level: storageLevel(await ports.candles.sizeBytes(), ports.settings.storageBudgetBytes),
    workflow: run === null ? null : { id: run.workflowId, run: run.runId },
  };
}

function timeOf(t: EpochMs | null | undefined): string | null {
  return t === null || t === undefined ? null : new Date(t).toISOString();
}
