/** What was seen after each cycle of a replay: one line a slot, so that an interrupted replay can still report it all. */
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import type { SourceFolder } from './source';

export interface SlotRecord {
  readonly due: EpochMs;
  readonly timeframe: TimeframeId;
  readonly outcome: string;
  readonly generation: number | null;
  /** Pairs by status word, as the manifest said after this cycle. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Broken rules of the published files after this cycle, in sentences; null when they were not looked for. */
  readonly breaches: readonly string[] | null;
  /** Working time, 0 for a slot that was run just before an interruption and written down after it. */
  readonly milliseconds: number;
}

/** A slot that is no cycle: a training, a report on models. */
export interface JobRecord {
  readonly due: EpochMs;
  /** Workflow ID. */
  readonly job: string;
  readonly outcome: string;
  readonly milliseconds: number;
}

export function replayJournalFile({ root }: SourceFolder): string {
  return join(root, 'replay.jsonl');
}

type Line = SlotRecord | JobRecord;

export interface ReplayJournal {
  readonly records: readonly SlotRecord[];
  readonly jobs: readonly JobRecord[];
  has(due: EpochMs, timeframe: TimeframeId): boolean;
  hasJob(due: EpochMs, job: string): boolean;
  add(record: SlotRecord): Promise<void>;
  addJob(record: JobRecord): Promise<void>;
}

const key = (due: EpochMs, of: string): string => `${of} ${due}`;

/** Opens the journal; a last line that was cut by a crash is left out, and its slot is written down again. */
export async function openReplayJournal(file: string): Promise<ReplayJournal> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n').flatMap((line) => readRecord(line) ?? []);
  const records = lines.filter((line): line is SlotRecord => !isJob(line));
  const jobs = lines.filter(isJob);
  const keys = new Set(lines.map(keyOf));
  // A cut line must not swallow the next one.
  if (text !== '' && !text.endsWith('\n')) await appendFile(file, '\n');
  const write = async (line: Line): Promise<void> => {
    keys.add(keyOf(line));
    await appendFile(file, `${JSON.stringify(line)}\n`);
  };
  return {
    records,
    jobs,
    has: (due, timeframe) => keys.has(key(due, timeframe)),
    hasJob: (due, job) => keys.has(key(due, job)),
    add: async (record) => {
      records.push(record);
      await write(record);
    },
    addJob: async (record) => {
      jobs.push(record);
      await write(record);
    },
  };
}

/** Where the replay of this journal stands; null before its first slot. */
export function standsAt(file: string): EpochMs | null {
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const dues = text.split('\n').flatMap((line) => readRecord(line)?.due ?? []);
  return dues.length === 0 ? null : dues.reduce((a, b) => Math.max(a, b));
}

function isJob(line: Line): line is JobRecord {
  return 'job' in line;
}

function keyOf(line: Line): string {
  return key(line.due, isJob(line) ? line.job : line.timeframe);
}

function readRecord(line: string): Line | null {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return null;
  }
}
