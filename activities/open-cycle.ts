/** The first step of a round: which pairs, in which groups, with which waits. */
import { PipelineError } from '../src/domain/errors';
import { isTimeframe, MINUTE, nextBoundary } from '../src/domain/timeframe';
import type { TimeframeId } from '../src/domain/types';
import { workedSymbols } from './followed';
import { registerSymbols } from './activation';
import type { CyclePlan, OpenCycleInput } from './contract';
import type { ActivityPorts, PipelineSettings } from './ports';
import { guarded } from './stage';

/** Up to this many pairs each has an activity of its own a stage, which the Web UI names. */
const PAIRS_SHOWN_ONE_BY_ONE = 50;
const GROUP_SIZE = 25;
const SECOND = 1_000;

export function createOpenCycle(ports: ActivityPorts) {
  return (input: OpenCycleInput): Promise<CyclePlan> =>
    guarded(async () => {
      const timeframe = configuredTimeframe(ports.settings, input.timeframe);
      await registerSymbols(ports, input.asOf);
      await ports.runLog.begin({
        timeframe,
        workflowId: input.workflowId,
        runId: input.runId,
        round: input.round,
        asOf: input.asOf,
        startedAt: input.startedAt,
        trigger: input.trigger,
      });
      const { settleMs, lagRetryMs } = ports.settings;
      const symbols = await workedSymbols(ports);
      return {
        source: ports.source,
        timeframe,
        symbols,
        predicts: ports.settings.rules(timeframe).horizon > 0,
        shadow: (await ports.models.shadow(timeframe)) !== null,
        groupSize: symbols.length > PAIRS_SHOWN_ONE_BY_ONE ? GROUP_SIZE : 1,
        settleMs,
        lagWaitsMs: growingWaits(2 * SECOND, lagRetryMs),
        retryWaitsMs: retryWaits(timeframe),
      };
    });
}

function configuredTimeframe(settings: PipelineSettings, text: string): TimeframeId {
  if (isTimeframe(text) && settings.timeframes.includes(text)) return text;
  throw new PipelineError(
    'invalid_input',
    `"${text}" is not configured: TIMEFRAMES is ${settings.timeframes.join(',')}`,
  );
}

/** Waits that double from `first`, together at most `total`. */
function growingWaits(first: number, total: number): number[] {
  const waits: number[] = [];
  for (let wait = first, sum = 0; sum + wait <= total; wait *= 2) {
    waits.push(wait);
    sum += wait;
  }
  return waits;
}

/** Back-off between later passes over failed pairs: from 15 s to a twentieth of the slot, an hour at most. */
function retryWaits(timeframe: TimeframeId): number[] {
  const slot = nextBoundary(timeframe, 0) - 0;
  const longest = Math.min(60 * MINUTE, Math.max(10 * SECOND, slot / 20));
  const waits: number[] = [];
  for (let wait = Math.min(15 * SECOND, longest); wait < longest; wait *= 2) waits.push(wait);
  return [...waits, longest];
}
