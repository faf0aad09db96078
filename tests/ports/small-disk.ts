import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  grow(megabytes: number): void;
  /** `ro` as after an error of the device; refused by the kernel while a file on it is open for writing. */
  become(access: 'ro' | 'rw'): void;
  remove(): void;
}

/** A file system of that size in a new folder below `parent`. */
export function smallDisk(parent: string, megabytes: number): SmallDisk {
  const folder = join(parent, 'disk');
  mkdirSync(folder);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  if (mounted.status !== 0) throw new Error(`no small disk could be mounted: ${String(mounted.stderr)}`);
  return {
    folder,
    grow: (to) => remount(folder, `size=${to}m`),
    become: (access) => remount(folder, access),
    remove: () => void spawnSync('umount', ['-l', folder]),
  };
}

function remount(folder: string, option: string): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${option}`, folder]);
  if (status !== 0) throw new Error(`the small disk could not be mounted as ${option}: ${String(stderr)}`);
}
