/** A file that is there whole and durable, or not at all (P16, P17). */
import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PipelineError } from '../../domain/errors';
import type { ErrorCode } from '../../domain/errors';

/** Names of our own temporary files; nothing else is ever cleaned up. */
export const TEMPORARY_NAME = /^\.tmp-[0-9a-f]{16}$/;

/**
 * Writes `body` to `path`: temporary file in the same folder, fsync, `check`, rename, fsync of the folder. When any step
 * throws, the old file stands (or, after the rename, the new one whole) and the temporary one is removed.
 */
export async function writeDurably(
  path: string,
  body: string | Uint8Array,
  check?: () => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.tmp-${randomBytes(8).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', 0o644);
    try {
      await file.writeFile(body);
      await file.sync();
    } finally {
      await file.close();
    }
    await check?.();
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `ENOENT` and the like; by shape, since an error of another realm is no `Error` of ours. */
export function errorCodeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Names a failure of the file system without naming its path: the sentence can reach the public manifest. */
export function fileError(error: unknown, code: ErrorCode, what: string): PipelineError {
  if (error instanceof PipelineError) return error;
  const reason = errorCodeOf(error) ?? 'unknown error';
  const full = reason === 'ENOSPC' || reason === 'EDQUOT';
  return new PipelineError(full ? 'disk_full' : code, `${what} could not be written: ${reason}`, {
    cause: error,
    ...(code === 'manifest_failed' ? { stage: 'manifest' } : {}),
  });
}
