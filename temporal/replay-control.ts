/** What an operator does to the models of a replay between two of its runs, at the moment where it stands. */
import type { Logger } from 'pino';
import type { Config } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';
import { systemClock } from '../src/ports/clock';
import type { Control, StartOutcome } from '../src/ports/control';
import { replayJournalFile, standsAt } from './replay-journal';
import { holdReplay } from './folder-lock';
import { startReplayPipeline } from './replay-pipeline';
import type { Parts } from './replay-pipeline';
import { REPLAY, sourceFolder } from './source';
import { openStores } from './stores';
import { newestResult } from './virtual-driver';

export interface ReplayControlOptions {
  /** Narrowed to what was replayed. */
  readonly config: Config;
  readonly log: Logger;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Nothing that models need is asked of an exchange; a request would be refused. */
const NO_MARKET = 'http://127.0.0.1:9';

/**
 * Trainings and changes of the champion. A replay has no schedules, so there are none to pause, and its cycles are run by
 * itself. Whoever only looks starts nothing, and may look while it is replayed. What was added to `parts` is stopped in
 * reverse.
 */
export function replayControl(options: ReplayControlOptions, parts: Parts): Control {
  let opened: Promise<ModelControl> | null = null;
  const models = (): Promise<ModelControl> => (opened ??= openModelControl(options, parts));
  return {
    schedules: async () => [],
    fills: async () => [],
    train: async (...request) => (await models()).train(...request),
    trainingResult: async (start) => (await models()).trainingResult(start),
    changeChampion: async (request) => (await models()).changeChampion(request),
    changeResult: async (start) => (await models()).changeResult(start),
    runCycle: refused,
    cycleResult: refused,
    startFill: refused,
    applySchedules: refused,
    pause: refused,
    resume: refused,
    trigger: refused,
    close: async () => {},
  };
}

type ModelControl = Pick<Control, 'train' | 'trainingResult' | 'changeChampion' | 'changeResult'>;

/** @throws PipelineError `invalid_input` where nothing was replayed, `already_running` while it is replayed. */
async function openModelControl(options: ReplayControlOptions, parts: Parts): Promise<ModelControl> {
  const { config, log, tell, signal } = options;
  const folder = sourceFolder(config.dataDir, REPLAY);
  const at = standsAt(replayJournalFile(folder));
  if (at === null) {
    throw new PipelineError('invalid_input', `nothing has been replayed into ${folder.root} yet: run "replay" first`);
  }
  parts.push(await holdReplay(folder));
  const clock = { now: () => at, monotonic: () => systemClock.monotonic() };
  const stores = await openStores(config, REPLAY, clock);
  parts.push(() => stores.close());
  const what = { config, folder, stores, marketUrl: NO_MARKET, clock, trains: false, log, tell, signal };
  const { client, control } = await startReplayPipeline(what, parts);
  const started = new Set<string>();
  // The worker ends with the command: what was started is run to its end first.
  parts.push(async () => {
    for (const workflowId of started) await newestResult(client, workflowId);
  });
  const noted = async (start: Promise<StartOutcome>): Promise<StartOutcome> => {
    const outcome = await start;
    started.add(outcome.workflowId);
    return outcome;
  };
  return {
    train: (...request) => noted(control.train(...request)),
    trainingResult: (start) => control.trainingResult(start),
    changeChampion: (request) => noted(control.changeChampion(request)),
    changeResult: (start) => control.changeResult(start),
  };
}

async function refused(): Promise<never> {
  throw new PipelineError(
    'invalid_input',
    'a replay has no schedules and runs its cycles by itself: "coin-predict replay" with a later --to goes on',
  );
}
