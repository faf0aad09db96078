import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { createStorageGauge } from '../../src/adapters/files/storage-gauge';
import { storageLevel } from '../../src/domain/storage-budget';
import { temporaryFolders } from './store-fixtures';

const temporaryFolder = temporaryFolders();
const clock = { at: 0, now: () => 0, monotonic: () => clock.at };
const gauge = (path: string | null, budget: Parameters<typeof createStorageGauge>[0]['budget'] = { bytes: 100 }) =>
  createStorageGauge({ storeBytes: async () => 42, path, budget, clock });

test('what the store says counts, unless a folder is named', async () => {
  expect(await gauge(null).measure()).toEqual({ usedBytes: 42, budgetBytes: 100 });
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'inner'));
  writeFileSync(join(folder, 'inner', 'data'), Buffer.alloc(1_000_000, 1));
  symlinkSync('/', join(folder, 'everything'));
  const { usedBytes } = await gauge(folder).measure();
  expect(usedBytes).toBeGreaterThanOrEqual(1_000_000);
  expect(usedBytes).toBeLessThan(1_200_000);
});

test('a folder is not walked again within a minute', async () => {
  const folder = temporaryFolder();
  const measured = gauge(folder);
  const before = (await measured.measure()).usedBytes ?? 0;
  writeFileSync(join(folder, 'data'), Buffer.alloc(1_000_000, 1));
  expect((await measured.measure()).usedBytes).toBe(before);
  clock.at += 60_000;
  expect((await measured.measure()).usedBytes).toBeGreaterThan(before);
});

test('F33 what can not be read counts as full', async () => {
  const { usedBytes, budgetBytes } = await gauge('/nowhere/at/all').measure();
  expect([usedBytes, storageLevel(usedBytes, budgetBytes)]).toEqual([null, 'block']);
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'closed'), { mode: 0 });
  const closed = await gauge(folder).measure();
  chmodSync(join(folder, 'closed'), 0o700);
  // The superuser may read everything.
  if (process.getuid?.() !== 0) expect(closed.usedBytes).toBeNull();
  const share = await gauge(null, { share: 0.5, disk: '/nowhere' }).measure();
  expect([share.budgetBytes, storageLevel(share.usedBytes, share.budgetBytes)]).toEqual([null, 'block']);
});

test('the budget may be a share of the disk', async () => {
  const { blocks, bsize } = await statfs('/');
  expect((await gauge(null, { share: 0.25, disk: '/' }).measure()).budgetBytes).toBe(blocks * bsize * 0.25);
});
