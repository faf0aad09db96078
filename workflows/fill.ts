import { proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { ApplicationFailure } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { CycleActivities, FillActivities } from '../activities/contract';
import { isTimeframe } from '../src/domain/timeframe';
import { isSymbol } from '../src/domain/types';
import type { EpochMs } from '../src/domain/types';
import { KIND, OUTCOME, TIMEFRAME } from './search-attributes';
import { failureOf } from './stages';

/** `{"symbol":"BTC/USDT","timeframe":"1h"}`; `asOf` only under the virtual-time driver. */
export interface FillArguments {
  readonly symbol: string;
  readonly timeframe: string;
  readonly asOf?: EpochMs;
}

export interface FillReport {
  readonly stored: number;
  readonly reached: EpochMs | null;
  readonly becameReady: boolean;
}

const paging = proxyActivities<FillActivities>({
  startToCloseTimeout: '24h',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '5m' },
});
const steps = proxyActivities<FillActivities & CycleActivities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 50 },
});

/**
 * Brings one pair's whole history into the store. Its place is what the store holds, so it goes on where it stopped,
 * whoever stopped it; a cycle is never late because of it.
 */
export async function fill(input: FillArguments): Promise<FillReport> {
  const { symbol, timeframe } = input;
  if (!isSymbol(symbol) || !isTimeframe(timeframe)) {
    throw ApplicationFailure.nonRetryable(
      `fill needs a symbol and a timeframe, not ${symbol} ${timeframe}`,
      'invalid_input',
    );
  }
  upsertSearchAttributes([
    { key: KIND, value: 'fill' },
    { key: TIMEFRAME, value: timeframe as string },
  ]);
  const virtual = input.asOf !== undefined;
  const asOf = input.asOf ?? workflowInfo().startTime.getTime();
  try {
    const progress = await paging.fillPages.executeWithOptions({ summary: `${symbol} ${timeframe} fill` }, [
      { symbol, timeframe, asOf, virtual },
    ]);
    const settled = await steps.settleFill.executeWithOptions(
      { summary: `${symbol} ${timeframe} settle: repair holes, judge readiness` },
      [{ symbol, timeframe, asOf, virtual }],
    );
    if (!virtual && settled.cycles.length > 0) {
      await steps.requestCycles({ timeframes: settled.cycles, reason: `fill of ${symbol} ${timeframe} ended` });
    }
    setCurrentDetails(`${progress.stored} candles stored, ${settled.repair.missing} slots without a candle`);
    upsertSearchAttributes([{ key: OUTCOME, value: 'filled' }]);
    return { stored: progress.stored, reached: progress.reached, becameReady: settled.repair.becameReady };
  } catch (error) {
    const failure = failureOf(error);
    upsertSearchAttributes([{ key: OUTCOME, value: failure.code as string }]);
    throw error;
  }
}
