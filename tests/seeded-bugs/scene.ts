/** Runs of real parts whose sources hold seeded bugs, and the names of the checks that turned red by them. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { check } from '../checker/check';
import { checkTrace, TRACED } from '../checker/durability';
import type { CheckReport } from '../checker/findings';
import { truthOfFiles } from '../checker/market-truth';
import type { MarketRequest } from '../checker/requests';
import type { Mutation } from './seeded-bug';

const ROOT = resolve(__dirname, '..', '..');
const LOADER = join(__dirname, 'seeded-loader.cjs');

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bugs-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** @throws Error when a bug's source was never loaded, so that nothing could have been seen. */
async function runMutated(
  mutations: readonly Mutation[],
  command: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const met = join(folder, 'bugs-met');
  const bugs = mutations.map(({ file, text, instead }) => ({ file, text, instead }));
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...env, SEEDED_BUGS: JSON.stringify(bugs), SEEDED_BUGS_MET: met },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  const code = await new Promise<number | null>((done) => child.once('close', done));
  const seen = existsSync(met) ? new Set(readFileSync(met, 'utf8').trim().split('\n')) : new Set<string>();
  const never = bugs.filter(({ file, text }) => !seen.has(`${file} ${JSON.stringify(text)}`));
  if (never.length > 0) throw new Error(`never loaded: ${never.map(({ file }) => file).join(', ')}: ${output}`);
  return { code, output };
}

/** Plays the scene on the Temporal server at `address`. @throws Error when it could not be played to its end. */
export async function playScene(address: string, mutations: readonly Mutation[]): Promise<CheckReport> {
  return inFolder(async (folder) => {
    const command = [process.execPath, '-r', LOADER, join(__dirname, 'scene-child.ts'), folder, address];
    const { code, output } = await runMutated(mutations, command, folder);
    if (code !== 0) throw new Error(`the scene broke off with ${code}: ${output.slice(-2000)}`);
    const requests = JSON.parse(readFileSync(join(folder, 'requests.json'), 'utf8')) as MarketRequest[];
    return check({ folder: join(folder, 'simulated'), truth: truthOfFiles(join(folder, 'candles')), requests });
  });
}

/** Publishes two pairs under strace. */
export async function tracePublish(mutations: readonly Mutation[]): Promise<CheckReport> {
  return inFolder(async (folder) => {
    const trace = join(folder, 'trace');
    const child = join(ROOT, 'tests', 'faults', 'publish-child.ts');
    const publish = [process.execPath, '-r', LOADER, child, folder, folder, String(Date.UTC(2024, 5, 1, 12))];
    const command = ['strace', '-f', '--seccomp-bpf', '-qq', ...TRACED, '-o', trace, ...publish];
    const { code, output } = await runMutated(mutations, command, folder);
    if (code !== 0 || !output.startsWith('acked')) throw new Error(`the publish ended with ${code}: ${output}`);
    return checkTrace(readFileSync(trace, 'utf8'));
  });
}

interface JestResults {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs the tests whose full names hold one of `titles`, and gives the names of those that failed. */
export async function failedTests(
  mutations: readonly Mutation[],
  files: readonly string[],
  titles: readonly string[],
): Promise<string[]> {
  return inFolder(async (folder) => {
    const results = join(folder, 'jest.json');
    const command = [
      process.execPath,
      '--experimental-vm-modules',
      '--no-warnings',
      join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--config',
      join(__dirname, 'jest.config.cjs'),
      '--runInBand',
      '--json',
      `--outputFile=${results}`,
      '-t',
      titles.map((title) => title.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)).join('|'),
      ...files,
    ];
    // A cache of its own: the usual one must never hold a bug.
    await runMutated(mutations, command, folder, { TMPDIR: folder, HOME: folder });
    const { testResults } = JSON.parse(readFileSync(results, 'utf8')) as JestResults;
    return testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .filter(({ status }) => status === 'failed')
      .map(({ fullName }) => fullName);
  });
}
