import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, proxyActivities, setCurrentDetails, setWorkflowOptions } from '@temporalio/workflow';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { CycleActivities, PairReconciliation, ReconciliationActivities } from '../activities/contract';
import { cycleWorkflowId } from '../src/domain/names';
import type { EpochMs, MarketSymbol, TimeframeId } from '../src/domain/types';
import type { cycle } from './cycle';
import { KIND, OUTCOME, SYMBOLS } from './search-attributes';
import { failureOf } from './stages';

const { planReconciliation, reconcileSymbol, requestCycles } = proxyActivities<
  ReconciliationActivities & CycleActivities
>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '2m', maximumAttempts: 6 },
});

/** `{"days":1}` or `{"days":90}`; `asOf` only under the virtual-time driver. */
export interface ReconcileArguments {
  readonly days: number;
  readonly asOf?: EpochMs;
}

export interface ReconcileReport {
  readonly asOf: EpochMs;
  readonly days: number;
  readonly symbols: number;
  readonly compared: number;
  readonly missing: number;
  readonly different: number;
  readonly critical: number;
  readonly notAtExchange: number;
  /** Pairs that could not be compared, with the reason: `BTC/USDT 1h exchange_unreachable`. */
  readonly failed: readonly string[];
  /** Timeframes whose cycle publishes what was repaired. */
  readonly republished: readonly TimeframeId[];
}

/** A symbol's failure is told at most this often in the report. */
const FAILURES_NAMED = 50;

setWorkflowOptions({ failureExceptionTypes: [Error] }, reconcile);

/**
 * Compares the store with the exchange, symbol by symbol, and has the cycles of the timeframes in which anything was
 * repaired publish it. Live cycles go ahead at the exchange: the requests count as those of a fill.
 */
export async function reconcile(input: ReconcileArguments): Promise<ReconcileReport> {
  const { days } = input;
  const asOf = input.asOf ?? Date.now();
  upsertSearchAttributes([{ key: KIND, value: 'reconcile' }]);
  const { source, symbols } = await planReconciliation();
  upsertSearchAttributes([{ key: SYMBOLS, value: symbols.length }]);
  const answers: PairReconciliation[] = [];
  const failed: string[] = [];
  for (const symbol of symbols) {
    const told = await askSymbol({ source, symbol, days, asOf }, failed);
    answers.push(...told);
    failed.push(
      ...told.flatMap(({ timeframe, failure }) => (failure === null ? [] : [`${symbol} ${timeframe} ${failure.code}`])),
    );
  }
  const repaired = answers.filter(({ missing, different }) => missing + different > 0);
  const republished = [...new Set(repaired.map(({ timeframe }) => timeframe))];
  await publishRepairs(input, asOf, republished);
  const sum = (pick: (answer: PairReconciliation) => number): number =>
    answers.reduce((total, answer) => total + pick(answer), 0);
  const report: ReconcileReport = {
    asOf,
    days,
    symbols: symbols.length,
    compared: sum(({ compared }) => compared),
    missing: sum(({ missing }) => missing),
    different: sum(({ different }) => different),
    critical: sum(({ critical }) => critical),
    notAtExchange: sum(({ notAtExchange }) => notAtExchange),
    failed: failed.slice(0, FAILURES_NAMED),
    republished,
  };
  setCurrentDetails(
    `${report.compared} candles compared, ${report.missing} missing, ${report.different} different, ${report.critical} critical, ${failed.length} pairs failed`,
  );
  const outcome = failed.length > 0 ? 'partial' : repaired.length > 0 ? 'repaired' : 'agrees';
  upsertSearchAttributes([{ key: OUTCOME, value: outcome as string }]);
  return report;
}

interface SymbolInput {
  readonly source: string;
  readonly symbol: MarketSymbol;
  readonly days: number;
  readonly asOf: EpochMs;
}

async function askSymbol(input: SymbolInput, failed: string[]): Promise<PairReconciliation[]> {
  try {
    const summary = `${input.symbol}: the last ${input.days} days against the exchange`;
    return await reconcileSymbol.executeWithOptions({ summary }, [input]);
  } catch (error) {
    failed.push(`${input.symbol} ${failureOf(error).code}`);
    return [];
  }
}

/** Under the virtual driver nobody else runs, so the cycles are run here, at their time. */
async function publishRepairs(
  input: ReconcileArguments,
  asOf: EpochMs,
  timeframes: readonly TimeframeId[],
): Promise<void> {
  if (timeframes.length === 0) return;
  if (input.asOf === undefined) {
    await requestCycles({ timeframes, reason: 'candles were repaired by reconciliation' });
    return;
  }
  for (const timeframe of timeframes) {
    try {
      await executeChild<typeof cycle>('cycle', {
        workflowId: cycleWorkflowId(timeframe),
        args: [{ timeframe, asOf, trigger: 'reconciliation' }],
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }
}
