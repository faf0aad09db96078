/** A worker of a simulated life: the real activities on ports that take turns with all others, fail as planned, and die. */
import { pino } from 'pino';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../../../activities';
import type { ActivityPorts, PipelineSettings } from '../../../activities/ports';
import { PipelineError } from '../../../src/domain/errors';
import type { ErrorCode } from '../../../src/domain/errors';
import { HOUR } from '../../../src/domain/timeframe';
import type { AlertOutbox } from '../../../src/ports/alert-outbox';
import type { Clock } from '../../../src/ports/clock';
import type { MonitorStore } from '../../../src/ports/monitor-store';
import type { PublicationStore } from '../../../src/ports/publication';
import { createPublisher } from '../../../src/publish/publisher';
import type { Publisher } from '../../../src/publish/publisher';
import { trainingId } from '../../../src/domain/names';
import { attempts } from './simulated-activity';
import { SOURCE } from './simulated-market';
import type { SimulatedMarket } from './simulated-market';
import type { SharedStores } from './shared-stores';
import type { SimulatedTemporal } from './simulated-temporal';
import type { VirtualTime } from './virtual-time';

/**
 * - `fail`          the call is not made and throws
 * - `do_then_fail`  it is made and throws
 * - `slow`          it takes some seconds
 * - `hang`          it is made long after its attempt was given up
 * - `kill`          the worker dies before it, `kill_after` right after it
 */
export const PORT_FAULTS = ['fail', 'do_then_fail', 'slow', 'hang', 'kill', 'kill_after'] as const;
export type PortFault = (typeof PORT_FAULTS)[number];

export interface PlannedFault {
  readonly fault: PortFault;
  /** Calls of ports that go well before. */
  after: number;
}

export interface WorkerSurroundings {
  readonly time: VirtualTime;
  readonly server: SimulatedTemporal;
  readonly stores: SharedStores;
  readonly market: SimulatedMarket;
  readonly settings: PipelineSettings;
  /** Befalls whichever worker makes the call. */
  readonly planned: PlannedFault[];
  /** How likely a fault befalls a call that none is planned for. */
  readonly trouble: () => number;
  readonly onFault: (fault: PortFault, call: string) => void;
  /** Hears of a manifest that an attempt published which the server had given up. */
  readonly onLatePublication: (sentence: string) => void;
}

/** What a port throws when it fails, by the name of the port. */
const FAILURES: Readonly<Record<string, ErrorCode>> = {
  exchange: 'exchange_timeout',
  files: 'disk_full',
  forecaster: 'forecast_timeout',
};
/** Answers at once: no call that could fail. */
const PLAIN = new Set(['supports', 'candlesWanted', 'versionOf', 'close']);
/** So long the lock of the publication is waited for. */
const LOCK_WAIT_MS = 5_000;

export class SimulatedWorker {
  readonly planned: PlannedFault[] = [];
  readonly publisher: Publisher;
  readonly died: Promise<void>;
  /** Our clock less the true time: a clock that was put back or forward. */
  clockOffsetMs = 0;
  /** Hears of each look at a clock that is wrong. */
  onWrongTime: () => void = () => {};
  calls = 0;
  #alive = true;
  #die: () => void = () => {};
  readonly #activities: Readonly<Record<string, (input: never) => Promise<unknown>>>;

  constructor(private readonly around: WorkerSurroundings) {
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
    const { time, stores, market, settings, server } = around;
    const clock: Clock = {
      now: () => {
        if (this.clockOffsetMs !== 0) this.onWrongTime();
        return time.now + this.clockOffsetMs;
      },
      monotonic: () => time.now,
    };
    const publication = this.#port('publication', this.#locked(stores.publication));
    const files = this.#port('files', stores.files);
    this.publisher = createPublisher({
      publication,
      files: replaced(files, {
        replaceManifests: (bodies, check) =>
          files.replaceManifests(bodies, () => {
            check();
            const attempt = attempts.getStore();
            if (attempt === undefined || time.now < attempt.deadline) return;
            around.onLatePublication(`an attempt published ${time.now - attempt.deadline} ms after its deadline`);
          }),
      }),
      source: SOURCE,
      clock,
      cycleTargetMs: settings.cycleTargetMs,
    });
    const ports: ActivityPorts = {
      source: SOURCE,
      settings,
      clock,
      log: pino({ level: 'silent' }),
      exchange: this.#port('exchange', market.exchangeFor(clock)),
      candles: this.#port('candles', stores.candles),
      gapLedger: this.#port('gapLedger', stores.gapLedger),
      pairState: this.#port('pairState', stores.pairState),
      dataQuality: this.#port('dataQuality', stores.dataQuality),
      symbolChoice: this.#port('symbolChoice', stores.symbolChoice),
      models: this.#port('models', stores.models),
      modelFiles: this.#port('modelFiles', stores.modelFiles),
      snapshots: this.#port('snapshots', stores.snapshots),
      storage: { measure: async () => ({ usedBytes: 0, budgetBytes: 1e12 }) },
      events: this.#port('events', stores.events),
      lateCommits: this.#port('lateCommits', stores.lateCommits),
      fetchCounter: { started: () => {} },
      forecastLedger: this.#port('forecastLedger', stores.forecastLedger),
      runLog: this.#port('runLog', stores.runLog),
      publication,
      publisher: this.publisher,
      published: this.#port('published', stores.published),
      opsDocuments: this.#port('opsDocuments', stores.opsDocuments),
      forecaster: this.#port('forecaster', market.forecaster),
      shadowForecaster: this.#port('forecaster', market.forecaster),
      // Thousands of forecasts a training, which leave nothing behind: only its fits are calls that may fail.
      trainingForecaster: {
        ...market.forecaster,
        fit: (request, signal) => this.#call('forecaster.fit', () => market.fitter.fit(request, signal)),
      },
      requestCycle: (timeframe, reason) =>
        this.#call('requestCycle', async () => server.requestCycle(timeframe, reason)),
      requestTraining: (timeframe, trigger, observations) =>
        this.#call('requestTraining', async () => {
          server.start('train', trainingId(timeframe), [{ timeframe, trigger, observations }]);
        }),
      schedulePaused: async () => false,
      // No life is watched over by a monitor; what only that touches says so when it is touched.
      monitor: unreached('monitor'),
      outbox: unreached('outbox'),
      notifiers: [],
      heartbeat: null,
      probe: { run: async () => null },
    };
    this.#activities = {
      ...createActivities(ports),
      ...createComputeActivities(ports),
      ...createBackgroundActivities(ports),
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Between the steps of one call: the worker may die or fail there too. */
  pause(step: string): Promise<void> {
    return this.#call(`files: ${step}`, async () => {});
  }

  kill(): void {
    this.#alive = false;
    this.#die();
  }

  run(activity: string, input: unknown): Promise<unknown> {
    const work = this.#activities[activity];
    if (work === undefined) throw new Error(`there is no activity ${activity}`);
    return work(input as never);
  }

  /** Every method of a port, as a call that takes turns and may fail. */
  #port<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, property) => {
        const member: unknown = Reflect.get(target, property, target);
        if (typeof member !== 'function') return member;
        const method = (...args: unknown[]): unknown => Reflect.apply(member, target, args);
        if (PLAIN.has(String(property))) return method;
        return (...args: unknown[]) =>
          this.#call(`${name}.${String(property)}`, async () => await (method(...args) as Promise<unknown>));
      },
    });
  }

  async #call<T>(call: string, work: () => Promise<T>): Promise<T> {
    const { time } = this.around;
    await this.#turn();
    this.calls += 1;
    const fault = this.#dueFault(call);
    if (fault === 'kill') this.kill();
    if (fault === 'fail') throw this.#failure(call);
    if (fault === 'slow') await time.sleep(2_000 + time.pick(20_000));
    if (fault === 'hang') await time.sleep(60_000 + time.pick(HOUR));
    await this.#turn();
    const value = await work();
    if (fault === 'kill_after') this.kill();
    await this.#turn();
    if (fault === 'do_then_fail') throw this.#failure(call);
    return value;
  }

  /** The dead wait for ever. */
  async #turn(): Promise<void> {
    if (this.#alive) await this.around.time.turn();
    if (!this.#alive) await new Promise<never>(() => {});
  }

  #dueFault(call: string): PortFault | null {
    const { time, trouble } = this.around;
    for (const plan of [this.planned, this.around.planned]) {
      for (const [place, planned] of plan.entries()) {
        if (planned.after-- > 0) continue;
        plan.splice(place, 1);
        this.around.onFault(planned.fault, call);
        return planned.fault;
      }
    }
    const drawn = time.draw() < trouble() ? PORT_FAULTS[time.pick(PORT_FAULTS.length)] : undefined;
    if (drawn !== undefined) this.around.onFault(drawn, call);
    return drawn ?? null;
  }

  #failure(call: string): PipelineError {
    const [port = ''] = call.split(/[.:]/);
    return new PipelineError(FAILURES[port] ?? 'store_unavailable', `${call} failed as planned`);
  }

  /** The memory's line of commits with what a database's lock has: it is not waited for without end, and the dead leave it. */
  #locked(publication: PublicationStore): PublicationStore {
    return replaced(publication, {
      commit: (render) => {
        let state: 'waiting' | 'held' | 'given up' = 'waiting';
        const busy = async (): Promise<never> => {
          await this.around.time.sleep(LOCK_WAIT_MS);
          if (state === 'held') return new Promise<never>(() => {});
          state = 'given up';
          throw new PipelineError('store_unavailable', 'another process holds the lock');
        };
        const dead = this.died.then((): never => {
          throw new Error('the process that held the lock is dead');
        });
        const work = publication.commit(async (taken) => {
          if (state === 'given up') throw new Error('nobody waits for this any more');
          state = 'held';
          return Promise.race([render(taken), dead]);
        });
        dead.catch(() => {});
        work.catch(() => {});
        return Promise.race([work, busy()]);
      },
    });
  }
}

/** The same port with single methods replaced. */
function replaced<T extends object>(port: T, instead: Partial<T>): T {
  return new Proxy(port, {
    get: (target, property) => {
      const member: unknown = Reflect.get(Object.hasOwn(instead, property) ? instead : target, property);
      return typeof member === 'function'
        ? (...args: unknown[]) => Reflect.apply(member, target, args) as unknown
        : member;
    },
  });
}

/** A port that nothing in a life should call. */
function unreached(name: string): MonitorStore & AlertOutbox {
  return new Proxy({} as MonitorStore & AlertOutbox, {
    get: (_, property) => () => {
      throw new Error(`${name}.${String(property)} was called: no life is said to reach it`);
    },
  });
}
