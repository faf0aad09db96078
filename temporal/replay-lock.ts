/** The lock of a replay's folder. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../src/domain/errors';
import { commandLineOf } from './command-line';
import type { SourceFolder } from './source';

/** One command a folder, be it a replay or a change of its models: the process ID of the running one lies in it. */
export async function holdFolder({ root }: SourceFolder): Promise<() => Promise<void>> {
  const file = join(root, 'replay.pid');
  const holder = async (): Promise<number> => Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  const pid = await holder();
  if (pid !== process.pid && (await isOurs(pid))) {
    throw new PipelineError(
      'already_running',
      `process ${pid} works on the replay in ${root}: wait for it, or stop it`,
    );
  }
  await writeFile(file, String(process.pid));
  return async () => {
    if ((await holder()) === process.pid) await rm(file, { force: true });
  };
}

/** Process IDs are used again: only a process of this program counts. */
async function isOurs(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  return /(^|[/ ])(coin-predict(\.js)?|cli\.js)( |$)/.test(await commandLineOf(pid));
}
