/** What the operators' manifest adds about a pair; never public. Plain JSON, times as ISO 8601. */
import { countRanges } from '../src/domain/coverage';
import type { EpochMs, Pair } from '../src/domain/types';
import type { StageRecord } from '../src/ports/pair-state';
import type { ExportFaults } from '../src/publish/export-pair';
import { describeFailure } from './failures';
import type { ActivityPorts } from './ports';
import { currentStorageLevel } from './storage';

/** The facts of now, to be completed with what went wrong in the export under way; nothing, when it succeeded. */
export async function operationalFacts(
  ports: ActivityPorts,
  pair: Pair,
  run: { readonly workflowId: string; readonly runId: string } | null,
): Promise<(faults: ExportFaults) => Record<string, unknown>> {
  const extent = await ports.candles.extent(pair);
  const earliest = await ports.pairState.earliest(pair);
  const holes = await ports.candles.holes(pair);
  const forecast = await ports.forecastLedger.latest(pair, 'champion');
  const stages = await ports.pairState.stages(pair);
  const facts = {
    coverage: {
      start: timeOf(extent?.first),
      end: timeOf(extent?.last),
      exchange_earliest: timeOf(earliest?.openTime),
      candles: extent?.count ?? 0,
      holes: countRanges(pair.timeframe, holes),
    },
    model: forecast === null ? null : { version: forecast.modelVersion, family: forecast.family },
    shadow_version: (await ports.models.shadow(pair.timeframe))?.version ?? null,
    disk_level: await currentStorageLevel(ports),
    workflow: run === null ? null : { id: run.workflowId, run: run.runId },
  };
  return (faults) => ({ ...facts, stages: afterExport(stages, faults, ports.clock.now()).map(stageFacts) });
}

/** The stages as they will be recorded once this export has ended: the row that tells of it is written before. */
function afterExport(stages: readonly StageRecord[], faults: ExportFaults, at: EpochMs): StageRecord[] {
  const ended = new Map(stages.map((record) => [record.stage, record]));
  for (const [stage, error] of Object.entries({ export: null, ...faults }) as [keyof ExportFaults, unknown][]) {
    const record = ended.get(stage) ?? { ...NEVER_RUN, stage };
    ended.set(stage, error === null ? { ...record, lastSuccessAt: at, failureCount: 0 } : failed(record, error, at));
  }
  return [...ended.values()];
}

function failed(record: StageRecord, error: unknown, at: EpochMs): StageRecord {
  const { code, message } = describeFailure(error);
  return {
    ...record,
    lastFailureAt: at,
    failureCount: record.failureCount + 1,
    lastCode: code,
    lastMessage: message,
  };
}

const NEVER_RUN = {
  lastSuccessAt: null,
  lastFailureAt: null,
  failureCount: 0,
  sameCodeCount: 0,
  lastCode: null,
  lastMessage: null,
};

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
