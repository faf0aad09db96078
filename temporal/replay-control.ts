/** What an operator does to the models of a replay between two of its runs, at the moment where it stands. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../src/config/config';
import { PipelineError } from '../src/domain/errors';
import { systemClock } from '../src/ports/clock';
import type { Control, StartOutcome } from '../src/ports/control';
import { replayJournalFile, standsAt } from './replay-journal';
import { holdFolder, startReplayPipeline } from './replay-pipeline';
import type { Parts } from './replay-pipeline';
import { REPLAYED } from './replay';
import { REPLAY, sourceFolder } from './source';
import { openStores } from './stores';
import { newestResult } from './virtual-driver';

export interface ReplayControlOptions {
  /** Of this process, with what a replay was narrowed to. */
  readonly config: (instead: Readonly<Record<string, string>>) => Config;
  readonly dataDir: string;
  readonly log: Logger;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Nothing that models need is asked of an exchange; a request would be refused. */
const NO_MARKET = 'http://127.0.0.1:9';

/**
 * Trainings and changes of the champion. A replay has no schedules, so there are none to pause, and its cycles are run by
 * itself. What was added to `parts` is stopped in reverse.
 * @throws PipelineError `invalid_input` where nothing was replayed, `already_running` while it is replayed.
 */
export async function openReplayControl(options: ReplayControlOptions, parts: Parts): Promise<Control> {
  const { log, tell, signal } = options;
  const folder = sourceFolder(options.dataDir, REPLAY);
  const at = standsAt(replayJournalFile(folder));
  if (at === null) {
    throw new PipelineError('invalid_input', `nothing has been replayed into ${folder.root} yet: run "replay" first`);
  }
  parts.push(await holdFolder(folder));
  const begun = JSON.parse(await readFile(join(folder.root, REPLAYED), 'utf8')) as Record<string, readonly string[]>;
  const config = options.config({
    SYMBOLS: (begun.symbols ?? []).join(','),
    TIMEFRAMES: (begun.timeframes ?? []).join(','),
  });
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
    ...control,
    train: (...request) => noted(control.train(...request)),
    changeChampion: (request) => noted(control.changeChampion(request)),
    runCycle: refused,
    startFill: refused,
    applySchedules: refused,
    pause: refused,
    resume: refused,
    trigger: refused,
  };
}

async function refused(): Promise<never> {
  throw new PipelineError(
    'invalid_input',
    'a replay has no schedules and runs its cycles by itself: "coin-predict replay" with a later --to goes on',
  );
}
