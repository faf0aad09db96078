/** The SQLite stores with several processes at once, and with processes that die in the middle. */
import { join } from 'node:path';
import { openCandleStore } from '../../src/adapters/sqlite/candle-store';
import { closeDatabase, openDatabase } from '../../src/adapters/sqlite/database';
import { integrityFaults } from '../../src/adapters/sqlite/integrity';
import { schemaVersion } from '../../src/adapters/sqlite/migration';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import { STATE_MIGRATIONS } from '../../src/adapters/sqlite/state-schema';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import { endChildren, startChild } from './children/child-process';
import type { Child } from './children/child-process';
import { rendered, row } from './publication-rows';
import { slotsSaid } from './slots-said';
import { BTC_1H, closedAfterEach, temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
afterEach(endChildren);

test('I11 P12 F12 after kill -9 every acknowledged candle is stored and none that was not attempted', async () => {
  const path = join(temporaryFolder(), 'candles.db');
  const [acked, attempted] = [new Set<number>(), new Set<number>()];
  for (let round = 0; round < 4; round++) {
    const writers = [0, 1].map((which) => startChild('candle-writer.ts', path, (2 * round + which) * 1_000_000));
    for (const writer of writers) await writer.line((line) => line.startsWith('ack'));
    await new Promise((resolve) => setTimeout(resolve, 40 + 35 * round));
    for (const writer of writers) writer.kill('SIGKILL');
    for (const writer of writers) {
      await writer.ended;
      for (const openTime of slotsSaid(writer, 'ack')) acked.add(openTime);
      for (const openTime of slotsSaid(writer, 'attempt')) attempted.add(openTime);
    }
    expect(await integrityFaults(path)).toEqual([]);
  }
  const store = closed(await openCandleStore(path));
  const stored = new Set((await store.read(BTC_1H, { limit: Infinity })).map(({ openTime }) => openTime));
  expect([...acked].filter((openTime) => !stored.has(openTime))).toEqual([]);
  expect([...stored].filter((openTime) => !attempted.has(openTime))).toEqual([]);
  expect((await store.extent(BTC_1H))?.count).toBe(stored.size);
  expect(acked.size).toBeGreaterThan(400);
}, 60_000);

async function race(path: string, racers: number, commits: number): Promise<number[]> {
  const children = Array.from({ length: racers }, () => startChild('publication-racer.ts', path, commits));
  for (const child of children) await child.line((line) => line === 'ready');
  for (const child of children) child.tell('go');
  for (const child of children) expect([await child.ended, child.stderr()]).toEqual([0, '']);
  return children.flatMap(({ lines }) =>
    lines.filter((line) => line.startsWith('generation')).map((line) => Number(line.split(' ')[1])),
  );
}

test('I25 F21 two processes that race to publish take dense generations, none of them twice', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const state = closed(await openStateStore(path));
  const taken = await race(path, 2, 25);
  const expected = Array.from({ length: 50 }, (_, index) => index + 1);
  expect(taken.toSorted((a, b) => a - b)).toEqual(expected);
  const recorded = (await state.publication.generations(100)).map(({ generation }) => generation);
  expect(recorded.toReversed()).toEqual(expected);
}, 60_000);

test('a commit of a process that was killed while it rendered leaves nothing, and the next goes on', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const state = closed(await openStateStore(path));
  await state.publication.upsert(row);
  const child = startChild('publication-racer.ts', path, 1000);
  await child.line((line) => line === 'ready');
  child.tell('go');
  await child.line((line) => line === 'generation 5');
  child.kill('SIGKILL');
  await child.ended;
  const before = await state.publication.generations(100_000);
  const next = await state.publication.commit(async ({ rows }) => {
    expect(rows).toEqual([row]);
    return rendered;
  });
  expect(next.generation).toBe(before.length + 1);
}, 30_000);

function grants(children: readonly Child[]): number[] {
  const lines = children.flatMap(({ lines: all }) => all.filter((line) => line.startsWith('granted')));
  return lines.map((line) => Number(line.split(' ')[1]));
}

test('I63 two processes together take no more weight than the budget holds', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const children = [1, 2].map(() => startChild('budget-taker.ts', path, 100, 10, 1));
  for (const child of children) expect([await child.ended, child.stderr()]).toEqual([0, '']);
  expect(grants(children)).toHaveLength(10);
  for (const { lines } of children) expect(lines.at(-1)).toBe('refused rate_limited');
}, 30_000);

test('I60 F58 no process sends during a ban that another was told of, and it outlives a kill -9', async () => {
  const path = join(temporaryFolder(), 'state.db');
  const children = [1, 2].map(() => startChild('budget-taker.ts', path, 1_000_000, 1, 5));
  for (const child of children) await child.line((line) => line.startsWith('granted'));
  const state: StateStore = closed(await openStateStore(path));
  const until = Date.now() + 1500;
  await state.budget().ban('demo', until, 'rate_limited');
  const told = Date.now();
  children[0]?.kill('SIGKILL');
  const late = startChild('budget-taker.ts', path, 1_000_000, 1, 5);
  for (const child of [children[1], late])
    await child?.line((line) => line.startsWith('granted') && Number(line.split(' ')[1]) > told);
  const during = grants([...children, late]).filter((at) => at > told && at < until);
  expect(during).toEqual([]);
}, 30_000);

test('F47 a migration killed after any statement goes on at the next opening, and the version row tells the truth', async () => {
  const statements = STATE_MIGRATIONS.reduce((sum, migration) => sum + migration.statements.length + 1, 1);
  for (let last = 1; last <= statements; last++) {
    const path = join(temporaryFolder(), 'state.db');
    const child = startChild('killed-migration.ts', path, last);
    expect([await child.ended, child.lines, child.stderr()]).toEqual([null, [], '']);
    const database = await openDatabase(path);
    const version = schemaVersion(database);
    const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE type = 'table'").all();
    closeDatabase(database);
    const done = STATE_MIGRATIONS.filter((migration) => migration.version <= version);
    const made = done.flatMap((migration) => migration.statements).filter((text) => text.startsWith('CREATE TABLE'));
    expect(tables).toMatchObject([{ n: made.length + 1 }]);
    const state = await openStateStore(path);
    await state.publication.upsert(row);
    expect(await state.publication.rows()).toEqual([row]);
    await state.close();
  }
}, 120_000);
