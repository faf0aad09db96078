/** Publishing under faults: killed or failed at system calls, a full disk, a folder that can not be written. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { HOUR } from '../../src/domain/timeframe';
import type { PipelineError } from '../../src/domain/errors';
import { readPublished } from '../../src/publish/published-reader';
import { verify } from '../../src/publish/verify';
import { checkTrace, TRACED } from '../checker/durability';
import { THROUGH, openWorkshop } from '../integration/publish/workshop';
import { FULL_PROOF, outcomeTable } from '../proof/outcome-table';
import { exportOf, pairOf } from '../unit/publish/example';
import { compileScript } from './compiled';
import type { CompiledScript } from './compiled';
import { STRACE, testMounted, testTraced } from '../possible';

/**
 * The first call of a kind that is a fault point, and every how many-th after it; the full form (`npm run proof:process`) takes
 * each. Each document has two syncs and one rename, so an odd stride meets both syncs, and the last is of the manifest. Most
 * writes are the runtime waking its own threads.
 */
const FIRST = FULL_PROOF ? 1 : 3;
const STRIDE = FULL_PROOF
  ? { fsync: 1, rename: 1, pwrite64: 1, write: 1 }
  : { fsync: 5, rename: 4, pwrite64: 14, write: 30 };
/** Of seven documents. */
const CALLS = { fsync: 14, rename: 7 } as const;
const pointsOf = (call: keyof typeof CALLS): number => Math.ceil((CALLS[call] - FIRST + 1) / STRIDE[call]);
const LATER = THROUGH + HOUR;
const WHOLE = 'old or new generation whole, the next recovers';
const table = outcomeTable('publish-faults', [
  'F03 killed at an fsync',
  'F03 killed at a rename',
  'F03 killed at a write of a document or of the log',
  'F32 F35 disk full after any page',
  'F34 EIO at an fsync',
  'F35 ENOSPC at a rename',
  'F36 folder turned read-only',
]);

let folder: string;
let base: string;
let script: CompiledScript;
beforeAll(async () => {
  script = compileScript('tests/faults/publish-child.ts');
  folder = mkdtempSync(join(tmpdir(), 'publish-faults-'));
  base = join(folder, 'base');
  mkdirSync(base);
  const shop = await openWorkshop({ root: base, stateDir: base });
  await shop.publish(THROUGH);
  await shop.close();
}, 60_000);
afterAll(() => {
  script.remove();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly root: string;
  readonly output: string;
  /** Null when it was killed. */
  readonly exitCode: number | null;
}

/** Publishes the next hour on a copy of a tree that has generation 1, under strace. */
function publishTraced(traceOptions: readonly string[]): Run {
  const root = mkdtempSync(join(folder, 'run-'));
  cpSync(base, root, { recursive: true });
  const command = [process.execPath, script.path, root, root, String(LATER)];
  // One thread for files: strace counts calls by thread.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const run = spawnSync(STRACE, ['-f', '-qq', ...traceOptions, ...command], { encoding: 'utf8', timeout: 60_000, env });
  return { root, output: run.stdout, exitCode: run.signal === null && run.status !== 137 ? run.status : null };
}

/** Stops at no other calls, which is three times as fast; it sends no signal then. */
const FAST = '--seccomp-bpf';

/** After whatever happened a reader has the old or the new generation whole; an acknowledged one is the new one. */
async function expectWhole({ root, output }: Run): Promise<number> {
  const publicDir = join(root, 'public');
  expect((await verify(publicDir, { now: LATER + 10_000 })).breaches).toEqual([]);
  const current = await readPublished(publicDir).manifest();
  expect(current?.lastGood).toBe(false);
  const generation = current?.manifest.generation ?? 0;
  expect([1, 2]).toContain(generation);
  if (output.startsWith('acked')) expect(generation).toBe(2);
  return generation;
}

async function expectRecovery(root: string): Promise<void> {
  const shop = await openWorkshop({ root, stateDir: root });
  try {
    const before = shop.manifest().generation;
    expect(await shop.publish(LATER)).toBeGreaterThan(before);
    expect((await verify(shop.publicDir, { now: LATER + 10_000 })).breaches).toEqual([]);
    expect(shop.manifest().entries.every((entry) => entry.status === 'fresh' && entry.serve_allowed)).toBe(true);
  } finally {
    await shop.close();
  }
}

function temporaryFiles(root: string): string[] {
  const all = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return all.filter((name) => basename(name).startsWith('.tmp-'));
}

/** Kills at the N-th call for N = first, first + stride, … until a run ends by itself; the generations met and the points. */
async function killLoop(call: keyof typeof STRIDE): Promise<{ generations: Set<number>; points: number }> {
  const generations = new Set<number>();
  for (let n = FIRST, points = 0; ; n += STRIDE[call]) {
    const run = publishTraced([
      '-o',
      '/dev/null',
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${call}:signal=SIGKILL:when=${n}`,
    ]);
    generations.add(await expectWhole(run));
    await expectRecovery(run.root);
    rmSync(run.root, { recursive: true, force: true });
    if (run.exitCode === 0) return { generations, points };
    expect(run.exitCode).toBeNull();
    points += 1;
  }
}

describe('a publish that is killed', () => {
  testTraced(
    'F03 at every fsync and rename leaves the old or the new generation, whole, and the next one recovers',
    async () => {
      const synced = await killLoop('fsync');
      const renamed = await killLoop('rename');
      expect([synced.points, renamed.points]).toEqual([pointsOf('fsync'), pointsOf('rename')]);
      table.fired('F03 killed at an fsync', WHOLE, synced.points);
      table.fired('F03 killed at a rename', WHOLE, renamed.points);
      expect(new Set([...synced.generations, ...renamed.generations])).toEqual(new Set([1, 2]));
    },
    300_000,
  );

  testTraced(
    'F03 at writes of documents and of the state store leaves the old or the new generation, whole',
    async () => {
      const documents = await killLoop('pwrite64');
      expect(documents.points).toBeGreaterThanOrEqual(2);
      const others = await killLoop('write');
      expect(others.points).toBeGreaterThanOrEqual(3);
      table.fired('F03 killed at a write of a document or of the log', WHOLE, documents.points + others.points);
    },
    600_000,
  );
});

/** Fails the N-th call for N = first, first + stride, … until a run has no such call left. */
async function errorLoop(call: keyof typeof CALLS, error: string): Promise<Set<string>> {
  const outputs = new Set<string>();
  for (let n = FIRST; n < 100; n += STRIDE[call]) {
    const log = join(folder, `trace-${call}-${n}`);
    const run = publishTraced([
      FAST,
      '-o',
      log,
      '-e',
      `trace=${call}`,
      '-e',
      `inject=${call}:error=${error}:when=${n}`,
    ]);
    const injected = readFileSync(log, 'utf8').includes('(INJECTED)');
    rmSync(log);
    await expectWhole(run);
    expect(temporaryFiles(run.root)).toEqual([]);
    await expectRecovery(run.root);
    rmSync(run.root, { recursive: true, force: true });
    if (!injected) return outputs;
    outputs.add(run.output.startsWith('acked') ? 'acked' : run.output);
  }
  throw new Error('the loop did not end');
}

describe('a publish whose system calls fail', () => {
  testTraced(
    'F34 EIO at every fsync is reported, or the record was already safe; no temporary file stays',
    async () => {
      const outputs = await errorLoop('fsync', 'EIO');
      expect(outputs).toContain('export_failed');
      expect(outputs).toContain('manifest_failed');
      for (const output of outputs) table.fired('F34 EIO at an fsync', output);
    },
    300_000,
  );

  testTraced(
    'F35 ENOSPC at every rename is reported as a full disk; no temporary file stays',
    async () => {
      expect([...(await errorLoop('rename', 'ENOSPC'))]).toEqual(['disk_full']);
      table.fired('F35 ENOSPC at a rename', 'disk_full, the old generation whole, recovers');
    },
    300_000,
  );
});

testTraced(
  'P16 every document is synced once, after its last write and before its rename, and its folder after it',
  async () => {
    const log = join(folder, 'trace-order');
    const run = publishTraced([FAST, ...TRACED, '-o', log]);
    expect(run.output).toBe('acked 2\n');
    const trace = readFileSync(log, 'utf8');
    const { breaches, tried } = checkTrace(trace);
    expect(breaches).toEqual([]);
    expect(tried['P16 synced']).toBe(CALLS.rename);
    expect(trace.match(/fsync\(\d+<[^>]*\/\.tmp-/g)).toHaveLength(CALLS.rename);
  },
  60_000,
);

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'done',
    (error: unknown) => (error as PipelineError).code,
  );
}

describe('a folder that can not be written', () => {
  testMounted(
    'F32 F35 a disk that is full after any page leaves the old generation whole and recovers by itself',
    async () => {
      const disk = mkdtempSync(join(folder, 'disk-'));
      const stateDir = mkdtempSync(join(folder, 'state-'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
      const shop = await openWorkshop({ root: disk, stateDir });
      const filler = join(disk, 'filler');
      try {
        await shop.publish(THROUGH);
        const codes: string[] = [];
        for (let pages = 0, hour = 1; codes.at(-1) !== 'done'; pages++, hour++) {
          const before = shop.manifest().generation;
          fillBut(disk, filler, pages);
          codes.push(await codeOf(shop.publish(THROUGH + hour * HOUR)));
          expect(temporaryFiles(disk)).toEqual([]);
          const now = THROUGH + hour * HOUR + 10_000;
          expect((await verify(shop.publicDir, { now })).breaches).toEqual([]);
          if (codes.at(-1) !== 'done') expect(shop.manifest().generation).toBe(before);
          rmSync(filler);
        }
        expect(new Set(codes)).toEqual(new Set(['disk_full', 'done']));
        expect(codes.length).toBeGreaterThan(3);
        for (const code of codes) table.fired('F32 F35 disk full after any page', code);
        expect(shop.manifest().entries.every((entry) => entry.serve_allowed)).toBe(true);
      } finally {
        await shop.close();
        execFileSync('umount', [disk]);
      }
    },
    60_000,
  );

  testMounted(
    'F36 a folder that turned read-only fails closed: reading goes on, and publishing when it is writable again',
    async () => {
      const root = mkdtempSync(join(folder, 'read-only-'));
      const stateDir = mkdtempSync(join(folder, 'state-'));
      const shop = await openWorkshop({ root, stateDir });
      await shop.publish(THROUGH);
      execFileSync('mount', ['--bind', root, root]);
      try {
        execFileSync('mount', ['-o', 'remount,ro,bind', root]);
        expect(await codeOf(shop.publisher.exportPair(exportOf(pairOf('BTC/USDT', '1h'), LATER)))).toBe(
          'export_failed',
        );
        expect(await codeOf(shop.commit(LATER))).toBe('manifest_failed');
        expect((await readPublished(shop.publicDir).manifest())?.manifest.generation).toBe(1);
        execFileSync('mount', ['-o', 'remount,rw,bind', root]);
        expect(await shop.publish(LATER)).toBe(2);
        table.fired('F36 folder turned read-only', 'fails closed, goes on when writable');
        expect(shop.manifest().entries.every((entry) => entry.serve_allowed)).toBe(true);
      } finally {
        execFileSync('umount', [root]);
        await shop.close();
      }
    },
    60_000,
  );
});

/** Fills a small disk, leaving about `pages` pages of 4 KiB. */
function fillBut(disk: string, filler: string, pages: number): void {
  const free = Number(execFileSync('stat', ['-f', '-c', '%a', disk], { encoding: 'utf8' }));
  writeFileSync(filler, Buffer.alloc(Math.max(0, free - pages) * 4096));
}

testTraced(
  'every fault fired',
  async () => {
    expect(process.getuid?.() === 0 ? table.finish() : []).toEqual([]);
  },
  10_000,
);
