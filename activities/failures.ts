/** The one place that decides what Temporal retries: our errors become its failures here, and nowhere else. */
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { PipelineError } from '../src/domain/errors';
import type { Failure } from './contract';

/** Waits up to this long are left to the activity's own retries; longer ones go back to the workflow, which has other work. */
const LONGEST_INLINE_WAIT_MS = 5_000;

/** What went wrong, in the table's words. Errors without a name become `internal`, which is retried within its bounds. */
export function describeFailure(error: unknown): Failure {
  const known =
    error instanceof PipelineError
      ? error
      : new PipelineError('internal', error instanceof Error ? `${error.name}: ${error.message}` : String(error));
  return {
    code: known.code,
    stage: known.stage,
    retry: known.retry,
    message: known.message.slice(0, 500),
    retryAfterMs: known.retryAfterMs ?? null,
  };
}

/**
 * The failure to throw from an activity. `details[0]` is the {@link Failure}, so that the workflow can decide on it.
 * `waits`: whether an activity whose next try is far off stays open for it (a fill) or goes back to the workflow (a stage).
 */
export function toApplicationFailure(error: unknown, waits: 'here' | 'in workflow' = 'in workflow'): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const failure = describeFailure(error);
  const waitsTooLong =
    waits === 'in workflow' && failure.retryAfterMs !== null && failure.retryAfterMs > LONGEST_INLINE_WAIT_MS;
  return ApplicationFailure.create({
    type: failure.code,
    message: failure.message,
    nonRetryable: failure.retry === 'permanent' || waitsTooLong,
    details: [failure],
    ...(failure.retryAfterMs === null ? {} : { nextRetryDelay: failure.retryAfterMs }),
  });
}
