/** One round of a cycle: its passes over the pairs, the manifests between them, and when which pair is tried again. */
import { condition, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { CyclePlan } from '../activities/contract';
import { nextBoundary } from '../src/domain/timeframe';
import type { EpochMs, MarketSymbol } from '../src/domain/types';
import { runChain } from './pair-chain';
import type { PairOutcome } from './pair-chain';
import { startShadow } from './shadow-start';
import { manifest, notBefore, requestCycles } from './stages';

export interface Round {
  readonly plan: CyclePlan;
  readonly asOf: EpochMs;
  readonly virtual: boolean;
  readonly number: number;
  /** Passes that an earlier run of the same slot had made over the pairs it left. */
  readonly passesBefore: number;
  /** By symbol, in the plan's order; later passes replace earlier outcomes. */
  readonly outcomes: Map<MarketSymbol, PairOutcome>;
  readonly tried: Map<MarketSymbol, Tried>;
  generation: number | null;
  firstPassAt: EpochMs | null;
  /** The shadow has not looked yet at what was forecast. */
  shadowDue: boolean;
  /** Its record says all that has happened. */
  recorded: boolean;
}

/** Passes running that left a pair lagging, or that did not, and when the last of them ended. */
interface Tried {
  readonly lagging: boolean;
  readonly passes: number;
  readonly endedAt: EpochMs;
}

/** What is there is published this often while the steps of other pairs go on. */
const COMMIT_EVERY_MS = 10_000;

/** Every pair of `symbols` once, all at the same time, each on its own; then the manifest, if there is news for it. */
export async function pass(round: Round, symbols: readonly MarketSymbol[]): Promise<void> {
  const groups: MarketSymbol[][] = [];
  for (let at = 0; at < symbols.length; at += round.plan.groupSize)
    groups.push(symbols.slice(at, at + round.plan.groupSize));
  const holdsBack = (symbol: MarketSymbol, nothingNew: boolean) => isHeldBack(round, symbol, nothingNew);
  const news: PairOutcome[] = [];
  let ended = 0;
  const chains = Promise.all(
    groups.map(async (group) => {
      const outcomes = await runChain({ ...round, holdsBack }, group);
      for (const outcome of outcomes) keep(round, outcome);
      news.push(...outcomes.filter(({ heldBack }) => !heldBack));
      ended++;
      describe(round);
    }),
  );
  while (!round.virtual && ended < groups.length) {
    await Promise.race([chains, condition(() => ended === groups.length, COMMIT_EVERY_MS)]);
    if (ended < groups.length) await commit(round, news.splice(0));
  }
  await chains;
  for (const symbol of symbols) countPass(round, symbol);
  await commit(round, news);
  if (round.generation !== null) round.firstPassAt ??= Date.now();
  await shadowWhenDue(round);
}

async function commit(round: Round, news: readonly PairOutcome[]): Promise<void> {
  if (news.length === 0) return;
  const { source, timeframe } = round.plan;
  const symbols = news.map(({ symbol }) => symbol);
  const { generation } = await manifest.executeWithOptions({ summary: `manifest of ${symbols.length} pairs` }, [
    { source, timeframe, asOf: round.asOf, symbols },
  ]);
  round.generation = generation;
  if (!round.virtual && round.plan.shadow === true)
    round.shadowDue ||= news.some(({ outcome }) => outcome === 'published');
  describe(round);
  const ready = news.filter(({ becameReady }) => becameReady).map(({ symbol }) => symbol);
  if (ready.length > 0 && !round.virtual)
    await requestCycles({ timeframes: [], reason: `${ready.join(', ')} turned ready` });
}

function keep(round: Round, outcome: PairOutcome): void {
  const before = round.outcomes.get(outcome.symbol);
  // Nothing was done for it, so what it was before still is so.
  if (outcome.heldBack && before?.lagging === true) return;
  round.outcomes.set(outcome.symbol, outcome);
  round.recorded = false;
}

function countPass(round: Round, symbol: MarketSymbol): void {
  const lagging = round.outcomes.get(symbol)?.lagging === true;
  const before = round.tried.get(symbol) ?? { lagging, passes: round.passesBefore };
  const passes = before.lagging === lagging ? before.passes : 0;
  round.tried.set(symbol, { lagging, passes: passes + 1, endedAt: Date.now() });
}

/**
 * Exchanges lag at the boundary. A pair without its newest candle is only asked for again while the waits for that last,
 * then judged and published on what there is, and from then on only looked at again when the exchange has something new.
 */
function isHeldBack({ plan, virtual, tried, passesBefore }: Round, symbol: MarketSymbol, nothingNew: boolean): boolean {
  if (virtual) return false;
  const before = tried.get(symbol) ?? { lagging: true, passes: passesBefore };
  const passes = before.lagging ? before.passes : 0;
  return passes < plan.lagWaitsMs.length || (passes > plan.lagWaitsMs.length && nothingNew);
}

/** True while the exchange is only late as exchanges are at a boundary. */
function isAwaited({ plan, virtual, tried }: Round, { symbol, lagging }: PairOutcome): boolean {
  return !virtual && lagging && (tried.get(symbol)?.passes ?? 0) <= plan.lagWaitsMs.length;
}

/** Once for all pairs, when none is awaited any more; it forecasts what the champion did and it has not. */
async function shadowWhenDue(round: Round): Promise<void> {
  if (!round.shadowDue || [...round.outcomes.values()].some((outcome) => isAwaited(round, outcome))) return;
  round.shadowDue = false;
  const { source, timeframe, symbols } = round.plan;
  await startShadow({ source, timeframe, asOf: round.asOf, symbols }, round.virtual);
}

/** Under the virtual driver no time passes, so failed pairs are tried this often more, at once. */
const VIRTUAL_PASSES = 2;

/**
 * Pairs that failed or lag again, with back-off, until the slot ends or a new round is asked for; what comes of it is
 * committed. `record` is called before waiting for candles that may never come.
 * @returns passes over the pairs that are left because the history of the run is too long; 0 when none is.
 */
export async function laterPasses(
  round: Round,
  requested: () => boolean,
  record: () => Promise<unknown>,
): Promise<number> {
  for (let attempt = 0; ; attempt++) {
    const open = [...round.outcomes.values()].filter((outcome) => isWorthRetrying(outcome, round.virtual));
    if (open.length === 0 || (round.virtual && attempt === VIRTUAL_PASSES)) return 0;
    const next = round.virtual ? { at: Date.now(), symbols: open.map(({ symbol }) => symbol) } : nextPass(round, open);
    if (next === null) return 0;
    if (!round.virtual) {
      if (open.every((outcome) => outcome.lagging && !isAwaited(round, outcome))) await record();
      if (await condition(requested, Math.max(0, next.at - Date.now()))) return 0;
    }
    if (workflowInfo().continueAsNewSuggested) return Math.max(...open.map(({ symbol }) => passesOf(round, symbol)));
    await pass(round, next.symbols);
  }
}

function passesOf({ tried }: Round, symbol: MarketSymbol): number {
  return tried.get(symbol)?.passes ?? 0;
}

function isWorthRetrying({ outcome, failure, lagging }: PairOutcome, virtual: boolean): boolean {
  if (lagging) return !virtual;
  if (outcome !== 'failed' && outcome !== 'degraded') return false;
  return virtual ? failure?.retry === 'transient' : failure?.retry !== 'permanent';
}

/** The pairs that are due first, and when; null when the slot ends before that. */
function nextPass(
  round: Round,
  open: readonly PairOutcome[],
): { readonly at: EpochMs; readonly symbols: readonly MarketSymbol[] } | null {
  const due = open.map((outcome) => ({ symbol: outcome.symbol, at: dueAt(round, outcome) }));
  const at = Math.min(...due.map((pair) => pair.at));
  if (at >= nextBoundary(round.plan.timeframe, round.asOf) + round.plan.settleMs) return null;
  return { at, symbols: due.filter((pair) => pair.at <= at).map(({ symbol }) => symbol) };
}

function dueAt({ plan, tried }: Round, { symbol, lagging, failure }: PairOutcome): EpochMs {
  const { passes, endedAt } = tried.get(symbol) ?? { passes: 1, endedAt: Date.now() };
  const late = lagging ? passes - plan.lagWaitsMs.length : passes;
  const wait = late < 1 ? plan.lagWaitsMs[passes - 1] : plan.retryWaitsMs[Math.min(late, plan.retryWaitsMs.length) - 1];
  if (wait === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(endedAt + wait, failure === null ? endedAt : notBefore(failure, endedAt));
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
