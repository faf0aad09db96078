/** Stands in for `@temporalio/activity`, and runs activities as a server does: attempts, time-outs, back-off, dead workers. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { ActivityFailure, ApplicationFailure, RetryState, TimeoutFailure, TimeoutType } from '@temporalio/common';
import type { ActivityOptions } from '@temporalio/common';
import { msOptionalToNumber } from '@temporalio/common/lib/time';
import type { SimulatedWorker } from './simulated-worker';
import type { Execution } from './simulated-workflow';

/** One try of an activity on one worker. It may go on when the server has long given it up. */
export interface Attempt {
  readonly worker: SimulatedWorker;
  readonly activity: string;
  readonly execution: { readonly workflowId: string; readonly runId: string };
  readonly startToCloseMs: number;
  readonly deadline: number;
  readonly cancellation: AbortController;
}

export const attempts = new AsyncLocalStorage<Attempt>();

function current(): Attempt {
  const attempt = attempts.getStore();
  if (attempt === undefined) throw new Error('not inside an activity');
  return attempt;
}

export const activityInfo = () => ({
  startToCloseTimeoutMs: current().startToCloseMs,
  heartbeatTimeoutMs: undefined,
  workflowExecution: current().execution,
});
export const cancellationSignal = (): AbortSignal => current().cancellation.signal;
export const heartbeat = (): void => {};

/** A dead worker is missed after this. */
const HEARTBEAT_MS = 10_000;

export async function runActivity(
  execution: Execution,
  activity: string,
  options: ActivityOptions,
  input: unknown,
): Promise<unknown> {
  const { time } = execution.server;
  const begun = time.now;
  const { retry = {} } = options;
  const longest = msOptionalToNumber(retry.maximumInterval) ?? Number.POSITIVE_INFINITY;
  let interval = msOptionalToNumber(retry.initialInterval) ?? 1_000;
  for (let tried = 1; ; tried++) {
    // Payloads are JSON (P1).
    const result = await tryOnce(execution, activity, options, JSON.parse(JSON.stringify(input)) as unknown);
    if ('value' in result) return result.value === undefined ? undefined : JSON.parse(JSON.stringify(result.value));
    const { failure } = result;
    const told = failure instanceof ApplicationFailure ? msOptionalToNumber(failure.nextRetryDelay ?? undefined) : null;
    const wait = told ?? interval;
    const last =
      (failure instanceof ApplicationFailure && failure.nonRetryable === true) ||
      tried >= (retry.maximumAttempts ?? Number.POSITIVE_INFINITY) ||
      time.now + wait > begun + (msOptionalToNumber(options.scheduleToCloseTimeout) ?? Number.POSITIVE_INFINITY);
    if (last) {
      const { RETRY_POLICY_NOT_SET } = RetryState;
      throw new ActivityFailure('Activity task failed', activity, activity, RETRY_POLICY_NOT_SET, '', failure);
    }
    await time.sleep(wait);
    interval = Math.min(longest, interval * (retry.backoffCoefficient ?? 2));
  }
}

type Tried = { readonly value: unknown } | { readonly failure: Error };

async function tryOnce(
  { server, workflowId, runId }: Execution,
  activity: string,
  options: ActivityOptions,
  input: unknown,
): Promise<Tried> {
  const { time } = server;
  await time.turn();
  const worker = await server.takingWorker();
  const startToCloseMs = msOptionalToNumber(options.startToCloseTimeout) ?? 0;
  const attempt: Attempt = {
    worker,
    activity,
    execution: { workflowId, runId },
    startToCloseMs,
    deadline: time.now + startToCloseMs,
    cancellation: new AbortController(),
  };
  const timedOut = async (after: Promise<void>, type: TimeoutType): Promise<Tried> => {
    await after;
    // The worker may hear of it by its next heartbeat, or not.
    if (time.draw() < 0.5) attempt.cancellation.abort(new Error('the attempt was given up'));
    return { failure: new TimeoutFailure('activity timed out', undefined, type) };
  };
  const work = attempts.run(attempt, () => worker.run(activity, input));
  return Promise.race([
    work.then(
      (value) => ({ value }),
      (error: unknown) => ({ failure: error instanceof Error ? error : new Error(String(error)) }),
    ),
    timedOut(time.sleep(startToCloseMs), TimeoutType.START_TO_CLOSE),
    timedOut(
      worker.died.then(() => time.sleep(HEARTBEAT_MS)),
      TimeoutType.HEARTBEAT,
    ),
  ]);
}
