import { ApplicationFailure } from '@temporalio/common';
import {
  continueAsNew,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { isTimeframe, lastClosedOpen } from '../src/domain/timeframe';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import { againSignal } from './cycle-signal';
import { laterPasses, pass } from './round';
import type { Round } from './round';
import { KIND, OUTCOME, SYMBOLS, TIMEFRAME } from './search-attributes';
import { closeCycle, openCycle } from './stages';

/** `{"timeframe":"1h"}`. `asOf` only under the virtual-time driver; the rest is for the cycle itself. */
export interface CycleArguments {
  readonly timeframe: string;
  readonly asOf?: EpochMs;
  readonly trigger?: string;
  readonly rounds?: number;
  /** Passes that a run whose history grew too long had made over the pairs it left: the back-off goes on from there. */
  readonly passes?: number;
}

export interface CycleResult {
  readonly timeframe: TimeframeId;
  readonly asOf: EpochMs;
  readonly rounds: number;
  readonly outcome: 'published' | 'idle' | 'partial' | 'failed';
  readonly generation: number | null;
  readonly newCandles: number;
  readonly pairs: readonly { readonly symbol: MarketSymbol; readonly outcome: string; readonly detail: string }[];
}

setWorkflowOptions({ failureExceptionTypes: [Error] }, cycle);

/**
 * Brings every pair of one timeframe up to the last closed candle and publishes. Its ID is the lock: nobody runs two.
 * Before it ends it looks whether a boundary has passed meanwhile, or someone asked, and goes round again.
 */
export async function cycle(input: CycleArguments): Promise<CycleResult> {
  const { timeframe } = input;
  if (!isTimeframe(timeframe)) {
    throw ApplicationFailure.nonRetryable(`"${timeframe}" is not a timeframe`, 'invalid_input');
  }
  upsertSearchAttributes([
    { key: KIND, value: 'cycle' },
    { key: TIMEFRAME, value: timeframe as string },
  ]);
  let requested = false;
  setHandler(againSignal, () => {
    requested = true;
  });
  for (let number = (input.rounds ?? 0) + 1; ; number++) {
    requested = false;
    const round = await openRound(input, timeframe, number);
    await pass(round, round.plan.symbols);
    const passes = await laterPasses(
      round,
      () => requested,
      () => closeRound(round),
    );
    await closeRound(round);
    const settleMs = round.plan.settleMs;
    const passed = lastClosedOpen(timeframe, Date.now(), settleMs) > lastClosedOpen(timeframe, round.asOf, settleMs);
    if (round.virtual || !(requested || passed || passes > 0)) return resultOf(round);
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof cycle>({ timeframe, trigger: 'went round', rounds: number, passes });
    }
  }
}

async function openRound(input: CycleArguments, timeframe: TimeframeId, number: number): Promise<Round> {
  const asOf = input.asOf ?? Date.now();
  const { workflowId, runId } = workflowInfo();
  const trigger = number === 1 ? (input.trigger ?? 'by hand') : 'went round';
  const plan = await openCycle.executeWithOptions({ summary: `${timeframe} round ${number}` }, [
    { timeframe, asOf, trigger, round: number, workflowId, runId, startedAt: Date.now() },
  ]);
  upsertSearchAttributes([{ key: SYMBOLS, value: plan.symbols.length }]);
  return {
    plan,
    asOf,
    virtual: input.asOf !== undefined,
    number,
    passesBefore: number === (input.rounds ?? 0) + 1 ? (input.passes ?? 0) : 0,
    outcomes: new Map(),
    tried: new Map(),
    generation: null,
    firstPassAt: null,
    shadowDue: plan.shadow === true,
    recorded: false,
  };
}

function resultOf({ plan, asOf, number, outcomes, generation }: Round): CycleResult {
  const pairs = plan.symbols.flatMap((symbol) => outcomes.get(symbol) ?? []);
  const failed = pairs.filter((pair) => pair.outcome === 'failed');
  const newCandles = pairs.reduce((sum, pair) => sum + pair.newCandles, 0);
  const published = pairs.some((pair) => pair.outcome === 'published' || pair.outcome === 'degraded');
  const outcome =
    failed.length > 0
      ? failed.length === pairs.length
        ? 'failed'
        : 'partial'
      : published || newCandles > 0
        ? 'published'
        : 'idle';
  const brief = pairs.map(({ symbol, outcome: name, detail }) => ({
    symbol,
    outcome: name,
    detail: detail.slice(0, 120),
  }));
  return { timeframe: plan.timeframe, asOf, rounds: number, outcome, generation, newCandles, pairs: brief };
}

async function closeRound(round: Round): Promise<void> {
  if (round.recorded) return;
  const { plan, asOf, outcomes } = round;
  const { outcome, pairs, newCandles } = resultOf(round);
  const failed = plan.symbols
    .flatMap((symbol) => outcomes.get(symbol) ?? [])
    .filter((pair) => pair.outcome === 'failed');
  await closeCycle({
    source: plan.source,
    timeframe: plan.timeframe,
    asOf,
    runId: workflowInfo().runId,
    round: round.number,
    firstPassAt: round.firstPassAt,
    endedAt: Date.now(),
    outcome,
    pairs: pairs.length,
    newCandles,
    failed: failed.map((pair) => ({ symbol: pair.symbol, code: pair.failure?.code ?? 'internal' })),
  });
  round.recorded = true;
  upsertSearchAttributes([{ key: OUTCOME, value: outcome as string }]);
}
