import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { describeFailure, toApplicationFailure } from '../../activities/failures';
import { PipelineError } from '../../src/domain/errors';

function failureOf(error: unknown, waits?: 'here' | 'in workflow'): ApplicationFailure {
  const failure = toApplicationFailure(error, waits);
  if (failure instanceof ApplicationFailure) return failure;
  throw new Error('not an application failure');
}

describe('what Temporal retries', () => {
  test('a passing failure is retried, one that can not pass is not', () => {
    expect(failureOf(new PipelineError('exchange_timeout', 'slow')).nonRetryable).toBe(false);
    expect(failureOf(new PipelineError('bad_symbol', 'gone')).nonRetryable).toBe(true);
  });

  test('F53 a short wait is kept inside the activity, a long one goes back to the workflow, but stays with a fill', () => {
    const wait = (retryAfterMs: number) => new PipelineError('rate_limited', 'later', { retryAfterMs });
    expect(failureOf(wait(2_000))).toMatchObject({ nonRetryable: false, nextRetryDelay: 2_000 });
    expect(failureOf(wait(60_000))).toMatchObject({ nonRetryable: true });
    expect(failureOf(wait(60_000), 'here')).toMatchObject({ nonRetryable: false, nextRetryDelay: 60_000 });
  });

  test('the failure carries code, stage and message for the workflow, and an error without a name is internal', () => {
    expect(failureOf(new PipelineError('store_unavailable', 'busy')).details).toEqual([
      { code: 'store_unavailable', stage: 'ingest', retry: 'transient', message: 'busy', retryAfterMs: null },
    ]);
    expect(describeFailure(new TypeError('x is not a function'))).toMatchObject({
      code: 'internal',
      message: 'TypeError: x is not a function',
    });
  });

  test('a cancellation stays a cancellation', () => {
    const cancelled = new CancelledFailure('WORKER_SHUTDOWN');
    expect(toApplicationFailure(cancelled)).toBe(cancelled);
  });
});
