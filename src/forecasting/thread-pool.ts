/** Worker threads that run compiled code, each task within a time limit and a memory limit. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { PipelineError } from '../domain/errors';

export interface ThreadPoolOptions {
  /** Default: two, or one on a machine with one core. */
  readonly threads?: number;
  /** From the moment a thread takes the task, or is begun for it. */
  readonly timeLimitMs: number;
  /** Heap of one thread, without WebAssembly's own memory. */
  readonly memoryMb: number;
  /** Compiled JavaScript whose named exports are the tasks; default: this folder's worker. */
  readonly workerFile?: string;
}

export interface ThreadPool {
  readonly threads: number;
  /**
   * Runs the worker's export `name` on `task`. A task waits for a free thread without its time running.
   * @throws PipelineError `forecast_timeout`, or `forecast_failed` when the thread dies; the reason of `signal` when
   *   that aborts. In each case the thread is ended and a new one takes its place.
   */
  run<Result>(name: string, task: unknown, signal?: AbortSignal): Promise<Result>;
  close(): Promise<void>;
}

export function openThreadPool(options: ThreadPoolOptions): ThreadPool {
  const threads = options.threads ?? Math.min(2, availableParallelism());
  const pool = new Piscina({
    filename: options.workerFile ?? compiledWorker(),
    // A thread is begun by the first task that needs it, and stays: most workers never train.
    minThreads: 0,
    idleTimeout: Number.POSITIVE_INFINITY,
    maxThreads: threads,
    resourceLimits: { maxOldGenerationSizeMb: options.memoryMb },
  });
  // A thread that dies between tasks is replaced at the next one; without a listener it would end the process.
  pool.on('error', () => {});
  const turns = takeTurns(threads);
  return {
    threads,
    run: (name, task, signal) => turns(() => runOne(pool, options.timeLimitMs, name, task, signal)),
    close: () => pool.destroy(),
  };
}

async function runOne<Result>(
  pool: Piscina,
  timeLimitMs: number,
  name: string,
  task: unknown,
  signal: AbortSignal | undefined,
): Promise<Result> {
  signal?.throwIfAborted();
  const limit = AbortSignal.timeout(timeLimitMs);
  const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
  try {
    return (await pool.run(task, { name, signal: either })) as Result;
  } catch (cause) {
    signal?.throwIfAborted();
    if (limit.aborted) {
      throw new PipelineError('forecast_timeout', `no answer within ${timeLimitMs} ms, so the thread was ended`, {
        cause,
      });
    }
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new PipelineError('forecast_failed', `the forecast's thread ended: ${words}`, { cause });
  }
}

/** At most `places` at once, first come first served: a task is given to the pool only when a thread is free. */
function takeTurns(places: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    else free -= 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

/** Threads can not run TypeScript: from source, the built tree is used. */
function compiledWorker(): string {
  const beside = join(__dirname, 'worker.js');
  return existsSync(beside) ? beside : join(__dirname, '../../dist/src/forecasting/worker.js');
}
