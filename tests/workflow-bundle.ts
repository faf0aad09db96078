/** The workflows as tests run them, bundled from their sources: once for each state of these, since it takes seconds. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { WorkflowBundle } from '@temporalio/worker';

const ROOT = join(__dirname, '..');
const FOLDER = join(tmpdir(), `coin-predict-workflow-bundles-${process.getuid?.() ?? 0}`);
const KEPT_MS = 3_600_000;

/** What a bundle depends on: the sources it may take in, the bugs seeded into them, and the SDK. */
function stateOfSources(): string {
  const state = createHash('sha256').update(process.env.SEEDED_BUGS ?? '');
  for (const part of ['workflows', 'src']) {
    const files = readdirSync(join(ROOT, part), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    );
    for (const file of files.toSorted()) state.update(`\0${file}\0`).update(readFileSync(join(ROOT, part, file)));
  }
  return state.update(readFileSync(join(ROOT, 'package-lock.json'))).digest('hex');
}

/** One that is being written has another name until it is whole. */
function keep(file: string, code: string): void {
  mkdirSync(FOLDER, { recursive: true });
  for (const name of readdirSync(FOLDER)) {
    const path = join(FOLDER, name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? { mtimeMs: Number.POSITIVE_INFINITY };
    if (mtimeMs < Date.now() - KEPT_MS) rmSync(path, { force: true });
  }
  const unfinished = `${file}.${process.pid}`;
  writeFileSync(unfinished, code);
  renameSync(unfinished, file);
}

async function bundled(): Promise<WorkflowBundle> {
  const file = join(FOLDER, `${stateOfSources()}.js`);
  if (statSync(file, { throwIfNoEntry: false }) !== undefined) return { code: readFileSync(file, 'utf8') };
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows', 'index.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  keep(file, code);
  return { code };
}

let bundle: Promise<WorkflowBundle> | null = null;

export function workflowBundle(): Promise<WorkflowBundle> {
  bundle ??= bundled();
  return bundle;
}
