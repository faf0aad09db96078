/** Makes `operations.json`: what only a process with the stores and Temporal can see, as one document for the page. */
import { countRanges, subtractRanges } from '../domain/coverage';
import { MEASURED_CYCLES, summariseRuntime } from '../domain/runtime';
import { daysUntilBlock, storageLevel } from '../domain/storage-budget';
import { growthPerDay } from '../domain/storage-projection';
import { DAY } from '../domain/timeframe';
import { pairKey } from '../domain/types';
import type { EpochMs, MarketSymbol, Pair, SlotRange, TimeframeId } from '../domain/types';
import type { CandleStore, Extent } from '../ports/candle-store';
import type { Control, FillView, ScheduleView } from '../ports/control';
import type { DataQualityStore } from '../ports/data-quality';
import type { GapLedger } from '../ports/gap-ledger';
import type { PairStateStore } from '../ports/pair-state';
import type { RunLog } from '../ports/run-log';
import type { StorageGauge } from '../ports/storage-gauge';
import { isoTime } from '../publish/canonical-json';
import { OPS_DOCUMENT_VERSION, type OperationsDocument } from './ops-documents';
import { RecentChanges, type Change, type GenerationSource } from './recent-changes';

export interface OperationsPorts {
  readonly source: string;
  readonly namespace: string;
  /** Those that are followed at the moment: discovery may find others later. */
  symbols(): Promise<readonly MarketSymbol[]>;
  readonly timeframes: readonly TimeframeId[];
  readonly storage: StorageGauge;
  readonly dataQuality: Pick<DataQualityStore, 'storageSamples'>;
  readonly cycleTargetMs: number;
  readonly candles: CandleStore;
  readonly gapLedger: GapLedger;
  readonly pairState: Pick<PairStateStore, 'earliest'>;
  readonly runLog: RunLog;
  readonly generations: GenerationSource;
  readonly control: Pick<Control, 'schedules' | 'fills'>;
  /** Address of the Temporal Web UI, when it is known. */
  temporalUi(): Promise<string | null>;
}

/** Temporal is asked for this long; then its part of the document is unknown. */
const ASK_TEMPORAL_MS = 5_000;
const HOLES_SHOWN = 50;
const GROWTH_WINDOW_MS = 7 * DAY;

type Coverage = OperationsDocument['coverage'];

/** Remembers between reports what would cost much to find again. */
export class OperationsReport {
  private readonly changes: RecentChanges;
  /** Holes are looked for in whole histories, so only when a pair has other candles than at the report before. */
  private readonly holes = new Map<string, { readonly extent: Extent; readonly missing: readonly SlotRange[] }>();

  constructor(private readonly ports: OperationsPorts) {
    this.changes = new RecentChanges(ports.generations);
  }

  async at(now: EpochMs): Promise<OperationsDocument> {
    const { ports } = this;
    const [schedules, fills] = await Promise.all([
      withinTime(ports.control.schedules()),
      withinTime(ports.control.fills()),
    ]);
    const runtime = [];
    const cycles: Change[] = [];
    for (const timeframe of ports.timeframes) {
      const runs = await ports.runLog.recent(timeframe, 4 * MEASURED_CYCLES);
      runtime.push(await runtimeOf(ports, timeframe, runs, now));
      cycles.push(...cycleChanges(timeframe, runs, now - DAY));
    }
    const changes = [...(await this.changes.read(now)), ...cycles].toSorted(
      (a, b) => Date.parse(b.at) - Date.parse(a.at),
    );
    return {
      version: OPS_DOCUMENT_VERSION,
      generated_at: isoTime(now),
      source: ports.source,
      temporal_ui: await ports.temporalUi(),
      namespace: ports.namespace,
      schedules: schedules?.map(scheduleOf) ?? null,
      fills: fills?.map((fill) => fillOf(fill)) ?? null,
      runtime,
      storage: await storageOf(ports, now),
      coverage: await this.coverage(),
      changes,
    };
  }

  private async coverage(): Promise<Coverage> {
    const pairs: Coverage = [];
    for (const symbol of await this.ports.symbols()) {
      for (const timeframe of this.ports.timeframes) {
        const pair = { symbol, timeframe };
        const extent = await this.ports.candles.extent(pair);
        const missing = extent === null ? [] : await this.missing(pair, extent);
        pairs.push(await coverageOf(this.ports, pair, extent, missing));
      }
    }
    return pairs;
  }

  private async missing(pair: Pair, extent: Extent): Promise<readonly SlotRange[]> {
    const known = this.holes.get(pairKey(pair));
    const { first, last, count } = extent;
    if (known?.extent.first === first && known.extent.last === last && known.extent.count === count) {
      return known.missing;
    }
    const missing = await this.ports.candles.holes(pair);
    this.holes.set(pairKey(pair), { extent, missing });
    return missing;
  }
}

/** Null when it fails or takes too long: the report never waits for Temporal. */
async function withinTime<T>(work: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ASK_TEMPORAL_MS, null);
  });
  try {
    return await Promise.race([work, late]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

const timeOf = (at: EpochMs | null | undefined): string | null =>
  at === null || at === undefined ? null : isoTime(at);

function scheduleOf(view: ScheduleView): NonNullable<OperationsDocument['schedules']>[number] {
  return {
    id: view.id,
    paused: view.paused,
    note: view.note,
    next_run_at: view.paused ? null : timeOf(view.nextRuns[0]),
    last_run_at: timeOf(view.lastRuns.at(-1)),
    running: [...view.running],
    missed: view.missed,
    skipped: view.skipped,
  };
}

function fillOf(fill: FillView): NonNullable<OperationsDocument['fills']>[number] {
  return {
    symbol: fill.symbol,
    timeframe: fill.timeframe,
    workflow_id: fill.workflowId,
    status: fill.status,
    stored: fill.stored,
    reached: timeOf(fill.reached),
    progress: fill.progress,
    seconds_left: fill.etaMs === null ? null : Math.max(0, fill.etaMs / 1000),
  };
}

type Runs = Awaited<ReturnType<RunLog['recent']>>;

async function runtimeOf(
  { runLog, cycleTargetMs }: OperationsPorts,
  timeframe: TimeframeId,
  runs: Runs,
  now: EpochMs,
): Promise<OperationsDocument['runtime'][number]> {
  const ended = runs.flatMap(({ startedAt, end }) => (end === null ? [] : [{ startedAt, ...end }]));
  const summary = summariseRuntime(ended, cycleTargetMs);
  const since = ended.at(Math.min(ended.length, MEASURED_CYCLES) - 1)?.startedAt ?? now;
  const boundaries = await runLog.boundaries(timeframe, since, now);
  const [last] = runs;
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  return {
    timeframe,
    cycles: summary.cycles,
    average_seconds: seconds(summary.averageMs),
    p95_seconds: seconds(summary.p95Ms),
    target_seconds: cycleTargetMs / 1000,
    success_rate: summary.successRate,
    overrun_rate: summary.overrunRate,
    missed_boundaries: boundaries.filter(({ outcome }) => outcome !== 'done').length,
    last:
      last === undefined
        ? null
        : {
            workflow: { id: last.workflowId, run: last.runId },
            started_at: isoTime(last.startedAt),
            ended_at: timeOf(last.end?.endedAt),
            outcome: last.end?.outcome ?? null,
            trigger: last.trigger,
          },
  };
}

function cycleChanges(timeframe: TimeframeId, runs: Runs, since: EpochMs): Change[] {
  return runs.flatMap(({ end }): Change[] => {
    if (end === null || end.endedAt < since || (end.outcome !== 'failed' && end.outcome !== 'partial')) return [];
    const sentence = `cycle of ${timeframe} ${end.outcome}: ${end.failed} of ${end.pairs} pairs failed`;
    return [{ at: isoTime(end.endedAt), kind: 'cycle', pair: null, sentence }];
  });
}

async function storageOf(
  { storage, dataQuality }: OperationsPorts,
  now: EpochMs,
): Promise<OperationsDocument['storage']> {
  const { usedBytes, budgetBytes } = await storage.measure();
  const samples = await dataQuality.storageSamples(now - GROWTH_WINDOW_MS);
  const perDay = growthPerDay(samples);
  return {
    used_bytes: usedBytes,
    budget_bytes: budgetBytes,
    level: storageLevel(usedBytes, budgetBytes),
    bytes_per_day: perDay,
    days_left: perDay === null ? null : daysUntilBlock(usedBytes, budgetBytes, perDay),
    samples: samples.length,
    sampled_since: timeOf(samples[0]?.at),
  };
}

async function coverageOf(
  { gapLedger, pairState }: OperationsPorts,
  pair: Pair,
  extent: Extent | null,
  missing: readonly SlotRange[],
): Promise<Coverage[number]> {
  const { symbol, timeframe } = pair;
  const [earliest, known] = [await pairState.earliest(pair), await gapLedger.list(pair)];
  const unexplained = subtractRanges(timeframe, missing, known);
  const holes = [
    ...unexplained.map((range) => holeOf(timeframe, range, { state: 'unexplained', asks: 0, lastAskedAt: null })),
    ...known.map((gap) => holeOf(timeframe, gap, gap)),
  ].toSorted((a, b) => Date.parse(b.from) - Date.parse(a.from));
  return {
    symbol,
    timeframe,
    exchange_earliest: timeOf(earliest?.openTime),
    start: timeOf(extent?.first),
    end: timeOf(extent?.last),
    candles: extent?.count ?? 0,
    holes: holes.slice(0, HOLES_SHOWN),
    holes_total: holes.length,
  };
}

function holeOf(
  timeframe: TimeframeId,
  { from, to }: SlotRange,
  {
    state,
    asks,
    lastAskedAt,
  }: {
    readonly state: Coverage[number]['holes'][number]['cause'];
    readonly asks: number;
    readonly lastAskedAt: EpochMs | null;
  },
): Coverage[number]['holes'][number] {
  return {
    from: isoTime(from),
    to: isoTime(to),
    slots: countRanges(timeframe, [{ from, to }]),
    cause: state,
    asks,
    last_asked_at: timeOf(lastAskedAt),
  };
}
