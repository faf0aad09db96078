import {
  isCancellation,
  log,
  proxyActivities,
  setCurrentDetails,
  setWorkflowOptions,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { CycleActivities } from '../activities/contract';
import type { ChangeActivities, ChangeInput, RefusalInput, SmokeActivities } from '../activities/training-contract';
import { COMPUTE_QUEUE } from '../src/domain/names';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { KIND, OUTCOME, TIMEFRAME } from './search-attributes';
import { failureOf } from './stages';

/** `{"timeframe":"1h","action":"rollback","version":"…","by":"operator","reason":"…"}`; `asOf` only in virtual time. */
export type ChangeArguments = Omit<ChangeInput, 'asOf'> & { readonly asOf?: EpochMs };

export interface ChangeResult {
  readonly timeframe: TimeframeId;
  readonly action: ChangeInput['action'];
  readonly version: string;
  readonly previous: string;
  readonly checked: number;
  readonly asOf: EpochMs;
}

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s', maximumAttempts: 20 } as const;
const { planChange, movePointer, recordRefusal, requestCycles } = proxyActivities<ChangeActivities & CycleActivities>({
  startToCloseTimeout: '30s',
  heartbeatTimeout: '10s',
  retry,
});
const { smokeCheck } = proxyActivities<SmokeActivities>({
  taskQueue: COMPUTE_QUEUE,
  startToCloseTimeout: '10m',
  heartbeatTimeout: '10s',
  retry,
});

setWorkflowOptions({ failureExceptionTypes: [Error] }, changeChampion);

/**
 * Makes another model champion: checked, tried on every ready symbol, then one move of the pointer, then the cycle.
 * Killed at any step it leaves the old champion or the new one, and goes on from there. Its ID is the lock.
 */
export async function changeChampion(input: ChangeArguments): Promise<ChangeResult> {
  const { action, version, reason } = input;
  const asOf = input.asOf ?? Date.now();
  upsertSearchAttributes([
    { key: KIND, value: 'change' },
    { key: TIMEFRAME, value: input.timeframe },
  ]);
  try {
    const plan = await planChange.executeWithOptions({ summary: `${action} ${version}: may it be done?` }, [
      { ...input, asOf },
    ]);
    const smoke = await smokeCheck.executeWithOptions(
      { summary: `${version} forecasts ${plan.symbols.length} symbols` },
      [{ ...plan, asOf }],
    );
    await movePointer.executeWithOptions({ summary: `${plan.previous} -> ${version}` }, [
      { ...plan, action, by: input.by, reason, asOf },
    ]);
    // In virtual time the next slot is the next cycle; a fit is worth no second forecast of the same candles.
    if (input.asOf === undefined && action !== 'refit')
      await requestCycles({ timeframes: [plan.timeframe], reason: `${action}: ${reason}` });
    setCurrentDetails(`**${plan.timeframe}**: ${version} is champion, ${plan.previous} was. ${reason}`);
    upsertSearchAttributes([{ key: OUTCOME, value: 'done' }]);
    return { timeframe: plan.timeframe, action, version, previous: plan.previous, checked: smoke.checked, asOf };
  } catch (error) {
    const { code, message } = failureOf(error);
    upsertSearchAttributes([{ key: OUTCOME, value: code as string }]);
    if (!isCancellation(error)) await keepRefusal({ ...input, asOf }, { code, message });
    throw error;
  }
}

/** What can not be kept is still told by the failure of this run. */
async function keepRefusal(input: ChangeInput, failure: RefusalInput['failure']): Promise<void> {
  const { runId } = workflowInfo();
  await recordRefusal
    .executeWithOptions({ summary: `${input.action} ${input.version} was refused` }, [{ ...input, runId, failure }])
    .catch((error: unknown) => {
      if (isCancellation(error)) throw error;
      log.warn('the refusal was not kept', { error: String(error) });
    });
}
