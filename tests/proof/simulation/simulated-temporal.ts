/** What a Temporal server is to the pipeline: runs with unique IDs, signals, schedules that skip, and living workers. */
import { cycleWorkflowId } from '../../../src/domain/names';
import { MINUTE, nextBoundary } from '../../../src/domain/timeframe';
import type { TimeframeId } from '../../../src/domain/types';
import { executions } from './simulated-workflow';
import type { Execution } from './simulated-workflow';
import type { SimulatedWorker } from './simulated-worker';
import type { VirtualTime } from './virtual-time';

type Workflow = (...args: never[]) => Promise<unknown>;

export class SimulatedTemporal {
  readonly workers: SimulatedWorker[] = [];
  /** Until then the server does nothing: no schedule fires, no timer of a workflow, no attempt begins or ends. */
  downUntil = 0;
  /** Hears of whatever waits for the server to come up. */
  onWait: () => void = () => {};
  readonly #running = new Map<string, Execution>();
  #started = 0;

  constructor(
    readonly time: VirtualTime,
    private readonly workflows: Readonly<Record<string, Workflow>>,
  ) {}

  /** Null when one of this ID runs. */
  start(type: string, workflowId: string, args: readonly unknown[]): Execution | null {
    if (this.#running.has(workflowId)) return null;
    const execution: Execution = {
      server: this,
      workflowId,
      runId: `run-${++this.#started}`,
      startedAt: this.time.now,
      signals: new Map(),
      conditions: new Set(),
      result: Promise.resolve(),
      terminate: () => {},
      over: false,
    };
    const terminated = new Promise<never>((_, reject) => {
      execution.terminate = () => reject(new Error(`${workflowId} was terminated`));
    });
    this.#running.set(workflowId, execution);
    const workflow = this.workflows[type];
    if (workflow === undefined) throw new Error(`there is no workflow ${type}`);
    const work = executions.run(execution, () => workflow(...(JSON.parse(JSON.stringify(args)) as never[])));
    execution.result = Promise.race([work, terminated]).finally(() => this.#end(execution));
    execution.result.catch(() => {});
    return execution;
  }

  signal(workflowId: string, name: string, ...args: unknown[]): boolean {
    const execution = this.#running.get(workflowId);
    if (execution === undefined) return false;
    execution.signals.get(name)?.(...args);
    for (const look of execution.conditions) look();
    return true;
  }

  isRunning(workflowId: string): boolean {
    return this.#running.has(workflowId);
  }

  /** An operator's `terminate`: activities under way know nothing of it. */
  terminate(workflowId: string): boolean {
    const execution = this.#running.get(workflowId);
    if (execution === undefined) return false;
    this.#end(execution);
    execution.terminate();
    return true;
  }

  /** Starts the cycle, or leaves the running one a request. */
  requestCycle(timeframe: TimeframeId, reason: string): void {
    const workflowId = cycleWorkflowId(timeframe);
    if (this.start('cycle', workflowId, [{ timeframe, trigger: reason }]) === null)
      this.signal(workflowId, 'again', reason);
  }

  /** Fires `offsetMs` after each boundary, and skips while the tick before still runs. */
  async schedule(timeframe: TimeframeId, offsetMs: number): Promise<never> {
    for (;;) {
      const due = nextBoundary(timeframe, this.time.now - offsetMs) + offsetMs;
      await this.time.sleep(due - this.time.now);
      // Of what was missed meanwhile the newest fires, late (P9).
      await this.up();
      this.start('cycleTick', `cycle-${timeframe}-tick`, [{ timeframe }]);
    }
  }

  async up(): Promise<void> {
    while (this.time.now < this.downUntil) {
      this.onWait();
      await this.time.sleep(Math.min(MINUTE, this.downUntil - this.time.now));
    }
  }

  /** A living worker, drawn; waits until there is one. */
  async takingWorker(): Promise<SimulatedWorker> {
    for (;;) {
      await this.up();
      const alive = this.workers.filter((worker) => worker.alive);
      const worker = alive[this.time.pick(alive.length)];
      if (worker !== undefined) return worker;
      await this.time.sleep(1_000);
    }
  }

  #end(execution: Execution): void {
    execution.over = true;
    if (this.#running.get(execution.workflowId) === execution) this.#running.delete(execution.workflowId);
  }
}
