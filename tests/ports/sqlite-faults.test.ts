/** The SQLite stores on a bad day: locked, full, damaged, half migrated. */
import { copyFileSync, openSync, readSync, closeSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openCandleStore } from '../../src/adapters/sqlite/candle-store';
import { closeDatabase, openDatabase } from '../../src/adapters/sqlite/database';
import type { SqliteDatabase } from '../../src/adapters/sqlite/database';
import { integrityFaults } from '../../src/adapters/sqlite/integrity';
import { migrate, schemaVersion } from '../../src/adapters/sqlite/migration';
import type { Migration } from '../../src/adapters/sqlite/migration';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { ForecastRecord } from '../../src/ports/forecast-ledger';
import { endChildren, startChild } from './children/child-process';
import { row, rendered } from './publication-rows';
import { testMounted } from '../possible';
import { smallDisk } from './small-disk';
import { BTC_1H, candles, closedAfterEach, slot, temporaryFolders } from './store-fixtures';

const MEGABYTE = 1024 * 1024;
const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
afterEach(endChildren);

/** A second connection to a file, as another process would have it. */
async function anotherConnection(path: string): Promise<SqliteDatabase> {
  const database = await openDatabase(path);
  closed({ close: async () => closeDatabase(database) });
  return database;
}

async function pause(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

describe('opening', () => {
  test('a file is opened with a write-ahead log that is on disk before a commit returns, and foreign keys', async () => {
    const database = await anotherConnection(join(temporaryFolder(), 'deep', 'er', 'candles.db'));
    const value = (pragma: string): unknown => database.prepare(`PRAGMA ${pragma}`).raw().all()[0];
    expect([value('journal_mode'), value('synchronous'), value('foreign_keys')]).toEqual([['wal'], [2], [1]]);
  });

  test('what was stored is there after closing and opening again', async () => {
    const path = join(temporaryFolder(), 'candles.db');
    const first = await openCandleStore(path);
    await first.write(BTC_1H, candles(0, 9), 1000);
    await first.close();
    await first.close();
    expect(await closed(await openCandleStore(path)).read(BTC_1H, {})).toEqual(candles(0, 9));
  });

  test('a folder that can not be made is store_unavailable and names the file', async () => {
    const file = join(temporaryFolder(), 'candles.db');
    await (await openCandleStore(file)).close();
    await expect(openCandleStore(join(file, 'state.db'))).rejects.toMatchObject({
      code: 'store_unavailable',
      message: expect.stringContaining('state.db'),
    });
  });

  test('a file that is a folder, and a store that was closed, are store_unavailable', async () => {
    const folder = temporaryFolder();
    await expect(openCandleStore(folder)).rejects.toMatchObject({ code: 'store_unavailable' });
    const store = await openCandleStore(join(folder, 'candles.db'));
    const state = await openStateStore(join(folder, 'state.db'));
    await Promise.all([store.close(), state.close()]);
    await expect(store.write(BTC_1H, candles(0, 9), 1000)).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(state.publication.rows()).rejects.toMatchObject({ code: 'store_unavailable' });
    await expect(state.publication.upsert(row)).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  test('the size counts the side files and is unknown when the file is gone', async () => {
    const path = join(temporaryFolder(), 'candles.db');
    const store = closed(await openCandleStore(path));
    await store.write(BTC_1H, candles(0, 2000), 1000);
    const sizes = ['', '-wal', '-shm'].map((end) => statSync(path + end).size);
    expect(await store.sizeBytes()).toBe(sizes.reduce((sum, size) => sum + size));
    rmSync(path);
    expect(await store.sizeBytes()).toBeNull();
  });
});

describe('a lock that another process holds', () => {
  test('F45 a write waits for it without stopping the event loop, then goes through', async () => {
    const folder = temporaryFolder();
    const [store, state] = [
      closed(await openCandleStore(join(folder, 'candles.db'))),
      closed(await openStateStore(join(folder, 'state.db'))),
    ];
    const others = await Promise.all(['candles.db', 'state.db'].map((name) => anotherConnection(join(folder, name))));
    for (const other of others) other.exec('BEGIN IMMEDIATE');
    let [last, longest] = [performance.now(), 0];
    const heart = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const started = performance.now();
    const writes = Promise.all([store.write(BTC_1H, candles(0, 9), 1000), state.publication.upsert(row)]);
    await pause(400);
    for (const other of others) other.exec('COMMIT');
    expect(await writes).toMatchObject([{ inserted: 10 }, true]);
    clearInterval(heart);
    expect(performance.now() - started).toBeGreaterThanOrEqual(400);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(longest).toBeLessThan(200);
  });

  test('F45 a lock that stays is store_unavailable after five seconds, and what waited is not stored', async () => {
    const path = join(temporaryFolder(), 'candles.db');
    const store = closed(await openCandleStore(path));
    const other = await anotherConnection(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(store.write(BTC_1H, candles(0, 9), 1000)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.read(BTC_1H, {})).toEqual([]);
    other.exec('ROLLBACK');
    expect(await store.write(BTC_1H, candles(0, 9), 1000)).toMatchObject({ inserted: 10 });
  });

  test('F45 a reader that stays holds up no write, and the log is cut back when it is gone', async () => {
    const path = join(temporaryFolder(), 'candles.db');
    const store = closed(await openCandleStore(path));
    await store.write(BTC_1H, candles(0, 999), 1000);
    const reader = await anotherConnection(path);
    reader.exec('BEGIN');
    const seen = (): unknown => reader.prepare('SELECT count(*) FROM candle').raw().all()[0];
    expect(seen()).toEqual([1000]);
    for (let page = 1; statSync(`${path}-wal`).size < 24 * MEGABYTE; page++)
      await store.write(BTC_1H, candles(page * 4000, page * 4000 + 3999), 1000);
    expect(seen()).toEqual([1000]);
    reader.exec('ROLLBACK');
    for (let page = 0; page < 3; page++) await store.write(BTC_1H, candles(0, 999, 200 + page), 2000 + page);
    expect(statSync(`${path}-wal`).size).toBeLessThanOrEqual(16 * MEGABYTE);
  }, 60_000);

  test('reads do not wait for a publication that is being rendered, and a write inside it is refused', async () => {
    const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
    await state.publication.commit(async () => {
      expect(await state.publication.rows()).toEqual([]);
      await expect(state.publication.upsert(row)).rejects.toMatchObject({ code: 'internal' });
      return rendered;
    });
    expect(await state.publication.upsert(row)).toBe(true);
  });
});

test('a write that fails half way leaves nothing of itself, and the next is whole', async () => {
  const state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  const good: ForecastRecord = {
    pair: BTC_1H,
    role: 'champion',
    issuedAt: slot(1),
    dataThrough: slot(1),
    modelVersion: 'a1',
    family: 'theta',
    lastClose: 100,
    quantiles: [[1, 2, 3, 4, 5, 6, 7]],
  };
  const bad = { ...good, dataThrough: slot(2), lastClose: Number.NaN };
  await expect(state.forecastLedger.append([good, bad])).rejects.toMatchObject({ code: 'invalid_input' });
  expect(await state.forecastLedger.latest(BTC_1H, 'champion')).toBeNull();
  await state.forecastLedger.append([good]);
  expect(await state.forecastLedger.latest(BTC_1H, 'champion')).toEqual(good);
});

testMounted(
  'F33 I11 on a full disk a write is refused as disk_full, and goes on when there is space',
  async () => {
    const disk = smallDisk(temporaryFolder(), 6);
    try {
      const path = join(disk.folder, 'candles.db');
      const store = await openCandleStore(path);
      const state = await openStateStore(join(disk.folder, 'state.db'));
      let acked = 0;
      const fill = async (): Promise<void> => {
        for (;;) {
          await store.write(BTC_1H, candles(acked, acked + 499), 1000);
          acked += 500;
        }
      };
      await expect(fill()).rejects.toMatchObject({ code: 'disk_full' });
      const stored = await store.read(BTC_1H, { limit: Infinity });
      expect([acked, acked + 500]).toContain(stored.length);
      const noise = { ...row, ops: { noise: 'x'.repeat(2 * MEGABYTE) } };
      await expect(state.publication.upsert(noise)).rejects.toMatchObject({ code: 'disk_full' });

      disk.grow(24);
      const again = await store.write(BTC_1H, candles(0, acked + 499), 1000);
      expect([again.revisions, again.outdated]).toEqual([[], 0]);
      expect(await store.read(BTC_1H, { limit: Infinity })).toEqual(candles(0, acked + 499));
      expect(await state.publication.upsert(noise)).toBe(true);
      await store.close();
      await state.close();
      expect(await integrityFaults(path)).toEqual([]);
    } finally {
      disk.remove();
    }
  },
  60_000,
);

testMounted(
  'F36 on a disk that turned read-only nothing opens, nothing is lost, and all goes on when it is writable again',
  async () => {
    const disk = smallDisk(temporaryFolder(), 6);
    try {
      const [origin, path] = [join(temporaryFolder(), 'candles.db'), join(disk.folder, 'candles.db')];
      const before = await openCandleStore(origin);
      await before.write(BTC_1H, candles(0, 99), 1000);
      await before.close();
      copyFileSync(origin, path);
      disk.become('ro');
      await expect(openCandleStore(path)).rejects.toMatchObject({ code: 'store_unavailable' });
      await expect(openStateStore(join(disk.folder, 'state.db'))).rejects.toMatchObject({ code: 'store_unavailable' });
      disk.become('rw');
      const after = closed(await openCandleStore(path));
      await after.write(BTC_1H, candles(100, 199), 1000);
      expect(await after.read(BTC_1H, { limit: Infinity })).toEqual(candles(0, 199));
    } finally {
      disk.remove();
    }
  },
  60_000,
);

describe('a damaged file', () => {
  /** Turns every bit of `length` bytes around. */
  function flip(path: string, position: number, length: number): void {
    const file = openSync(path, 'r+');
    const bytes = Buffer.alloc(length);
    readSync(file, bytes, 0, length, position);
    writeSync(
      file,
      bytes.map((byte) => byte ^ 0xff),
      0,
      length,
      position,
    );
    closeSync(file);
  }

  async function storedAndClosed(): Promise<string> {
    const path = join(temporaryFolder(), 'candles.db');
    const store = await openCandleStore(path);
    await store.write(BTC_1H, candles(0, 2999), 1000);
    await store.close();
    expect(await integrityFaults(path)).toEqual([]);
    return path;
  }

  test('F46 a page whose head is overwritten is found, wherever it lies', async () => {
    const path = await storedAndClosed();
    const pages = statSync(path).size / 4096;
    expect(pages).toBeGreaterThan(20);
    for (let page = 1; page < pages; page += 5) {
      flip(path, page * 4096, 8);
      expect([page, (await integrityFaults(path)).length > 0]).toEqual([page, true]);
      flip(path, page * 4096, 8);
    }
    expect(await integrityFaults(path)).toEqual([]);
  });

  test('F46 reading a damaged page is store_corrupt, with what to do', async () => {
    const path = await storedAndClosed();
    for (let page = 3; page < statSync(path).size / 4096; page++) flip(path, page * 4096, 8);
    const store = closed(await openCandleStore(path));
    await expect(store.read(BTC_1H, { limit: Infinity })).rejects.toMatchObject({
      code: 'store_corrupt',
      remedy: expect.stringContaining('aside'),
    });
  });

  test('F46 something that is no database is store_corrupt at once', async () => {
    const path = await storedAndClosed();
    flip(path, 0, 100);
    await expect(openCandleStore(path)).rejects.toMatchObject({ code: 'store_corrupt' });
    expect(await integrityFaults(path)).toHaveLength(1);
  });

  test('F46 a number that was changed into nonsense, or a count that is off, is found', async () => {
    const path = await storedAndClosed();
    const database = await anotherConnection(path);
    database.exec(`UPDATE candle SET high = low / 2 WHERE open_time = ${slot(7)}`);
    expect(await integrityFaults(path)).toEqual([`BTC/USDT 1h: the candle at ${slot(7)} breaks a rule of candles`]);
    database.exec(`DELETE FROM candle WHERE open_time = ${slot(7)}`);
    expect(await integrityFaults(path)).toEqual([
      'BTC/USDT 1h: the number of candles is not the number kept beside them',
    ]);
  });

  test('F46 without its lost log a file is an earlier state of itself, whole and open to a refill', async () => {
    const killed = join(temporaryFolder(), 'candles.db');
    const first = await openCandleStore(killed);
    await first.write(BTC_1H, candles(0, 999), 1000);
    await first.close();
    const writer = startChild('candle-writer.ts', killed, 1000);
    await writer.line((line) => line.startsWith('ack'));
    writer.kill('SIGKILL');
    await writer.ended;
    expect(statSync(`${killed}-wal`).size).toBeGreaterThan(0);
    const path = join(temporaryFolder(), 'candles.db');
    copyFileSync(killed, path);
    expect(await integrityFaults(path)).toEqual([]);
    const store = closed(await openCandleStore(path));
    expect(await store.extent(BTC_1H)).toEqual({ first: slot(0), last: slot(999), count: 1000 });
    expect(await store.write(BTC_1H, candles(900, 1100), 2000)).toMatchObject({ inserted: 101, unchanged: 100 });
  }, 30_000);
});

describe('migrations', () => {
  const migrations: readonly Migration[] = [
    {
      version: 1,
      name: 'one',
      statements: ['CREATE TABLE a (x INTEGER)', 'CREATE TABLE b (x INTEGER)'],
    },
    { version: 2, name: 'two', statements: ['ALTER TABLE a ADD COLUMN y INTEGER', 'INSERT INTO b VALUES (1)'] },
  ];

  test('F47 a step that fails undoes its migration whole, keeps those before, and the next try finishes', async () => {
    for (let failing = 1; failing <= 7; failing++) {
      const path = join(temporaryFolder(), 'state.db');
      const database = await anotherConnection(path);
      let step = 0;
      const attempt = migrate(path, database, migrations, (statement) => {
        step += 1;
        if (step === failing) throw new Error('failed on purpose');
        database.exec(statement);
      });
      await expect(attempt).rejects.toThrow('failed on purpose');
      await migrate(path, database, migrations);
      expect(schemaVersion(database)).toBe(2);
      expect(database.prepare('SELECT count(*) AS rows FROM b').all()).toEqual([{ rows: 1 }]);
      expect(database.prepare('SELECT version, name FROM schema_version').raw().all()).toEqual([
        [1, 'one'],
        [2, 'two'],
      ]);
    }
  });

  test('migrating again does nothing', async () => {
    const path = join(temporaryFolder(), 'state.db');
    const database = await anotherConnection(path);
    await migrate(path, database, migrations);
    await migrate(path, database, migrations);
    expect(database.prepare('SELECT count(*) AS rows FROM b').all()).toEqual([{ rows: 1 }]);
  });

  test('a file of a newer program is refused with one sentence', async () => {
    const path = join(temporaryFolder(), 'state.db');
    await (await openStateStore(path)).close();
    const database = await anotherConnection(path);
    database.exec("INSERT INTO schema_version (version, name) VALUES (99, 'from the future')");
    await expect(openStateStore(path)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('version 99'),
    });
  });
});
