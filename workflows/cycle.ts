import { ApplicationFailure } from '@temporalio/common';
import {
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  setWorkflowOptions,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { CyclePlan, ManifestResult } from '../activities/contract';
import { isTimeframe, lastClosedOpen, nextBoundary } from '../src/domain/timeframe';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import { againSignal } from './cycle-signal';
import { runChain } from './pair-chain';
import type { PairOutcome } from './pair-chain';
import { KIND, OUTCOME, SYMBOLS, TIMEFRAME } from './search-attributes';
import { startShadow } from './shadow-start';
import { closeCycle, manifest, notBefore, openCycle, requestCycles } from './stages';

/** `{"timeframe":"1h"}`. `asOf` only under the virtual-time driver; the rest is for the cycle itself. */
export interface CycleArguments {
  readonly timeframe: string;
  readonly asOf?: EpochMs;
  readonly trigger?: string;
  readonly rounds?: number;
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

interface Round {
  readonly plan: CyclePlan;
  readonly asOf: EpochMs;
  readonly virtual: boolean;
  readonly number: number;
  /** By symbol, in the plan's order; later passes replace earlier outcomes. */
  readonly outcomes: Map<MarketSymbol, PairOutcome>;
  generation: number | null;
  firstPassAt: EpochMs | null;
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
    await firstPass(round);
    await laterPasses(round, () => requested);
    const result = await closeRound(round);
    const settleMs = round.plan.settleMs;
    const passed = lastClosedOpen(timeframe, Date.now(), settleMs) > lastClosedOpen(timeframe, round.asOf, settleMs);
    if (round.virtual || !(requested || passed)) return result;
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof cycle>({ timeframe, trigger: 'went round', rounds: number });
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
    outcomes: new Map(),
    generation: null,
    firstPassAt: null,
  };
}

/** Every pair once, all at the same time, each on its own; then the manifest. */
async function firstPass(round: Round): Promise<void> {
  await pass(round, round.plan.symbols);
  round.firstPassAt = Date.now();
  const { source, timeframe, symbols } = round.plan;
  // Recorded runs of earlier releases have no such plan: for them nothing changes.
  if (round.plan.shadow === true) await startShadow({ source, timeframe, asOf: round.asOf, symbols }, round.virtual);
}

async function pass(round: Round, symbols: readonly MarketSymbol[]): Promise<void> {
  const groups: MarketSymbol[][] = [];
  for (let at = 0; at < symbols.length; at += round.plan.groupSize)
    groups.push(symbols.slice(at, at + round.plan.groupSize));
  const becameReady: MarketSymbol[] = [];
  await Promise.all(
    groups.map(async (group) => {
      for (const outcome of await runChain(round, group)) {
        round.outcomes.set(outcome.symbol, outcome);
        if (outcome.becameReady) becameReady.push(outcome.symbol);
      }
      describe(round);
    }),
  );
  const { source, timeframe } = round.plan;
  const committed: ManifestResult = await manifest.executeWithOptions(
    { summary: `manifest of ${symbols.length} pairs` },
    [{ source, timeframe, asOf: round.asOf, symbols }],
  );
  round.generation = committed.generation;
  describe(round);
  if (becameReady.length > 0 && !round.virtual) {
    await requestCycles({ timeframes: [], reason: `${becameReady.join(', ')} turned ready` });
  }
}

/** Under the virtual driver no time passes, so failed pairs are tried this often more, at once. */
const VIRTUAL_PASSES = 2;

/** Failed pairs again, with back-off, until the slot ends; each success commits a new manifest. */
async function laterPasses(round: Round, requested: () => boolean): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    const failed = [...round.outcomes.values()].filter((outcome) => isWorthRetrying(outcome, round.virtual));
    if (failed.length === 0) return;
    if (round.virtual ? attempt === VIRTUAL_PASSES : !(await waitForPass(round, attempt, failed, requested))) return;
    if (workflowInfo().continueAsNewSuggested) return;
    await pass(
      round,
      failed.map((outcome) => outcome.symbol),
    );
  }
}

/** False when the slot ends first, or a new round is asked for meanwhile. */
async function waitForPass(
  { plan, asOf }: Round,
  attempt: number,
  failed: readonly PairOutcome[],
  requested: () => boolean,
): Promise<boolean> {
  const wait = plan.retryWaitsMs[Math.min(attempt, plan.retryWaitsMs.length - 1)];
  if (wait === undefined) return false;
  const now = Date.now();
  const allowed = failed.map(({ failure }) => (failure === null ? now : notBefore(failure, now)));
  const at = Math.max(now + wait, Math.min(...allowed));
  if (at >= nextBoundary(plan.timeframe, asOf) + plan.settleMs) return false;
  return !(await condition(requested, at - now));
}

function isWorthRetrying({ outcome, failure }: PairOutcome, virtual: boolean): boolean {
  if (outcome !== 'failed' && outcome !== 'degraded') return false;
  return virtual ? failure?.retry === 'transient' : failure?.retry !== 'permanent';
}

async function closeRound(round: Round): Promise<CycleResult> {
  const { plan, asOf } = round;
  const pairs = plan.symbols.flatMap((symbol) => round.outcomes.get(symbol) ?? []);
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
  upsertSearchAttributes([{ key: OUTCOME, value: outcome as string }]);
  const brief = pairs.map(({ symbol, outcome: name, detail }) => ({
    symbol,
    outcome: name,
    detail: detail.slice(0, 120),
  }));
  return {
    timeframe: plan.timeframe,
    asOf,
    rounds: round.number,
    outcome,
    generation: round.generation,
    newCandles,
    pairs: brief,
  };
}

/** The table an operator sees on the run's page while it runs and after. */
function describe(round: Round): void {
  const rows = [...round.outcomes.values()].slice(0, 100);
  const lines = rows.map(
    (row) =>
      `| ${row.symbol} | ${row.outcome} | ${row.newCandles} | ${row.detail.replaceAll('|', '/').slice(0, 100)} |`,
  );
  const generation = round.generation === null ? 'not yet' : `generation ${round.generation}`;
  setCurrentDetails(
    [
      `**${round.plan.timeframe}** as of ${new Date(round.asOf).toISOString()}, round ${round.number}, ${rows.length} of ${round.plan.symbols.length} pairs, manifest: ${generation}`,
      '',
      '| pair | outcome | new candles | detail |',
      '|---|---|---|---|',
      ...lines,
    ].join('\n'),
  );
}
