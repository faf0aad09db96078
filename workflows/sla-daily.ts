import { proxyActivities, setWorkflowOptions, upsertSearchAttributes } from '@temporalio/workflow';
import type { MonitorActivities } from '../activities/contract';
import type { EpochMs } from '../src/domain/types';
import { KIND, OUTCOME } from './search-attributes';

const { rollUpDay } = proxyActivities<MonitorActivities>({
  startToCloseTimeout: '5m',
  retry: { initialInterval: '5s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 10 },
});

setWorkflowOptions({ failureExceptionTypes: [Error] }, slaDaily);

/** Keeps the figures of the day that ended last. `asOf` only under the virtual-time driver. */
export async function slaDaily(input: {
  readonly asOf?: EpochMs;
}): Promise<{ readonly asOf: EpochMs; readonly day: string; readonly availability: number | null }> {
  upsertSearchAttributes([{ key: KIND, value: 'sla' }]);
  const asOf = input.asOf ?? Date.now();
  const result = await rollUpDay.executeWithOptions({ summary: 'figures of the day before' }, [{ asOf }]);
  upsertSearchAttributes([{ key: OUTCOME, value: 'done' }]);
  return { ...result, asOf };
}
