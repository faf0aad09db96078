import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { openReplayJournal, standsAt } from '../../../temporal/replay-journal';
import type { JobRecord, SlotRecord } from '../../../temporal/replay-journal';
import { holdDataDir, holdReplay } from '../../../temporal/folder-lock';
import { sourceFolder } from '../../../temporal/source';

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

describe('one command works on a replay at a time', () => {
  const held = () => ({ ...sourceFolder(folder, 'replay'), root: folder });
  const pidFile = () => join(folder, 'replay.pid');

  /** A process that was started with these words, for as long as the work takes. */
  async function beside(words: readonly string[], work: () => Promise<void>): Promise<void> {
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)', '--', ...words], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('spawn', resolve));
    writeFileSync(pidFile(), String(child.pid));
    try {
      await work();
    } finally {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
  }

  test.each([
    ['a replay', ['/somewhere/bin/coin-predict.js', 'replay']],
    ['a training in a replay', ['/usr/bin/coin-predict', 'model', 'train', '--wait']],
    ['a command of the compiled program', ['/somewhere/dist/temporal/cli.js', 'model', 'promote']],
  ])('%s is respected', async (_, words) => {
    await beside(words, async () => {
      await expect(holdReplay(held())).rejects.toThrow(
        /process \d+ works on the replay in .*: wait for it, or stop it/,
      );
    });
  });

  test('so is the deployment of a folder, from the moment it begins to start', async () => {
    await beside(['/somewhere/scripts/start.mjs'], async () => {
      writeFileSync(join(folder, 'up.pid'), readFileSync(pidFile(), 'utf8'));
      await expect(holdDataDir(folder)).rejects.toThrow(/DATA_DIR .* is in use by process \d+: stop it, or set/);
    });
    const release = await holdDataDir(folder);
    await release();
    expect(existsSync(join(folder, 'up.pid'))).toBe(false);
  });

  test('another program that got the process ID of a killed replay is not', async () => {
    await beside(['replay', 'something', '/home/me/coin-predict-data'], async () => {
      const release = await holdReplay(held());
      expect(readFileSync(pidFile(), 'utf8')).toBe(String(process.pid));
      await release();
      expect(existsSync(pidFile())).toBe(false);
    });
  });

  test('the lock of whoever took it over meanwhile stays', async () => {
    const release = await holdReplay(held());
    writeFileSync(pidFile(), '4711');
    await release();
    expect(readFileSync(pidFile(), 'utf8')).toBe('4711');
  });
});
