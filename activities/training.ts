/** The steps of a training that need no processor: whether to train, the snapshot, the record. */
import { heartbeat } from '@temporalio/activity';
import { PipelineError } from '../src/domain/errors';
import { trainingId } from '../src/domain/names';
import { judgeRetrain } from '../src/domain/retrain';
import type { RetrainVerdict } from '../src/domain/retrain';
import { closeOf, DAY, isTimeframe, MINUTE } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { Candle, EpochMs, MarketSymbol, Pair, TimeframeId } from '../src/domain/types';
import { championOf } from './champion';
import { lastUsableOpen } from './origin';
import type { ActivityPorts } from './ports';
import { readySymbols } from './ready-symbols';
import { guarded, refuseOtherSource } from './stage';
import type {
  CloseTrainingInput,
  PlanTrainingInput,
  SnapshotResult,
  SymbolTask,
  TrainingPlan,
} from './training-contract';

/** A failed training is tried again after these waits. */
export const RETRY_WAITS_MS = [10 * MINUTE, 30 * MINUTE] as const;
/** What one read of a snapshot holds at most in time: memory does not grow with the history. */
const CHUNK_MS = 30 * DAY;
const EVENTS = ['candles', 'drift', 'shock'];

export function createPlanTraining(ports: ActivityPorts) {
  return (input: PlanTrainingInput): Promise<TrainingPlan> =>
    guarded(async () => {
      const timeframe = trainable(ports, input.timeframe);
      const symbols = await chosenSymbols(ports, timeframe, input.symbols);
      // A family or a setting that is not known is refused here, before anything is recorded.
      if (input.recipe !== undefined) ports.trainingForecaster.versionOf(input.recipe);
      const verdict =
        symbols.length === 0
          ? nothingToTrainOn(ports, timeframe)
          : judgeRetrain({
              trigger: input.trigger,
              asOf: input.asOf,
              observations: input.observations,
              paused: EVENTS.includes(input.trigger) && (await ports.schedulePaused(trainingId(timeframe))),
              ...(await trainedBefore(ports, timeframe)),
            });
      await ports.models.record({
        key: `trigger ${timeframe} ${input.runId}`,
        timeframe,
        at: input.asOf,
        kind: 'trigger',
        verdict: verdict.verdict,
        version: null,
        by: input.trigger === 'by hand' ? 'operator' : 'automatic',
        reason: verdict.verdict === 'train' ? verdict.reason : `${input.trigger}: ${verdict.reason}`,
        criteria: [],
        facts: { trigger: input.trigger, observations: input.observations },
      });
      if (verdict.verdict === 'refused') return verdict;
      const champion = await championOf(ports, timeframe, input.asOf);
      return {
        verdict: 'train',
        source: ports.source,
        timeframe,
        symbols,
        champion: champion.model_version,
        ...(input.recipe === undefined ? {} : { recipe: input.recipe }),
        retryWaitsMs: RETRY_WAITS_MS,
      };
    });
}

function trainable(ports: ActivityPorts, text: string): TimeframeId {
  if (isTimeframe(text) && ports.settings.timeframes.includes(text) && ports.settings.rules(text).horizon > 0) {
    return text;
  }
  throw new PipelineError('invalid_input', `"${text}" is not a configured timeframe that is forecast`, {
    stage: 'train',
  });
}

/** When the newest model was trained, and when an event last brought that about. */
async function trainedBefore(
  ports: ActivityPorts,
  timeframe: TimeframeId,
): Promise<{ readonly trainedAt: EpochMs | null; readonly eventAt: EpochMs | null }> {
  const trained = (await ports.models.events(timeframe, { kind: 'training', limit: 200 })).filter(
    ({ verdict }) => verdict !== 'failed',
  );
  const event = trained.find(({ facts }) => EVENTS.includes(String(facts.trigger)));
  return { trainedAt: trained[0]?.at ?? null, eventAt: event?.at ?? null };
}

/** Those named, or every ready one that may be forecast: a young one is no failure of each training until it is old enough. */
async function chosenSymbols(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  wanted: readonly string[] | null,
): Promise<readonly MarketSymbol[]> {
  const ready = await readySymbols(ports);
  if (wanted === null) {
    if (ready.length === 0) {
      throw new PipelineError('insufficient_data', 'no symbol is ready yet, so there is nothing to train on', {
        stage: 'train',
      });
    }
    const { minimumSamples } = ports.settings.rules(timeframe);
    const old: MarketSymbol[] = [];
    for (const symbol of ready) {
      const extent = await ports.candles.extent({ symbol, timeframe });
      if ((extent?.count ?? 0) >= minimumSamples) old.push(symbol);
    }
    return old;
  }
  const unknown = wanted.filter((symbol) => !ready.some((known) => known === symbol));
  if (unknown.length === 0 && wanted.length > 0) return ready.filter((symbol) => wanted.includes(symbol));
  throw new PipelineError('invalid_input', `not ready or not configured: ${unknown.join(', ') || 'no symbol given'}`, {
    stage: 'train',
  });
}

function nothingToTrainOn(ports: ActivityPorts, timeframe: TimeframeId): RetrainVerdict {
  const { minimumSamples } = ports.settings.rules(timeframe);
  return {
    verdict: 'refused',
    reason: `no symbol has the ${minimumSamples} candles of ${timeframe} that a forecast needs`,
  };
}

export function createSnapshotCandles(ports: ActivityPorts) {
  return (input: SymbolTask): Promise<SnapshotResult> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const pair = { symbol: input.symbol, timeframe: input.timeframe };
      const snapshot = await ports.snapshots.write(
        pair,
        chunksOf(ports, pair, lastUsableOpen(ports, pair, input.asOf)),
      );
      if (snapshot !== null) return snapshot;
      throw new PipelineError('insufficient_data', `${pairKey(pair)} has no closed candle to train on`, {
        stage: 'train',
      });
    });
}

/** The whole history up to `to`, a month of it in memory at a time. */
async function* chunksOf(ports: ActivityPorts, pair: Pair, to: EpochMs): AsyncGenerator<readonly Candle[]> {
  const extent = await ports.candles.extent(pair);
  if (extent === null) return;
  for (let from = extent.first; from <= to;) {
    const end = Math.min(to, from + CHUNK_MS - 1);
    const page = await ports.candles.read(pair, { from, to: end });
    heartbeat({ through: from });
    if (page.length > 0) yield page;
    const last = page.at(-1);
    // A page can be cut by the store's own limit: then the next one goes on after it.
    from =
      last !== undefined && last.openTime < end ? Math.max(closeOf(pair.timeframe, last.openTime), from + 1) : end + 1;
    if (last === undefined) from = end + 1;
  }
}

export function createCloseTraining(ports: ActivityPorts) {
  return (input: CloseTrainingInput): Promise<void> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      // A failure is told by the registry, within the same transaction.
      await ports.models.record({
        key: `training ${input.timeframe} ${input.runId}`,
        timeframe: input.timeframe,
        at: input.asOf,
        kind: 'training',
        verdict: input.outcome,
        version: input.version,
        by: input.trigger === 'by hand' ? 'operator' : 'automatic',
        reason: input.reason.slice(0, 500),
        criteria: [],
        facts: {
          trigger: input.trigger,
          duration_ms: input.endedAt - input.startedAt,
          failed: input.failed.map(({ symbol }) => symbol).join(' '),
        },
      });
    });
}
