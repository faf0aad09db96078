/** How every stage treats a group of symbols: each on its own, a group of one throws, a larger one answers per symbol. */
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { PipelineError } from '../src/domain/errors';
import { pairKey } from '../src/domain/types';
import type { MarketSymbol, Pair, Stage } from '../src/domain/types';
import type { Answer, StageInput } from './contract';
import { describeFailure, toApplicationFailure } from './failures';
import type { ActivityPorts } from './ports';

/** Runs `work` for each symbol in turn; records success or failure of the stage; one symbol's failure never stops another. */
export async function forEachSymbol<T>(
  ports: ActivityPorts,
  stage: Stage,
  input: StageInput,
  work: (pair: Pair, signal: AbortSignal) => Promise<T>,
): Promise<Answer<T>[]> {
  refuseOtherSource(ports, input.source);
  const signal = cancellationSignal();
  const answers: Answer<T>[] = [];
  await heartbeating(async () => {
    for (const symbol of input.symbols) {
      answers.push(await runOne(ports, stage, { symbol, timeframe: input.timeframe }, signal, work));
    }
  });
  const [only] = answers;
  if (input.symbols.length === 1 && only !== undefined && !only.ok) {
    throw toApplicationFailure(
      new PipelineError(only.failure.code, only.failure.message, {
        stage: only.failure.stage,
        retry: only.failure.retry,
        ...(only.failure.retryAfterMs === null ? {} : { retryAfterMs: only.failure.retryAfterMs }),
      }),
    );
  }
  return answers;
}

async function runOne<T>(
  ports: ActivityPorts,
  stage: Stage,
  pair: Pair,
  signal: AbortSignal,
  work: (pair: Pair, signal: AbortSignal) => Promise<T>,
): Promise<Answer<T>> {
  const symbol: MarketSymbol = pair.symbol;
  try {
    const value = await work(pair, signal);
    await ports.pairState.recordSuccess(pair, stage, ports.clock.now());
    return { symbol, ok: true, value };
  } catch (error) {
    signal.throwIfAborted();
    const failure = describeFailure(error);
    ports.log.warn({ pair: pairKey(pair), stage, code: failure.code, error: failure.message }, 'stage failed');
    await ports.pairState
      .recordFailure(pair, stage, ports.clock.now(), failure.code, failure.message)
      .catch((cause: unknown) => ports.log.error({ error: String(cause) }, 'the failure could not be recorded'));
    return { symbol, ok: false, failure };
  }
}

/** Sources never mix: a run opened for one source is refused by a worker of another. */
export function refuseOtherSource(ports: ActivityPorts, source: string): void {
  if (source !== ports.source) {
    throw toApplicationFailure(
      new PipelineError('source_mismatch', `the run is for source "${source}", this worker serves "${ports.source}"`),
    );
  }
}

const HEARTBEAT_EVERY_MS = 2_000;

/** A worker that dies is missed within its heartbeat time-out, not only when the step's own limit has passed. */
async function heartbeating<T>(work: () => Promise<T>): Promise<T> {
  if (activityInfo().heartbeatTimeoutMs === undefined) return work();
  const timer = setInterval(() => heartbeat(), HEARTBEAT_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}

/** Runs an activity that is not per symbol, with the same treatment of errors. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await heartbeating(work);
  } catch (error) {
    throw toApplicationFailure(error);
  }
}
