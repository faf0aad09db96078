import { proxyActivities, setWorkflowOptions, upsertSearchAttributes } from '@temporalio/workflow';
import type { HousekeepingActivities, RetentionResult } from '../activities/contract';
import type { EpochMs } from '../src/domain/types';
import { KIND, OUTCOME } from './search-attributes';

const { applyRetention } = proxyActivities<HousekeepingActivities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '30s',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 5 },
});

setWorkflowOptions({ failureExceptionTypes: [Error] }, retention);

/** Removes candles older than their timeframe is kept. `asOf` only under the virtual-time driver. */
export async function retention(input: {
  readonly asOf?: EpochMs;
}): Promise<RetentionResult & { readonly asOf: EpochMs }> {
  upsertSearchAttributes([{ key: KIND, value: 'retention' }]);
  const asOf = input.asOf ?? Date.now();
  const result = await applyRetention.executeWithOptions({ summary: 'remove what is kept no longer' }, [{ asOf }]);
  upsertSearchAttributes([{ key: OUTCOME, value: 'done' }]);
  return { ...result, asOf };
}
