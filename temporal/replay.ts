/**
 * Past candles through the same workflows, stores and publishing, each boundary at its own time, as fast as it goes. The
 * market's clock is the only clock: it stands at the slot that is run, and the pipeline asks it for the time.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { createActivities, createBackgroundActivities, createComputeActivities } from '../activities';
import type { ReplayProgress, ReplayReport } from '../src/cli/wiring';
import type { Config } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';
import type { EpochMs, Pair } from '../src/domain/types';
import { createForecaster, SHADOW_THREADS, TRAINING_THREADS } from '../src/forecasting/forecaster';
import { startMarket } from '../src/market/market-server';
import type { MarketServer } from '../src/market/market-server';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import { readPublished } from '../src/publish/published-reader';
import { verify, VerifyMemory } from '../src/publish/verify';
import { activityPorts } from './activity-ports';
import { connectControl } from './control';
import { startOnChosenPorts } from './development-server';
import { choosePort } from './free-port';
import { openReplayJournal } from './replay-journal';
import type { ReplayJournal, SlotRecord } from './replay-journal';
import { replayReport } from './replay-report';
import { cycleSchedules } from './schedules';
import { REPLAY, sourceFolder } from './source';
import type { SourceFolder } from './source';
import { openExchange, openStores } from './stores';
import type { Stores } from './stores';
import { findTemporalBinary } from './temporal-binary';
import { driveVirtually, slotsFromStart } from './virtual-driver';
import type { VirtualSlot } from './virtual-driver';
import { installRuntime, startWorker } from './worker';

export interface ReplayOptions {
  /** Its symbols and timeframes are replayed, into DATA_DIR/replay. */
  readonly config: Config;
  /** Folder of SYMBOL_QUOTE-TF.csv.gz. */
  readonly data: string;
  /** Boundaries in (from, to] are run, each as long after it as its schedule would be. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Whether `export verify` is asked after each cycle. */
  readonly verify: boolean;
  readonly log: Logger;
  readonly tell: (line: string) => void;
  readonly onProgress: (progress: ReplayProgress) => void;
  readonly signal: AbortSignal;
}

/** What runs a replay, newest last; stopped in reverse. */
type Parts = (() => Promise<void>)[];

/**
 * Runs every slot that this folder has not run yet and reports on all. Stopped by the signal it ends after the cycle
 * under way; stopped in any other way it goes on from there the next time, with the same result.
 * @throws PipelineError `invalid_input` when the folder holds another replay, `already_running` when it is in use.
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const folder = sourceFolder(options.config.dataDir, REPLAY);
  await mkdir(folder.root, { recursive: true });
  const parts: Parts = [];
  try {
    parts.push(await holdFolder(folder));
    await sameReplay(folder, options);
    return await run(options, folder, parts);
  } finally {
    for (const stop of parts.toReversed()) await stop();
  }
}

async function run(options: ReplayOptions, folder: SourceFolder, parts: Parts): Promise<ReplayReport> {
  const { config, data, from, to, signal } = options;
  const market = await startMarket({ data, symbols: config.symbols, clock: { fixed: from } });
  parts.push(() => market.close());
  const clock: Clock = { now: () => market.clock.now(), monotonic: () => systemClock.monotonic() };
  const stores = await openStores(config, REPLAY, clock);
  parts.push(() => stores.close());
  const schedules = cycleSchedules(config.timeframes, config.scheduleOffsetMs);
  const span = { from: from + config.scheduleOffsetMs, to: to + config.scheduleOffsetMs };
  const slots = [...slotsFromStart(schedules, span.from, span.to)];
  const ended = await endedSlots(stores, config, slots.length);
  const isDone = (slot: VirtualSlot): boolean => ended.has(`${slot.schedule.every} ${slot.due}`);
  const journal = await openReplayJournal(join(folder.root, 'replay.jsonl'));
  const look = createLook(options, folder, stores, clock);
  for (const { due, schedule } of slots.filter(isDone)) {
    if (!journal.has(due, schedule.every)) await journal.add(await look(due, schedule.every, 'published', 0));
  }
  const next = slots.find((slot) => !isDone(slot));
  if (next !== undefined) {
    // Before the first worker: it may find a cycle that an interruption left running.
    market.clock.set(next.due);
    const client = await startPipeline(options, folder, parts, { market, stores, clock });
    const drive = {
      client,
      schedules,
      ...span,
      startsBehind: true,
      isDone,
      onDue: async (due: EpochMs) => market.clock.set(due),
    };
    let startedAt = performance.now();
    for await (const { due, schedule, result } of driveVirtually(drive)) {
      const milliseconds = Math.round(performance.now() - startedAt);
      await journal.add(await look(due, schedule.every, result.outcome, milliseconds));
      options.onProgress(progressOf(journal, slots.length, due));
      if (signal.aborted) break;
      startedAt = performance.now();
    }
  }
  const pairs: Pair[] = config.symbols.flatMap((symbol) =>
    config.timeframes.map((timeframe) => ({ symbol, timeframe })),
  );
  // A replay that was run further before is told of up to this end.
  const told = journal.records.filter(({ due }) => due <= span.to);
  return replayReport(stores, told, { pairs, from, to, planned: slots.length });
}

/** Temporal of its own, whatever TEMPORAL_ADDRESS says: the workflow IDs are those of the live deployment. */
async function startPipeline(
  { config, log, tell, signal }: ReplayOptions,
  folder: SourceFolder,
  parts: Parts,
  { market, stores, clock }: { readonly market: MarketServer; readonly stores: Stores; readonly clock: Clock },
) {
  installRuntime(log);
  const binary = await findTemporalBinary({
    configured: config.temporalBin ?? undefined,
    cacheDir: join(__dirname, '..', '..', '.cache'),
    tell,
  });
  const started = {
    binary,
    databaseFile: folder.temporal,
    logFile: join(folder.logs, 'temporal.log'),
    namespace: 'default',
    // What was run is known from the stores; a cycle whose record was lost is run again.
    durable: false,
  };
  const { server } = await startOnChosenPorts(started, async () => ({
    port: await choosePort(config.temporalPort, false, 'TEMPORAL_PORT'),
    uiPort: await choosePort(config.temporalUiPort, false, 'TEMPORAL_UI_PORT'),
  }));
  parts.push(() => server.stop());
  const control = await connectControl({ address: server.address, namespace: 'default', schedules: [] });
  parts.push(() => control.close());
  const exchange = await openExchange(config, stores, market.url, clock);
  parts.push(() => exchange.close());
  const forecaster = createForecaster({ threads: config.forecastThreads, timeLimitMs: config.forecastTimeoutMs });
  parts.push(() => forecaster.close());
  const shadowForecaster = createForecaster({ ...SHADOW_THREADS, timeLimitMs: config.forecastTimeoutMs });
  parts.push(() => shadowForecaster.close());
  const trainingForecaster = createForecaster(TRAINING_THREADS);
  parts.push(() => trainingForecaster.close());
  const forecasters = { forecaster, shadowForecaster, trainingForecaster };
  const requestCycle = async (): Promise<void> => {};
  const ports = activityPorts({ config, stores, exchange, ...forecasters, requestCycle, log, clock });
  const worker = await startWorker({
    address: server.address,
    namespace: 'default',
    activities: createActivities(ports),
    computeActivities: createComputeActivities(ports),
    backgroundActivities: createBackgroundActivities(ports),
    computeSlots: config.forecastThreads,
    log,
    signal,
  });
  parts.push(() => worker.stop());
  tell(`replaying; Temporal Web UI ${server.uiUrl ?? server.address}`);
  return control.client;
}

/** Looks at what is published after a cycle, as a reader of that moment would. */
function createLook({ verify: looks, config }: ReplayOptions, folder: SourceFolder, stores: Stores, clock: Clock) {
  const published = readPublished(folder.published);
  const memory = new VerifyMemory();
  const check = { rules: (timeframe: Parameters<Config['rules']>[0]) => config.rules(timeframe), memory };
  return async (
    due: EpochMs,
    timeframe: SlotRecord['timeframe'],
    outcome: string,
    milliseconds: number,
  ): Promise<SlotRecord> => {
    const manifest = (await published.manifest())?.manifest ?? null;
    const report = looks ? await verify(folder.published, { ...check, now: clock.now(), store: stores.candles }) : null;
    return {
      due,
      timeframe,
      outcome,
      generation: manifest?.generation ?? null,
      statuses: manifest?.summary.status ?? {},
      breaches: report?.breaches.map(({ invariant, where, sentence }) => `${invariant} ${where} ${sentence}`) ?? null,
      milliseconds,
    };
  };
}

function progressOf({ records }: ReplayJournal, total: number, due: EpochMs): ReplayProgress {
  const recent = records.flatMap(({ milliseconds }) => (milliseconds > 0 ? [milliseconds] : [])).slice(-50);
  // The usual one: the first cycle fetches the whole history and says nothing of those to come.
  const each = recent.toSorted((a, b) => a - b)[Math.floor(recent.length / 2)] ?? Number.NaN;
  return { at: due, done: records.length, total, cyclesASecond: 1000 / each, etaMs: (total - records.length) * each };
}

/** The slots whose cycle has ended, by timeframe and due time, from the run table: the one record of what was run. */
async function endedSlots(stores: Stores, config: Config, slots: number): Promise<ReadonlySet<string>> {
  const ended = new Set<string>();
  for (const timeframe of config.timeframes) {
    for (const run of await stores.state.runLog.recent(timeframe, 2 * slots + 100)) {
      if (run.end !== null) ended.add(`${timeframe} ${run.asOf}`);
    }
  }
  return ended;
}

/** A replay goes on only with what it was begun with; a later end is the same replay, run further. */
async function sameReplay({ root }: SourceFolder, { config, from }: ReplayOptions): Promise<void> {
  const file = join(root, 'replay.json');
  const wanted = JSON.stringify({
    from: new Date(from).toISOString(),
    store: config.store,
    symbols: config.symbols,
    timeframes: config.timeframes,
    champions: config.timeframes.map((timeframe) => config.championFamily(timeframe)),
  });
  const found = await readFile(file, 'utf8').catch(() => null);
  if (found === null) await writeFile(file, wanted);
  else if (found !== wanted) {
    throw new PipelineError(
      'invalid_input',
      `${root} holds another replay, ${found}: set DATA_DIR to another folder, or delete this one to begin anew`,
    );
  }
}

/** One replay a folder: the process ID of the running one lies in it. */
async function holdFolder({ root }: SourceFolder): Promise<() => Promise<void>> {
  const file = join(root, 'replay.pid');
  const holder = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  if (holder !== process.pid && (await isReplay(holder))) {
    throw new PipelineError('already_running', `process ${holder} replays into ${root}: wait for it, or stop it`);
  }
  await writeFile(file, String(process.pid));
  return () => rm(file, { force: true });
}

/** Process IDs are used again: only a process that was started as a replay counts. */
async function isReplay(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').includes('replay');
}
