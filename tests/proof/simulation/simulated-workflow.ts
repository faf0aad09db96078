/**
 * Stands in for `@temporalio/workflow`, so that the real workflows run in a simulated life. What calls belong to is told
 * by the asynchronous context: the {@link Execution} in which a workflow was started.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelledFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { ActivityOptions } from '@temporalio/common';
import { runActivity } from './simulated-activity';
import type { SimulatedTemporal } from './simulated-temporal';

export interface Execution {
  readonly server: SimulatedTemporal;
  readonly workflowId: string;
  readonly runId: string;
  readonly startedAt: number;
  readonly signals: Map<string, (...args: unknown[]) => void>;
  /** Looked at again after each signal. */
  readonly conditions: Set<() => void>;
  result: Promise<unknown>;
  terminate: () => void;
  /** Ended or terminated: nothing it waits for comes any more. */
  over: boolean;
}

export const executions = new AsyncLocalStorage<Execution>();

function current(): Execution {
  const execution = executions.getStore();
  if (execution === undefined) throw new Error('not inside a workflow');
  return execution;
}

/** What a terminated workflow waits for never comes. */
async function unlessOver<T>(work: Promise<T>): Promise<T> {
  const execution = current();
  const settled = await work.then(
    (value) => () => value,
    (error: unknown) => () => {
      throw error;
    },
  );
  await execution.server.up();
  if (execution.over) return new Promise<never>(() => {});
  return settled();
}

interface ActivityCall {
  (input: unknown): Promise<unknown>;
  executeWithOptions(options: ActivityOptions, args: [unknown]): Promise<unknown>;
}

export function proxyActivities(defaults: ActivityOptions): Readonly<Record<string, ActivityCall>> {
  const call = (name: string, options: ActivityOptions, input: unknown) =>
    unlessOver(runActivity(current(), name, { ...defaults, ...options }, input));
  return new Proxy(
    {},
    {
      get: (_, name): ActivityCall =>
        Object.assign((input: unknown) => call(String(name), {}, input), {
          executeWithOptions: (options: ActivityOptions, [input]: [unknown]) => call(String(name), options, input),
        }),
    },
  );
}

export const sleep = (ms: number): Promise<void> => unlessOver(current().server.time.sleep(ms));

export async function condition(holds: () => boolean, timeoutMs: number): Promise<boolean> {
  const { server, conditions } = current();
  const held = new Promise<boolean>((resolve) => {
    conditions.add(() => {
      if (holds()) resolve(true);
    });
  });
  return unlessOver(Promise.race([held, server.time.sleep(timeoutMs).then(() => false)]));
}

interface StartOptions {
  readonly workflowId: string;
  readonly args: readonly unknown[];
}

export async function startChild(type: string, { workflowId, args }: StartOptions) {
  const { server } = current();
  await unlessOver(server.time.turn());
  const child = server.start(type, workflowId, args);
  if (child === null) throw new WorkflowExecutionAlreadyStartedError('already started', workflowId, type);
  return { result: () => unlessOver(child.result) };
}

export const executeChild = async (type: string, options: StartOptions): Promise<unknown> =>
  (await startChild(type, options)).result();

export const defineSignal = (name: string): { readonly name: string } => ({ name });

export function setHandler(signal: { readonly name: string }, handler: (...args: unknown[]) => void): void {
  current().signals.set(signal.name, handler);
}

export function getExternalWorkflowHandle(workflowId: string) {
  const { server } = current();
  return {
    signal: async (signal: { readonly name: string }, ...args: unknown[]) => {
      await unlessOver(server.time.turn());
      if (!server.signal(workflowId, signal.name, ...args)) throw new Error(`${workflowId} is not running`);
    },
  };
}

export function workflowInfo() {
  const { workflowId, runId, startedAt } = current();
  return { workflowId, runId, startTime: new Date(startedAt), continueAsNewSuggested: false };
}

export const continueAsNew = (): never => {
  throw new Error('a simulated history is never too long');
};
export const isCancellation = (error: unknown): boolean => error instanceof CancelledFailure;
export const log = { warn: (): void => {} };
/** Every run here was begun on the code as it is. */
export const patched = (): boolean => true;
export const ParentClosePolicy = { ABANDON: 'ABANDON' } as const;
export const setCurrentDetails = (): void => {};
export const setWorkflowOptions = (): void => {};
export const upsertSearchAttributes = (): void => {};
