/**
 * Past candles through the same workflows, stores and publishing, each boundary at its own time, as fast as it goes. The
 * market's clock is the only clock: it stands at the slot that is run, and the pipeline asks it for the time.
 */
import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { ReplayProgress, ReplayReport } from '../src/cli/wiring';
import type { Config } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';
import type { EpochMs, Pair, TimeframeId } from '../src/domain/types';
import { CsvFeed } from '../src/market/csv-feed';
import { startMarket } from '../src/market/market-server';
import { systemClock } from '../src/ports/clock';
import type { Clock } from '../src/ports/clock';
import { readPublished } from '../src/publish/published-reader';
import { verify, VerifyMemory } from '../src/publish/verify';
import { candlesHash, sameReplay } from './replay-begun';
import type { ReplayBegun } from './replay-begun';
import { openReplayJournal, replayJournalFile, standsAt } from './replay-journal';
import type { ReplayJournal, SlotRecord } from './replay-journal';
import { holdReplay } from './folder-lock';
import { startReplayPipeline } from './replay-pipeline';
import type { Parts, ReplayPipeline } from './replay-pipeline';
import { replayReport } from './replay-report';
import { cycleSchedules, deploymentSchedules } from './schedules';
import type { Schedule } from './schedules';
import { REPLAY, sourceFolder } from './source';
import type { SourceFolder } from './source';
import { openStores } from './stores';
import type { Stores } from './stores';
import { driveVirtually, isCycle, slotsFromStart } from './virtual-driver';
import type { VirtualDrive, VirtualSlot } from './virtual-driver';

export interface ReplayOptions {
  /** Its symbols and timeframes are replayed, into DATA_DIR/replay. */
  readonly config: Config;
  /** Folder of SYMBOL_QUOTE-TF.csv.gz. */
  readonly data: string;
  /** Boundaries in (from, to] are run, each as long after it as its schedule would be. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  /** Models live too: trainings, the shadow's forecasts, the daily report and what follows from it. */
  readonly models: boolean;
  /** IDs of schedules that stay paused, as an operator may have them; every cycle runs once at `from` all the same. */
  readonly paused: readonly string[];
  /** Whether `export verify` is asked after each cycle. */
  readonly verify: boolean;
  readonly log: Logger;
  readonly tell: (line: string) => void;
  readonly onProgress: (progress: ReplayProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs every slot that this folder has not run yet and reports on all. Stopped by the signal it ends after the run under
 * way; stopped in any other way it goes on from there the next time, with the same result.
 * @throws PipelineError `invalid_input` when the folder holds another replay, `already_running` when it is in use.
 */
export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const schedules = replayedSchedules(options);
  const folder = sourceFolder(options.config.dataDir, REPLAY);
  await mkdir(folder.root, { recursive: true });
  const parts: Parts = [];
  try {
    parts.push(await holdReplay(folder));
    return await run(options, schedules, folder, parts);
  } finally {
    for (const stop of parts.toReversed()) await stop();
  }
}

type Replayed = Schedule & { readonly paused: boolean };

/** What runs through the past. Housekeeping stays out: files never change a candle, and nobody is told. */
function replayedSchedules({ config, models, paused }: ReplayOptions): readonly Replayed[] {
  const all: readonly Schedule[] = models
    ? deploymentSchedules(config).filter(({ run: { kind } }) => ['cycle', 'train', 'report'].includes(kind))
    : cycleSchedules(config.timeframes, config.scheduleOffsetMs);
  const ids = all.map(({ id }) => id);
  const unknown = paused.filter((id) => !ids.includes(id));
  if (unknown.length > 0) {
    const sentence = `no schedule of this replay is called ${unknown.join(', ')}: its schedules are ${ids.join(', ')}`;
    throw new PipelineError('invalid_input', sentence);
  }
  return all.map((schedule) => ({ ...schedule, paused: paused.includes(schedule.id) }));
}

async function run(
  options: ReplayOptions,
  schedules: readonly Replayed[],
  folder: SourceFolder,
  parts: Parts,
): Promise<ReplayReport> {
  const { config, data, from, to, models } = options;
  const pairs: Pair[] = config.symbols.flatMap((symbol) =>
    config.timeframes.map((timeframe) => ({ symbol, timeframe })),
  );
  const feed = new CsvFeed(data, config.symbols);
  await sameReplay(folder, begunWith(options), candlesHash(feed, pairs, from));
  const market = await startMarket({ feed, clock: { fixed: from } });
  parts.push(() => market.close());
  const clock: Clock = { now: () => market.clock.now(), monotonic: () => systemClock.monotonic() };
  const stores = await openStores(config, REPLAY, clock);
  parts.push(() => stores.close());
  const span = { from: from + config.scheduleOffsetMs, to: to + config.scheduleOffsetMs };
  const slots = [...slotsFromStart(schedules, span.from, span.to)];
  const cycles = slots.filter(({ schedule }) => isCycle(schedule));
  const ended = await endedSlots(stores, config, cycles.length);
  const journal = await openReplayJournal(replayJournalFile(folder));
  // The run table is asked for its newest runs only; the journal lacks no other.
  const isDone = ({ due, schedule }: VirtualSlot<Schedule>): boolean =>
    isCycle(schedule)
      ? journal.has(due, schedule.every) || ended.has(slotKey(schedule.every, due))
      : journal.hasJob(due, schedule.run.workflowId);
  const look = createLook(options, folder, stores, clock);
  for (const { due, schedule } of cycles) {
    const outcome = ended.get(slotKey(schedule.every, due));
    if (outcome === undefined || journal.has(due, schedule.every)) continue;
    // What it published is looked at at its own time, as it would have been without the interruption.
    market.clock.set(due);
    await journal.add(await look(due, schedule.every, outcome, 0));
  }
  const next = slots.find((slot) => !isDone(slot));
  if (next !== undefined) {
    // Before the first worker: it may find a run that an interruption left running.
    market.clock.set(next.due);
    const beside = { folder, stores, clock, marketUrl: market.url, trains: models };
    const pipeline = await startReplayPipeline({ ...options, ...beside }, parts);
    options.tell(`replaying; Temporal Web UI ${pipeline.webUi}`);
    const onDue = async (due: EpochMs): Promise<void> => market.clock.set(due);
    await drive(options, pipeline, { schedules, ...span, isDone, onDue }, { journal, look, slots });
  }
  // A replay that was run further before is told of up to this end.
  const records = journal.records.filter(({ due }) => due <= span.to);
  const jobs = journal.jobs.filter(({ due }) => due <= span.to);
  const told = { pairs, from, to, end: span.to, planned: cycles.length, plannedJobs: slots.length - cycles.length };
  return replayReport(stores, { records, jobs }, { ...told, standsAt: standsAt(replayJournalFile(folder)) ?? from });
}

interface Seen {
  readonly journal: ReplayJournal;
  readonly look: ReturnType<typeof createLook>;
  readonly slots: readonly VirtualSlot<Schedule>[];
}

/** Runs what is left, slot by slot, and writes each down. */
async function drive(
  { signal, onProgress }: ReplayOptions,
  pipeline: ReplayPipeline,
  what: Omit<VirtualDrive<Replayed>, 'client'>,
  { journal, look, slots }: Seen,
): Promise<void> {
  await pipeline.trained();
  const driven = { ...what, client: pipeline.client, startsBehind: true, goesOn: true };
  let startedAt = performance.now();
  for await (const { due, schedule, result } of driveVirtually(driven)) {
    const milliseconds = Math.round(performance.now() - startedAt);
    const { outcome = 'done' } = result;
    if (isCycle(schedule)) {
      await journal.add(await look(due, schedule.every, outcome, milliseconds));
      await pipeline.trained();
    } else {
      await journal.addJob({ due, job: schedule.run.workflowId, outcome, milliseconds });
    }
    onProgress(progressOf(journal, slots, due));
    if (signal.aborted) break;
    startedAt = performance.now();
  }
}

/** Looks at what is published after a cycle, as a reader of that moment would. */
function createLook({ verify: looks, config }: ReplayOptions, folder: SourceFolder, stores: Stores, clock: Clock) {
  const published = readPublished(folder.published);
  const memory = new VerifyMemory();
  const check = { rules: (timeframe: TimeframeId) => config.rules(timeframe), memory };
  return async (due: EpochMs, timeframe: TimeframeId, outcome: string, milliseconds: number): Promise<SlotRecord> => {
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

function progressOf(
  { records, jobs }: ReplayJournal,
  slots: readonly VirtualSlot<Schedule>[],
  due: EpochMs,
): ReplayProgress {
  const total = slots.filter(({ schedule }) => isCycle(schedule)).length;
  const each = usual(records);
  const left = (total - records.length) * each + (slots.length - total - jobs.length) * (usual(jobs) || 0);
  return { at: due, done: records.length, total, cyclesASecond: 1000 / each, etaMs: left };
}

/** The median of the last ones: the first cycle fetches the whole history and says nothing of those to come. */
function usual(records: readonly { readonly milliseconds: number }[]): number {
  const recent = records.slice(-50).flatMap(({ milliseconds }) => (milliseconds > 0 ? [milliseconds] : []));
  return recent.toSorted((a, b) => a - b)[Math.floor(recent.length / 2)] ?? Number.NaN;
}

/** How the cycle of each slot that has ended went, from the run table: the one record of what was run. */
async function endedSlots(stores: Stores, config: Config, slots: number): Promise<ReadonlyMap<string, string>> {
  const ended = new Map<string, string>();
  for (const timeframe of config.timeframes) {
    for (const { asOf, end } of await stores.state.runLog.recent(timeframe, 2 * slots + 100)) {
      if (end !== null) ended.set(slotKey(timeframe, asOf), end.outcome);
    }
  }
  return ended;
}

function slotKey(timeframe: TimeframeId, due: EpochMs): string {
  return `${timeframe} ${due}`;
}

/** A later end is the same replay, run further. */
function begunWith({ config, from, models, paused }: ReplayOptions): ReplayBegun {
  return {
    from: new Date(from).toISOString(),
    store: config.store,
    symbols: config.symbols,
    timeframes: config.timeframes,
    champions: config.timeframes.map((timeframe) => config.championFamily(timeframe)),
    ...(models ? { models } : {}),
    ...(paused.length > 0 ? { paused } : {}),
  };
}
