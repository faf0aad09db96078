import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { openReplayJournal, standsAt } from '../../../temporal/replay-journal';
import type { JobRecord, SlotRecord } from '../../../temporal/replay-journal';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'coin-predict-journal-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HOUR = parseTimeframe('1h');
const record = (due: number): SlotRecord => ({
  due,
  timeframe: HOUR,
  outcome: 'published',
  generation: due,
  statuses: { fresh: 2 },
  breaches: [],
  milliseconds: 10,
});

describe('the journal of a replay', () => {
  test('gives back what was written, in order', async () => {
    const file = join(folder, 'journal');
    const first = await openReplayJournal(file);
    await first.add(record(1));
    await first.add(record(2));
    const again = await openReplayJournal(file);
    expect(again.records).toEqual([record(1), record(2)]);
    expect([again.has(2, HOUR), again.has(3, HOUR), again.has(2, parseTimeframe('1d'))]).toEqual([true, false, false]);
  });

  test('leaves out a line that a crash cut, and does not let it swallow the next one', async () => {
    const file = join(folder, 'journal');
    await (await openReplayJournal(file)).add(record(1));
    appendFileSync(file, JSON.stringify(record(2)).slice(0, 20));
    const after = await openReplayJournal(file);
    expect(after.has(2, HOUR)).toBe(false);
    await after.add(record(2));
    expect((await openReplayJournal(file)).records).toEqual([record(1), record(2)]);
  });

  test('keeps trainings and reports apart from cycles, and tells where the replay stands', async () => {
    const file = join(folder, 'journal');
    expect(standsAt(file)).toBeNull();
    const journal = await openReplayJournal(file);
    const training: JobRecord = { due: 3, job: 'train-1h', outcome: 'done', milliseconds: 5 };
    await journal.add(record(1));
    await journal.addJob(training);
    const again = await openReplayJournal(file);
    expect([again.records, again.jobs]).toEqual([[record(1)], [training]]);
    expect([again.hasJob(3, 'train-1h'), again.hasJob(3, 'train-1d'), again.has(3, HOUR)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(standsAt(file)).toBe(3);
  });
});
