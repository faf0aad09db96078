/** A folder that one process of this program works on at a time: its process ID lies in it. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PipelineError } from '../src/domain/errors';
import { commandLineOf } from './command-line';
import type { SourceFolder } from './source';

/** One command a folder, be it a replay or a change of its models. @throws PipelineError `already_running` */
export function holdReplay({ root }: SourceFolder): Promise<() => Promise<void>> {
  return hold(
    join(root, 'replay.pid'),
    (pid) => `process ${pid} works on the replay in ${root}: wait for it, or stop it`,
  );
}

/** One deployment a folder: two would stop each other's servers. @throws PipelineError `already_running` */
export function holdDataDir(dataDir: string): Promise<() => Promise<void>> {
  return hold(
    join(dataDir, 'up.pid'),
    (pid) => `DATA_DIR ${dataDir} is in use by process ${pid}: stop it, or set DATA_DIR to another folder`,
  );
}

async function hold(file: string, sentence: (pid: number) => string): Promise<() => Promise<void>> {
  const holder = async (): Promise<number> => Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10);
  await mkdir(dirname(file), { recursive: true });
  // Two that start at once: one of them makes the file.
  while (!(await made(file))) {
    const pid = await holder();
    if (pid !== process.pid && (await isOurs(pid))) throw new PipelineError('already_running', sentence(pid));
    await rm(file, { force: true });
  }
  return async () => {
    if ((await holder()) === process.pid) await rm(file, { force: true });
  };
}

async function made(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Process IDs are used again: only a process of this program counts. */
async function isOurs(pid: number): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 1) return false;
  return /(^|[/ ])(coin-predict(\.js)?|cli\.js|start\.mjs)( |$)/.test(await commandLineOf(pid));
}
