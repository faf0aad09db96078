/**
 * Recorded histories run on today's code: a change that would break a run in flight turns these red.
 * A deliberate change needs `patched(…)` and a new path in `recorded-runs.ts`; paths without a record get one by
 * RECORD_HISTORIES=<release> npm run jest -- tests/replay
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { largestPayload } from '../payloads';
import { startTestTemporal } from '../temporal';
import { workflowBundle } from '../workflow-bundle';
import { RECORDED_RUNS } from './recorded-runs';

const root = join(__dirname, '..', '..');
const folder = join(__dirname, 'histories');
const release = process.env.RECORD_HISTORIES;

beforeAll(() => {
  if (release === undefined) Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
});

async function histories(): Promise<{ name: string; history: unknown }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted();
  return Promise.all(
    names.map(async (name) => ({ name, history: JSON.parse(await readFile(join(folder, name), 'utf8')) })),
  );
}

if (release !== undefined) {
  test(`records the histories of release ${release}`, async () => {
    const temporal = await startTestTemporal();
    await mkdir(folder, { recursive: true });
    const kept = await readdir(folder);
    // Records are added, never overwritten.
    for (const recorded of RECORDED_RUNS.filter(({ name }) => !kept.some((file) => file.startsWith(`${name}.`)))) {
      await recorded.run(temporal);
      const show = ['workflow', 'show', '-w', recorded.workflowId, '-o', 'json', '--address', temporal.server.address];
      const { stdout } = await promisify(execFile)(temporal.binary, show, { maxBuffer: 64e6 });
      await writeFile(join(folder, `${recorded.name}.${release}.json`), withoutMachine(stdout));
    }
    await temporal.stop();
  }, 300_000);
} else {
  test('every workflow has a recorded history of each path', async () => {
    const kept = (await readdir(folder)).join('\n');
    for (const { name } of RECORDED_RUNS) expect(kept).toContain(`${name}.`);
  });

  test('all recorded histories replay on the code as it is', async () => {
    const bundle = await workflowBundle();
    for (const { name, history } of await histories()) {
      await Worker.runReplayHistory({ workflowBundle: bundle }, history).catch((error: unknown) => {
        throw new Error(`${name} does not replay`, { cause: error });
      });
    }
  }, 240_000);

  test('F23 an unguarded change of order turns the replay red, the same change behind patched() does not', async () => {
    const unguarded = await changedWorkflows((source) =>
      source.replace('await judgeAndPublish(', 'await stages.repair(group(symbols));\n  await judgeAndPublish('),
    );
    const guarded = await changedWorkflows((source) =>
      source
        .replace(
          'await judgeAndPublish(',
          "if (patched('repair-twice')) await stages.repair(group(symbols));\n  await judgeAndPublish(",
        )
        .replace(
          "from '@temporalio/workflow'",
          "from '@temporalio/workflow';\nimport { patched } from '@temporalio/workflow'",
        ),
    );
    const published = (await histories()).find(({ name }) => name.startsWith('cycle.published.'));
    await expect(Worker.runReplayHistory({ workflowBundle: unguarded }, published?.history)).rejects.toThrow(
      /[Nn]ondeterminism|Determinism/,
    );
    await Worker.runReplayHistory({ workflowBundle: guarded }, published?.history);
  }, 240_000);

  test('I66 no payload of any recorded history is larger than 64 KiB', async () => {
    for (const { name, history } of await histories()) {
      expect({ name, largest: largestPayload(history) }).toMatchObject({ largest: expect.any(Number) });
      expect(largestPayload(history)).toBeLessThanOrEqual(64 * 1024);
    }
  });
}

/** A record names neither the machine nor its folders. */
function withoutMachine(history: string): string {
  return history.replaceAll(root, '.').replaceAll(`@${hostname()}`, '@host');
}

/** The workflows bundled from a copy in which one file was changed. */
async function changedWorkflows(change: (source: string) => string) {
  // Inside the repository, where the bundler finds the installed packages.
  await mkdir(join(root, '.cache'), { recursive: true });
  const copy = await mkdtemp(join(root, '.cache', 'changed-workflows-'));
  try {
    for (const part of ['workflows', 'activities', 'src'])
      await cp(join(root, part), join(copy, part), { recursive: true });
    const file = join(copy, 'workflows', 'pair-chain.ts');
    const before = await readFile(file, 'utf8');
    const after = change(before);
    expect(after).not.toBe(before);
    await writeFile(file, after);
    return await bundleWorkflowCode({
      workflowsPath: join(copy, 'workflows', 'index.ts'),
      logger: new DefaultLogger('ERROR'),
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}
