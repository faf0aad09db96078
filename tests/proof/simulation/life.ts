/** A short life of the whole pipeline in one process: the real workflows and activities, and what befalls them by a script. */
import { DAY, HOUR, MINUTE, nextBoundary, shiftSlots } from '../../../src/domain/timeframe';
import type { Pair, TimeframeId } from '../../../src/domain/types';
import { championWorkflowId, cycleWorkflowId, RECONCILE_DAILY, trainingId } from '../../../src/domain/names';
import { changeChampion, cycle, cycleTick, fill, reconcile, reportModels, shadow, train } from '../../../workflows';
import { Invariants } from './invariants';
import { LAG_RETRY_MS, OFFSET_MS, SETTINGS, SHORTEST, SYMBOLS, TIMEFRAMES } from './life-script';
import type { Command, LifeScript } from './life-script';
import { Readers } from './readers';
import { SharedStores } from './shared-stores';
import { attempts } from './simulated-activity';
import { SimulatedMarket } from './simulated-market';
import { SimulatedTemporal } from './simulated-temporal';
import { SimulatedWorker } from './simulated-worker';
import type { PlannedFault } from './simulated-worker';
import { VirtualTime } from './virtual-time';

const START = Date.UTC(2024, 0, 1);
const BEGINS = START + 2 * DAY + 20 * MINUTE;
const LONGEST = 30 * DAY;
/** A worker that died is started again after this. */
const DOWN_MS = 40_000;
/** As many as are always kept, and some. */
const MANY_GENERATIONS = 55;

export class Life {
  readonly time: VirtualTime;
  readonly stores: SharedStores;
  readonly market: SimulatedMarket;
  readonly server: SimulatedTemporal;
  readonly invariants: Invariants;
  readonly readers: Readers;
  /** What befell it, by name; and how often. */
  readonly fired = new Map<string, number>();
  /** Faults of the next calls, whichever worker makes them. */
  readonly planned: PlannedFault[] = [];
  #healing = false;
  #ended = false;

  constructor(readonly script: LifeScript) {
    this.time = new VirtualTime(BEGINS, script.seed);
    this.stores = new SharedStores(this.time);
    this.server = new SimulatedTemporal(this.time, {
      cycle,
      cycleTick,
      fill,
      reconcile,
      shadow,
      train,
      reportModels,
      changeChampion,
    });
    this.market = new SimulatedMarket(this.time, {
      pairs: SYMBOLS.flatMap((symbol, k) =>
        TIMEFRAMES.map((timeframe) => ({
          pair: { symbol, timeframe },
          listed: shiftSlots(timeframe, START + k * 5 * HOUR, 0),
        })),
      ),
      until: BEGINS + LONGEST,
      seed: script.seed,
      clockOffsetMs: script.clockOffsetSeconds * 1_000,
      pageCap: script.pageCap,
      holes: script.holes,
    });
    this.market.onLie = (lie) => this.#fire(`lie: ${lie}`);
    this.invariants = new Invariants(this);
    this.readers = new Readers(this);
    for (const place of [0, 1]) this.#startWorker(place);
    for (const timeframe of TIMEFRAMES) void this.server.schedule(timeframe, OFFSET_MS);
  }

  /** The pairs that the life is about. */
  get pairs(): readonly Pair[] {
    return this.market.pairs.map(({ pair }) => pair);
  }

  /** The exchange's clock is further behind than a cycle waits: each finds only what had closed at the one before. */
  get alwaysLate(): boolean {
    return this.script.clockOffsetSeconds * 1_000 < -LAG_RETRY_MS;
  }

  get timeframes(): readonly TimeframeId[] {
    return TIMEFRAMES;
  }

  /** Gives what was broken, after the command that broke it. */
  async live(): Promise<string[]> {
    try {
      for (const [place, command] of this.script.commands.entries()) {
        await this.#obey(command);
        const broken = await this.invariants.check();
        if (broken.length > 0) return broken.map((sentence) => `after command ${place} (${command.do}): ${sentence}`);
      }
      await this.#heal();
      return [...(await this.invariants.check()), ...(await this.invariants.checkHealed())];
    } finally {
      this.end();
    }
  }

  /** Nothing that still waits goes on. */
  end(): void {
    this.#ended = true;
    for (const worker of this.server.workers) worker.kill();
  }

  async pass(minutes: number): Promise<void> {
    await this.time.runUntil(this.time.now + minutes * MINUTE);
  }

  /** Runs a piece of a worker's own work, as an attempt that nobody waits for longer than a minute; undefined when it fails. */
  async attempt(worker: SimulatedWorker, name: string, work: () => Promise<unknown>): Promise<unknown> {
    const attempt = {
      worker,
      activity: name,
      execution: { workflowId: name, runId: name },
      startToCloseMs: MINUTE,
      deadline: this.time.now + MINUTE,
      cancellation: new AbortController(),
    };
    return Promise.race([attempts.run(attempt, work).catch(() => {}), this.time.sleep(MINUTE)]);
  }

  worker(place: number): SimulatedWorker {
    const worker = this.server.workers[place];
    if (worker === undefined) throw new Error(`there is no worker ${place}`);
    return worker;
  }

  async #obey(command: Command): Promise<void> {
    switch (command.do) {
      case 'pass':
        return this.pass(command.minutes);
      case 'into_cycle':
        return this.time.runUntil(nextBoundary(SHORTEST, this.time.now - OFFSET_MS) + OFFSET_MS + command.ms);
      case 'fault':
        return this.#plan(command.worker, { fault: command.fault, after: command.after });
      case 'kill':
        this.worker(command.worker).kill();
        return this.#fire('worker killed between calls');
      case 'clock':
        this.worker(command.worker).clockOffsetMs = command.hours * HOUR;
        this.invariants.clocksWereWrong = true;
        return this.#fire(command.hours < 0 ? 'F30 clock back 2 h' : 'F30 clock forward 3 d');
      case 'revise': {
        const pair = this.pairs[command.pair % this.pairs.length];
        if (pair !== undefined && this.market.revise(pair)) this.#fire('F65 candle revised after its close');
        return;
      }
      case 'maintenance':
        this.market.downUntil = this.time.now + command.minutes * MINUTE;
        return this.#fire('F79 exchange down for maintenance');
      case 'ban':
        this.market.bannedUntil = this.time.now + command.minutes * MINUTE;
        return this.#fire('F59 exchange bans us');
      case 'lie':
        this.market.lies.push(command.lie);
        return;
      case 'forecast':
        this.market.forecastFault = command.fault;
        return this.#fire(`model: ${command.fault}`);
      case 'by_hand':
        return this.#byHand(TIMEFRAMES[command.timeframe]);
      case 'terminate': {
        const timeframe = TIMEFRAMES[command.timeframe];
        if (timeframe !== undefined && this.server.terminate(cycleWorkflowId(timeframe)))
          this.#fire('F24 cycle terminated in mid-run');
        return;
      }
      case 'down':
        this.server.downUntil = this.time.now + command.minutes * MINUTE;
        if (command.all) for (const worker of this.server.workers) worker.kill();
        return this.#fire(command.all ? 'F19 everything dies' : downName(command.minutes));
      case 'reconcile':
        if (this.server.start('reconcile', RECONCILE_DAILY, [{ days: 1 }]) !== null)
          this.#fire('reconciliation asked for');
        return;
      case 'train':
        this.#train(TIMEFRAMES[command.timeframe]);
        return this.pass(command.minutes);
      case 'change':
        return this.#change(TIMEFRAMES[command.timeframe], command.action);
      case 'race':
        return this.#race();
      case 'many_generations':
        for (let k = 0; k < MANY_GENERATIONS; k++) await this.time.runThrough(this.#commit(this.worker(k % 2)));
        return;
      case 'sweep': {
        const worker = this.worker(command.worker);
        const before = this.stores.files.objects.size;
        await this.time.runThrough(this.attempt(worker, 'sweep', () => worker.publisher.sweep()));
        const collected = this.stores.files.objects.size < before;
        return this.#fire(collected ? 'F44 sweep that collects' : 'F44 sweep that finds nothing to collect');
      }
      case 'read':
        if (this.readers.start()) this.#fire('F44 reader that takes its time');
    }
  }

  /** A run that is asked for while another may be running (F20). */
  #byHand(timeframe: TimeframeId | undefined): void {
    if (timeframe === undefined) return;
    const running = this.server.isRunning(cycleWorkflowId(timeframe));
    for (let k = 0; k < 3; k++) this.server.requestCycle(timeframe, 'by hand');
    this.#fire(running ? 'F20 asked for while it runs' : 'F20 asked for three times at once');
  }

  #train(timeframe: TimeframeId | undefined): void {
    if (timeframe !== undefined && this.server.start('train', trainingId(timeframe), [{ timeframe }]) !== null)
      this.#fire('training asked for');
  }

  async #change(timeframe: TimeframeId | undefined, action: 'promote' | 'rollback'): Promise<void> {
    if (timeframe === undefined) return;
    const { models } = this.stores;
    const wanted = action === 'promote' ? await models.shadow(timeframe) : (await models.history(timeframe)).at(-1);
    if (wanted == null) return;
    const input = { timeframe, action, version: wanted.version, by: 'operator', reason: 'a life' };
    if (this.server.start('changeChampion', championWorkflowId(timeframe), [input]) !== null)
      this.#fire(action === 'promote' ? 'promotion asked for' : 'rollback asked for');
  }

  async #race(): Promise<void> {
    await this.time.runThrough(Promise.all([0, 1, 0, 1].map((place) => this.#commit(this.worker(place)))));
    this.#fire('F21 four commits at once');
  }

  #commit(worker: SimulatedWorker): Promise<unknown> {
    const { now } = this.time;
    return this.attempt(worker, 'commit', () =>
      worker.publisher.commitManifest({ asOf: now, nextExpectedCommit: now + HOUR, deadline: () => now + MINUTE }),
    );
  }

  /** Everything works again, the days are asked for once, and three boundaries pass. */
  async #heal(): Promise<void> {
    this.#healing = true;
    for (const worker of this.server.workers) {
      worker.planned.length = 0;
      worker.clockOffsetMs = 0;
    }
    this.market.bannedUntil = this.market.downUntil = this.server.downUntil = 0;
    this.market.forecastFault = null;
    this.market.lies.length = 0;
    await this.time.runUntil(nextBoundary(SHORTEST, this.time.now) + 20 * MINUTE);
    // Days are long: what failed there is not left to the next one. The hours must heal by themselves.
    for (const timeframe of TIMEFRAMES) if (timeframe !== SHORTEST) this.server.requestCycle(timeframe, 'all is well');
    await this.pass(2 * 60);
    await this.readers.finish();
  }

  #plan(place: number, planned: PlannedFault): void {
    this.worker(place).planned.push(planned);
  }

  #startWorker(place: number): void {
    const { time, server, stores, market } = this;
    const worker = new SimulatedWorker({
      time,
      server,
      stores,
      market,
      settings: SETTINGS,
      planned: this.planned,
      trouble: () => (this.#healing ? 0 : this.script.trouble),
      onFault: (fault) => this.#fire(`port call: ${fault}`),
      onLatePublication: (sentence) => this.invariants.report('I26', sentence),
    });
    this.server.workers[place] = worker;
    void this.#replaceWhenDead(place, worker);
  }

  async #replaceWhenDead(place: number, worker: SimulatedWorker): Promise<void> {
    await worker.died;
    await this.time.sleep(DOWN_MS);
    if (!this.#ended) this.#startWorker(place);
  }

  #fire(name: string): void {
    this.fired.set(name, (this.fired.get(name) ?? 0) + 1);
  }
}

function downName(minutes: number): string {
  return minutes < 180 ? 'Temporal down for less than 3 boundaries' : 'F09 Temporal down across 3 boundaries or more';
}
