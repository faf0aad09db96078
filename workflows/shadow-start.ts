/** How a cycle sets the shadow going: never awaited, except in virtual time, where nothing else would end it. */
import { executeChild, isCancellation, log, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { StageInput } from '../activities/contract';
import { shadowWorkflowId } from '../src/domain/names';
import { KIND, TIMEFRAME } from './search-attributes';
import type { shadow } from './shadow';

/** A shadow that still runs after this is ended, so that it can not stand in the way of the next one for ever. */
const LONGEST_MS = 30 * 60_000;

/** Whatever comes of it, the cycle goes on. One that is running already is left alone. */
export async function startShadow(input: StageInput, virtual: boolean): Promise<void> {
  const options = {
    workflowId: shadowWorkflowId(input.timeframe),
    args: [input] as Parameters<typeof shadow>,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    workflowExecutionTimeout: LONGEST_MS,
    staticSummary: `${input.timeframe}: forecasts of the shadow model`,
    typedSearchAttributes: [
      { key: KIND, value: 'shadow' },
      { key: TIMEFRAME, value: input.timeframe as string },
    ],
  };
  try {
    if (virtual) await executeChild<typeof shadow>('shadow', options);
    else await startChild<typeof shadow>('shadow', options);
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('the shadow was not started', { error: String(error) });
  }
}
