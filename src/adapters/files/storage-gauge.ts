import { lstat, opendir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../ports/clock';
import type { StorageGauge, StorageUsage } from '../../ports/storage-gauge';

export interface StorageGaugeOptions {
  /** What the store says of itself; measured unless `path` is given. */
  readonly storeBytes: () => Promise<number | null>;
  /** Folder or file whose size counts instead. */
  readonly path: string | null;
  /** Bytes, or a share (0..1) of the disk that `disk` lies on. */
  readonly budget: { readonly bytes: number } | { readonly share: number; readonly disk: string };
  readonly clock: Clock;
}

/** A folder of many files is not walked for every question. */
const REMEMBERED_MS = 60_000;

export function createStorageGauge({ storeBytes, path, budget, clock }: StorageGaugeOptions): StorageGauge {
  let known: { readonly at: number; readonly usedBytes: number } | null = null;
  const used = async (): Promise<number | null> => {
    if (path === null) return storeBytes();
    if (known !== null && clock.monotonic() - known.at < REMEMBERED_MS) return known.usedBytes;
    const bytes = await pathBytes(path);
    known = bytes === null ? null : { at: clock.monotonic(), usedBytes: bytes };
    return bytes;
  };
  return {
    measure: async (): Promise<StorageUsage> => ({
      usedBytes: await used(),
      budgetBytes: 'bytes' in budget ? budget.bytes : await shareOfDisk(budget.disk, budget.share),
    }),
  };
}

/** Bytes on disk of a file, or of a folder and all in it; links are not followed. Null when any of it can not be read. */
async function pathBytes(path: string): Promise<number | null> {
  try {
    const { blocks, size } = await lstat(path);
    let total = blocks === 0 ? size : blocks * 512;
    if (!(await lstat(path)).isDirectory()) return total;
    for await (const entry of await opendir(path)) {
      const bytes = await memberBytes(join(path, entry.name));
      if (bytes === null) return null;
      total += bytes;
    }
    return total;
  } catch {
    return null;
  }
}

/** A file that went away while its folder was walked takes no room. */
async function memberBytes(path: string): Promise<number | null> {
  try {
    await lstat(path);
  } catch (error) {
    return error instanceof Object && 'code' in error && error.code === 'ENOENT' ? 0 : null;
  }
  return pathBytes(path);
}

async function shareOfDisk(path: string, share: number): Promise<number | null> {
  try {
    const { blocks, bsize } = await statfs(path);
    return blocks * bsize * share;
  } catch {
    return null;
  }
}
