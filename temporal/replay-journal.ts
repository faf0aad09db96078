/** What was seen after each cycle of a replay: one line a slot, so that an interrupted replay can still report it all. */
import { appendFile, readFile } from 'node:fs/promises';
import type { EpochMs, TimeframeId } from '../src/domain/types';

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

export interface ReplayJournal {
  readonly records: readonly SlotRecord[];
  has(due: EpochMs, timeframe: TimeframeId): boolean;
  add(record: SlotRecord): Promise<void>;
}

const key = (due: EpochMs, timeframe: TimeframeId): string => `${timeframe} ${due}`;

/** Opens the journal; a last line that was cut by a crash is left out, and its slot is written down again. */
export async function openReplayJournal(file: string): Promise<ReplayJournal> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const records = text.split('\n').flatMap((line) => readRecord(line) ?? []);
  const keys = new Set(records.map(({ due, timeframe }) => key(due, timeframe)));
  // A cut line must not swallow the next one.
  if (text !== '' && !text.endsWith('\n')) await appendFile(file, '\n');
  return {
    records,
    has: (due, timeframe) => keys.has(key(due, timeframe)),
    add: async (record) => {
      records.push(record);
      keys.add(key(record.due, record.timeframe));
      await appendFile(file, `${JSON.stringify(record)}\n`);
    },
  };
}

function readRecord(line: string): SlotRecord | null {
  try {
    return JSON.parse(line) as SlotRecord;
  } catch {
    return null;
  }
}
