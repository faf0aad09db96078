/** The steps of SPEC 2 for a group of symbols of one timeframe: fetch, write, repair, gate, forecast, export. */
import { executeChild, ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { CyclePlan, Failure, FetchResult, GateResult, StageInput } from '../activities/contract';
import { fillWorkflowId } from '../src/domain/names';
import type { EpochMs, MarketSymbol } from '../src/domain/types';
import type { fill } from './fill';
import { KIND, TIMEFRAME } from './search-attributes';
import * as stages from './stages';

export type PairOutcomeName =
  | 'published'
  | 'unchanged'
  | 'no_new_closed_candle'
  | 'backfilling'
  | 'insufficient_data'
  | 'hidden'
  | 'degraded'
  | 'failed';

export interface PairOutcome {
  readonly symbol: MarketSymbol;
  readonly outcome: PairOutcomeName;
  readonly detail: string;
  readonly newCandles: number;
  readonly failure: Failure | null;
  /** The symbol turned ready: the other timeframes may now show it. */
  readonly becameReady: boolean;
  /** The exchange does not have its newest candle yet; nothing failed. */
  readonly lagging: boolean;
  /** Lagging, and nothing but the fetch was done for it in this pass. */
  readonly heldBack: boolean;
}

export interface ChainInput {
  readonly plan: CyclePlan;
  readonly asOf: EpochMs;
  /** Driven in virtual time: no waits, fills are part of the cycle. */
  readonly virtual: boolean;
  /** Whether a lagging symbol is left alone in this pass, with (`nothingNew` false) or without candles before its newest. */
  holdsBack(symbol: MarketSymbol, nothingNew: boolean): boolean;
}

/** What is known of a symbol while its chain runs. */
class Progress {
  readonly fresh = new Map<MarketSymbol, number>();
  readonly notes = new Map<MarketSymbol, string>();
  readonly failures = new Map<MarketSymbol, Failure>();
  readonly lagging = new Set<MarketSymbol>();
  readonly heldBack = new Set<MarketSymbol>();
  /** Fills to start, with the reason. */
  readonly fills = new Map<MarketSymbol, string>();
  /** Those with no stored candle that a live fetch goes on from: all further steps are the fill's. */
  readonly filling = new Set<MarketSymbol>();
  readonly ready = new Set<MarketSymbol>();
  readonly degraded = new Map<MarketSymbol, Failure>();
  readonly published = new Map<MarketSymbol, PairOutcomeName>();
  /** Stored values changed (a revision, a hole that was filled): documents are due whatever the gate finds. */
  readonly changed = new Set<MarketSymbol>();

  fail(failures: ReadonlyMap<MarketSymbol, Failure>): void {
    for (const [symbol, failure] of failures) if (!this.failures.has(symbol)) this.failures.set(symbol, failure);
  }

  outcomeOf(symbol: MarketSymbol): PairOutcome {
    const failure = this.failures.get(symbol) ?? this.degraded.get(symbol) ?? null;
    const rest = {
      symbol,
      newCandles: this.fresh.get(symbol) ?? 0,
      failure,
      becameReady: this.ready.has(symbol),
      lagging: failure === null && this.lagging.has(symbol),
      heldBack: this.heldBack.has(symbol),
    };
    const note = this.notes.get(symbol) ?? '';
    if (this.failures.has(symbol)) {
      return { ...rest, outcome: 'failed', detail: `${failure?.stage}: ${failure?.message}` };
    }
    if (this.degraded.has(symbol)) return { ...rest, outcome: 'degraded', detail: failure?.message ?? '' };
    if (this.filling.has(symbol)) return { ...rest, outcome: 'backfilling', detail: note };
    const published = this.published.get(symbol);
    if (published !== undefined && published !== 'unchanged') return { ...rest, outcome: published, detail: note };
    if (this.lagging.has(symbol))
      return { ...rest, outcome: 'no_new_closed_candle', detail: 'the exchange has no candle yet' };
    return { ...rest, outcome: published ?? 'unchanged', detail: note };
  }
}

/** Takes a group through all steps. Never throws for a symbol's failure. */
export async function runChain(input: ChainInput, symbols: readonly MarketSymbol[]): Promise<PairOutcome[]> {
  const progress = new Progress();
  const group = (members: readonly MarketSymbol[]): StageInput => ({
    source: input.plan.source,
    timeframe: input.plan.timeframe,
    asOf: input.asOf,
    symbols: members,
  });
  const pages = await fetchPages(input, symbols, group, progress);
  await fillWhereDue(input, progress);
  await writePages(pages, group, progress);
  const here = symbols.filter((symbol) => !progress.filling.has(symbol) && !progress.heldBack.has(symbol));
  await repairHoles(
    here.filter((symbol) => !progress.failures.has(symbol)),
    group,
    progress,
  );
  // A pair whose fetch failed is still judged on what is stored: what is due there is not the exchange's fault.
  await judgeAndPublish(here, group, progress);
  return symbols.map((symbol) => progress.outcomeOf(symbol));
}

type Group = (members: readonly MarketSymbol[]) => StageInput;
type CandlePages = Map<MarketSymbol, Extract<FetchResult, { kind: 'candles' }>>;

async function fetchPages(
  input: ChainInput,
  symbols: readonly MarketSymbol[],
  group: Group,
  progress: Progress,
): Promise<CandlePages> {
  const pages: CandlePages = new Map();
  const { values, failures } = await stages.fetch(group(symbols));
  progress.fail(failures);
  for (const [symbol, result] of values) {
    const fill = result.kind === 'fill' ? result.reason : result.fillBeside;
    if (fill !== undefined) progress.fills.set(symbol, fill);
    // In virtual time the cycle waits for the fill, which brings the newest candles too.
    if (result.kind === 'fill' || (input.virtual && fill !== undefined)) {
      progress.filling.add(symbol);
      progress.notes.set(symbol, fill ?? '');
      continue;
    }
    // Only the newest is not there yet: a pair that once missed a boundary would else stay one behind for ever.
    if (result.kind === 'lagging' || (result.kind === 'candles' && result.missing === 1)) {
      progress.lagging.add(symbol);
      if (input.holdsBack(symbol, result.kind === 'lagging')) {
        progress.heldBack.add(symbol);
        continue;
      }
    }
    if (result.kind !== 'candles') continue;
    pages.set(symbol, result);
    progress.fresh.set(symbol, result.fresh);
  }
  return pages;
}

/** A fill is a workflow of its own that outlives the cycle; under the virtual driver the cycle waits for it. */
async function fillWhereDue(input: ChainInput, progress: Progress): Promise<void> {
  for (const [symbol, reason] of progress.fills) {
    const { timeframe } = input.plan;
    const options = {
      workflowId: fillWorkflowId(symbol, timeframe),
      args: [{ symbol, timeframe, ...(input.virtual ? { asOf: input.asOf } : {}) }] as Parameters<typeof fill>,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `${symbol} ${timeframe}: fill, because ${reason}`.slice(0, 350),
      typedSearchAttributes: [
        { key: KIND, value: 'fill' },
        { key: TIMEFRAME, value: timeframe as string },
      ],
    };
    try {
      if (input.virtual) {
        const result = await inTurn(() => executeChild<typeof fill>('fill', options));
        progress.filling.delete(symbol);
        progress.fresh.set(symbol, result.stored);
        if (result.becameReady) progress.ready.add(symbol);
      } else await startChild<typeof fill>('fill', options);
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError))
        progress.fail(new Map([[symbol, stages.failureOf(error)]]));
    }
  }
}

const TURN_MS = 500;

/**
 * A fill outlives a cycle that is ended by hand. In virtual time its slot is then run again, and would pass for done without
 * its forecast if it did not wait for that fill.
 */
async function inTurn<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await sleep(TURN_MS);
    }
  }
}

async function writePages(pages: CandlePages, group: Group, progress: Progress): Promise<void> {
  const members = [...pages.keys()];
  if (members.length === 0) return;
  const { values, failures } = await stages.write(group(members), pages);
  progress.fail(failures);
  for (const [symbol, result] of values) {
    progress.fresh.set(symbol, result.inserted);
    if (result.revised > 0) {
      progress.notes.set(symbol, `${result.revised} revised`);
      progress.changed.add(symbol);
    }
  }
}

async function repairHoles(members: readonly MarketSymbol[], group: Group, progress: Progress): Promise<void> {
  if (members.length === 0) return;
  const { values, failures } = await stages.repair(group(members));
  progress.fail(failures);
  for (const [symbol, result] of values) {
    if (result.becameReady) progress.ready.add(symbol);
    if (result.found > 0) progress.changed.add(symbol);
    if (result.undecided > 0) progress.notes.set(symbol, `${result.undecided} holes undecided`);
  }
}

async function judgeAndPublish(members: readonly MarketSymbol[], group: Group, progress: Progress): Promise<void> {
  if (members.length === 0) return;
  const judged = await stages.gate(group(members));
  progress.fail(judged.failures);
  const due: MarketSymbol[] = [];
  const toForecast: MarketSymbol[] = [];
  for (const [symbol, result] of judged.values) {
    noteVerdict(progress, symbol, result);
    if (result.verdict !== 'pass' || result.due !== 'none' || progress.changed.has(symbol)) due.push(symbol);
    if (result.verdict === 'pass' && result.due === 'forecast') toForecast.push(symbol);
  }
  if (toForecast.length > 0) {
    const forecasts = await stages.forecast(group(toForecast));
    for (const [symbol, failure] of forecasts.failures) progress.degraded.set(symbol, failure);
    for (const [symbol, result] of forecasts.values)
      progress.notes.set(symbol, `${result.family} ${result.modelVersion}`);
  }
  if (due.length === 0) return;
  const exported = await stages.exportDocuments(group(due), [...progress.degraded.keys()]);
  progress.fail(exported.failures);
  for (const [symbol, result] of exported.values) {
    if (result.published === 'hidden') progress.published.set(symbol, 'hidden');
    else if (result.published === 'refused') progress.published.set(symbol, 'insufficient_data');
    else progress.published.set(symbol, 'published');
  }
}

function noteVerdict(progress: Progress, symbol: MarketSymbol, result: GateResult): void {
  if (result.verdict === 'pass') progress.published.set(symbol, 'unchanged');
  else progress.notes.set(symbol, result.reason);
}
