import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  getExternalWorkflowHandle,
  ParentClosePolicy,
  setWorkflowOptions,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import { cycleWorkflowId } from '../src/domain/names';
import { isTimeframe } from '../src/domain/timeframe';
import type { cycle } from './cycle';
import { againSignal } from './cycle-signal';
import { KIND, OUTCOME, TIMEFRAME } from './search-attributes';

/** Times a tick tries again when the running cycle ends between its two looks. */
const TRIES = 3;

setWorkflowOptions({ failureExceptionTypes: [Error] }, cycleTick);

/**
 * What a schedule starts. A schedule's workflow ID ends with a time, so it can not be the lock: the tick starts the
 * cycle under its fixed ID, or, when one is running, asks it to go round again.
 */
export async function cycleTick(input: { readonly timeframe: string }): Promise<{ readonly outcome: string }> {
  const { timeframe } = input;
  if (!isTimeframe(timeframe))
    throw ApplicationFailure.nonRetryable(`"${timeframe}" is not a timeframe`, 'invalid_input');
  upsertSearchAttributes([
    { key: KIND, value: 'tick' },
    { key: TIMEFRAME, value: timeframe as string },
  ]);
  const workflowId = cycleWorkflowId(timeframe);
  for (let attempt = 1; ; attempt++) {
    try {
      const child = await startChild<typeof cycle>('cycle', {
        workflowId,
        args: [{ timeframe, trigger: 'schedule' }],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `${timeframe}: fetch, write, repair, gate, forecast, export, manifest`,
      });
      const result = await child.result();
      upsertSearchAttributes([{ key: OUTCOME, value: result.outcome as string }]);
      return { outcome: result.outcome };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    try {
      await getExternalWorkflowHandle(workflowId).signal(againSignal, 'a boundary has passed');
      upsertSearchAttributes([{ key: OUTCOME, value: 'joined' }]);
      return { outcome: 'joined the running cycle' };
    } catch (error) {
      if (attempt === TRIES) throw error;
    }
  }
}
