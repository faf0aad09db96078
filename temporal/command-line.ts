/** What another process of this machine was started as. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * The command line with a space between its words; empty when there is no such process. Process IDs are used again, so an
 * ID that was written down tells nothing without it.
 */
export async function commandLineOf(pid: number): Promise<string> {
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  if (words !== null) return words.replaceAll('\0', ' ').trim();
  // Where the kernel has no such files (macOS).
  const listed = promisify(execFile)('ps', ['-o', 'command=', '-ww', '-p', String(pid)]);
  return listed.then(({ stdout }) => stdout.trim()).catch(() => '');
}
