import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, ParentClosePolicy, setWorkflowOptions, upsertSearchAttributes } from '@temporalio/workflow';
import { KIND, OUTCOME } from './search-attributes';

/** The run to start, under the fixed ID that is its lock. */
export interface TickArguments {
  readonly type: string;
  readonly workflowId: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly kind: string;
  readonly summary: string;
}

setWorkflowOptions({ failureExceptionTypes: [Error] }, tick);

/**
 * What a schedule starts for everything but cycles. A schedule's workflow ID ends with a time, so it can not be the lock:
 * the tick starts the run under its fixed ID, and does nothing when one is running already.
 */
export async function tick(run: TickArguments): Promise<{ readonly outcome: 'ran' | 'already running' }> {
  upsertSearchAttributes([{ key: KIND, value: 'tick' }]);
  try {
    await executeChild(run.type, {
      workflowId: run.workflowId,
      args: [{ ...run.input, trigger: 'schedule' }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: run.summary,
      typedSearchAttributes: [{ key: KIND, value: run.kind }],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    upsertSearchAttributes([{ key: OUTCOME, value: 'already running' }]);
    return { outcome: 'already running' };
  }
  upsertSearchAttributes([{ key: OUTCOME, value: 'ran' }]);
  return { outcome: 'ran' };
}
