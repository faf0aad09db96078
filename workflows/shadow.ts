import { isCancellation, proxyActivities, setWorkflowOptions, upsertSearchAttributes } from '@temporalio/workflow';
import type { BackgroundActivities, ShadowResult, StageInput } from '../activities/contract';
import { SHADOW_QUEUE } from '../src/domain/names';
import { KIND, OUTCOME, SYMBOLS, TIMEFRAME } from './search-attributes';

/** One attempt: the next cycle brings the next. */
const { shadowForecast } = proxyActivities<BackgroundActivities>({
  taskQueue: SHADOW_QUEUE,
  startToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  scheduleToCloseTimeout: '20m',
  retry: { maximumAttempts: 1 },
});

setWorkflowOptions({ failureExceptionTypes: [Error] }, shadow);

/** Forecasts of the shadow model beside a cycle that does not wait for them. Its failure is its own: it ends, told. */
export async function shadow(input: StageInput): Promise<ShadowResult> {
  upsertSearchAttributes([
    { key: KIND, value: 'shadow' },
    { key: TIMEFRAME, value: input.timeframe as string },
    { key: SYMBOLS, value: input.symbols.length },
  ]);
  const result = await shadowForecast
    .executeWithOptions({ summary: `${input.symbols.length} pairs ${input.timeframe} shadow forecast` }, [input])
    .catch((error: unknown): ShadowResult => {
      if (isCancellation(error)) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      return { forecast: [], failed: input.symbols.map((symbol) => ({ symbol, reason })) };
    });
  const outcome = result.failed.length === 0 ? 'done' : result.forecast.length === 0 ? 'failed' : 'partial';
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  return result;
}
