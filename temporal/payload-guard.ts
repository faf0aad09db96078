/** I66: a history holds references and counts, never data. What an activity gives back is measured before it is recorded. */
import { defaultPayloadConverter } from '@temporalio/common';
import type { ActivityInboundCallsInterceptor, WorkerInterceptors } from '@temporalio/worker';
import { toApplicationFailure } from '../activities/failures';
import { PipelineError } from '../src/domain/errors';

/** Bytes. A fetch that hands 100 candles of one pair to its write stays below. */
export const LARGEST_PAYLOAD = 64 * 1024;

const inbound: ActivityInboundCallsInterceptor = {
  async execute(input, next) {
    const result = await next(input);
    const size = defaultPayloadConverter.toPayload(result).data?.length ?? 0;
    if (size <= LARGEST_PAYLOAD) return result;
    throw toApplicationFailure(
      new PipelineError(
        'payload_too_large',
        `the result has ${size} bytes; a history takes at most ${LARGEST_PAYLOAD}`,
      ),
    );
  },
};

/** For every worker: an activity whose result is too large fails with `payload_too_large`. */
export const PAYLOAD_GUARD: WorkerInterceptors = { activity: [() => ({ inbound })] };
