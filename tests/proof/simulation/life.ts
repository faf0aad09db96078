/** A short life of the whole pipeline in one process: the real workflows and activities, and what befalls them by a script. */
import { countRanges } from '../../../src/domain/coverage';
import { DAY, HOUR, lastBoundary, MINUTE, nextBoundary, shiftSlots } from '../../../src/domain/timeframe';
import type { EpochMs, Pair, TimeframeId } from '../../../src/domain/types';
import { championWorkflowId, cycleWorkflowId, RECONCILE_DAILY, trainingId } from '../../../src/domain/names';
import { changeChampion, cycle, cycleTick, fill, reconcile, reportModels, shadow, train } from '../../../workflows';
import { Invariants } from './invariants';
import { LAG_RETRY_MS, OFFSET_MS, SETTINGS, SHORTEST, SYMBOLS, TIMEFRAMES } from './life-script';
import type { Command, LifeScript, Row } from './life-script';
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
/** More than any life's commands take: the market is invented up to here. */
const LONGEST = 7 * DAY;
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
  /** What befell it, and how often. */
  readonly fired = new Map<Row, number>();
  /** Faults of the next calls, whichever worker makes them. */
  readonly planned: PlannedFault[] = [];
  /** Of the server, not yet counted; `met`: something waited for its end. */
  #outage: { readonly since: EpochMs; readonly all: boolean; met: boolean } | null = null;
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
    this.market.onFault = (row) => this.#fire(row);
    this.server.onWait = () => {
      if (this.#outage !== null) this.#outage.met = true;
    };
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
        if (this.time.now >= this.server.downUntil) this.#countOutage();
        const broken = await this.invariants.check();
        if (broken.length > 0) return broken.map((sentence) => `after command ${place} (${command.do}): ${sentence}`);
      }
      await this.#heal();
      await this.#countStored();
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
        await this.time.runUntil(nextBoundary(SHORTEST, this.time.now - OFFSET_MS) + OFFSET_MS + command.ms);
        if (this.server.isRunning(cycleWorkflowId(SHORTEST))) this.#fire('next command while a cycle runs');
        return;
      case 'fault':
        return this.#plan(command.worker, { fault: command.fault, after: command.after });
      case 'kill':
        if (this.worker(command.worker).alive) this.#fire('worker killed between calls');
        return this.worker(command.worker).kill();
      case 'clock':
        return this.#setClock(this.worker(command.worker), command.hours);
      case 'revise': {
        const pair = this.pairs[command.pair % this.pairs.length];
        if (pair !== undefined) this.market.revise(pair);
        return;
      }
      case 'maintenance':
        this.market.downUntil = this.time.now + command.minutes * MINUTE;
        return;
      case 'ban':
        this.market.bannedUntil = this.time.now + command.minutes * MINUTE;
        return;
      case 'lie':
        this.market.lies.push(command.lie);
        return;
      case 'forecast':
        this.market.forecastFaults.push(command.fault);
        return;
      case 'by_hand':
        return this.#byHand(TIMEFRAMES[command.timeframe]);
      case 'terminate': {
        const timeframe = TIMEFRAMES[command.timeframe];
        if (timeframe !== undefined && this.server.terminate(cycleWorkflowId(timeframe)))
          this.#fire('F24 cycle terminated in mid-run');
        return;
      }
      case 'down':
        this.#countOutage();
        this.#outage = { since: this.time.now, all: command.all, met: false };
        this.server.downUntil = this.time.now + command.minutes * MINUTE;
        if (command.all) for (const worker of this.server.workers) worker.kill();
        return;
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
        for (let k = 0; k < MANY_GENERATIONS; k++)
          if ((await this.time.runThrough(this.#commit(this.worker(k % 2)))) !== undefined)
            this.#fire('generation of many on end');
        return;
      case 'sweep':
        return this.#sweep(this.worker(command.worker));
      case 'read':
        if (this.readers.start()) this.#fire('F44 reader that takes its time');
    }
  }

  /** Counted once, when the worker looks at it. */
  #setClock(worker: SimulatedWorker, hours: -2 | 72): void {
    worker.clockOffsetMs = hours * HOUR;
    worker.onWrongTime = () => {
      worker.onWrongTime = () => {};
      this.invariants.clocksWereWrong = true;
      this.#fire(hours < 0 ? 'F30 clock back 2 h' : 'F30 clock forward 3 d');
    };
  }

  async #sweep(worker: SimulatedWorker): Promise<void> {
    const before = this.stores.files.objects.size;
    const swept = await this.time.runThrough(this.attempt(worker, 'sweep', () => worker.publisher.sweep()));
    if (this.stores.files.objects.size < before) this.#fire('F44 sweep that collects');
    else if (swept !== undefined) this.#fire('F44 sweep that finds nothing to collect');
  }

  /** The outage of the server is over, or ended: it befell what waited for it. */
  #countOutage(): void {
    const outage = this.#outage;
    this.#outage = null;
    if (outage?.met !== true) return;
    const ended = Math.min(this.time.now, this.server.downUntil);
    const missed = (lastBoundary(SHORTEST, ended) - lastBoundary(SHORTEST, outage.since)) / HOUR;
    if (outage.all) this.#fire('F19 everything dies');
    else
      this.#fire(
        missed < 3 ? 'Temporal away for less than 3 boundaries' : 'F09 Temporal away across 3 boundaries or more',
      );
  }

  /** What the stores show to have come of commands. */
  async #countStored(): Promise<void> {
    const { models, pairState, candles } = this.stores;
    for (const timeframe of TIMEFRAMES) {
      const history = await models.history(timeframe);
      const firsts = history.filter(({ kind }) => kind === 'first').length;
      this.#fire('model trained', (await models.models(timeframe)).length - firsts);
      this.#fire('champion changed by a promotion', history.filter(({ kind }) => kind === 'promotion').length);
      this.#fire('champion changed by a rollback', history.filter(({ kind }) => kind === 'rollback').length);
    }
    for (const pair of this.pairs) {
      this.#fire('F65 stored candle revised by the exchange', (await pairState.revisions(pair)).length);
      const holes = countRanges(pair.timeframe, await candles.holes(pair));
      this.#fire('F66 slot that the exchange has no candle of', holes);
    }
    const { clockOffsetSeconds } = this.script;
    if (clockOffsetSeconds !== 0)
      this.#fire(clockOffsetSeconds > 0 ? 'F31 exchange’s clock ahead' : 'F31 exchange’s clock behind');
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
    if (this.server.workers.every(({ alive }) => alive)) this.#fire('F21 four commits at once');
    await this.time.runThrough(Promise.all([0, 1, 0, 1].map((place) => this.#commit(this.worker(place)))));
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
    this.#countOutage();
    this.market.bannedUntil = this.market.downUntil = this.server.downUntil = 0;
    this.market.forecastFaults.length = this.market.lies.length = 0;
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

  #fire(row: Row, times = 1): void {
    if (times > 0) this.fired.set(row, (this.fired.get(row) ?? 0) + times);
  }
}
