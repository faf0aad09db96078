/**
 * The power goes while a process publishes. Its disk is a file: what a copy of that file holds is what a power cut at that
 * moment would have left, and a checker looks at each copy.
 */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { integrityFaults } from '../../src/adapters/sqlite/integrity';
import { DAY } from '../../src/domain/timeframe';
import { readPublished } from '../../src/publish/published-reader';
import { verify } from '../../src/publish/verify';
import { FULL_PROOF, outcomeTable } from '../proof/outcome-table';
import { PROOF_SEED, seededDraws } from '../proof/seed';
import { THROUGH, openWorkshop } from '../integration/publish/workshop';
import { compileScript } from './compiled';
import { testMounted } from '../possible';

const CUTS = FULL_PROOF ? 50 : 4;
/** More than any run gets to. */
const HOURS = 1_000_000;
const LATER = THROUGH + 10_000 * DAY;

const table = outcomeTable('power-cuts', ['F38 power cut'], PROOF_SEED);
const draw = seededDraws('power cuts');

interface Cut {
  readonly image: string;
  /** The last generation that was acknowledged before the cut. */
  readonly acked: number;
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'power-cut-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function onDisk<T>(image: string, work: (root: string) => Promise<T>): Promise<T> {
  const root = `${image}-mounted`;
  mkdirSync(root);
  execFileSync('mount', ['-o', 'loop', image, root]);
  try {
    return await work(root);
  } finally {
    execFileSync('umount', ['-l', root]);
  }
}

/** Publishes without end and takes copies of the disk at random moments. */
async function cutWhilePublishing(image: string): Promise<Cut[]> {
  const script = compileScript('tests/faults/publish-child.ts');
  return onDisk(image, async (root) => {
    const child = spawn(process.execPath, [script.path, root, root, String(THROUGH), String(HOURS)]);
    const published = { generation: 0 };
    child.stdout.on('data', (text: Buffer) => {
      for (const [, generation] of text.toString().matchAll(/acked (\d+)/g)) published.generation = Number(generation);
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const cuts: Cut[] = [];
    while (published.generation === 0 && child.exitCode === null) await delay(10);
    for (let cut = 0; cut < CUTS && child.exitCode === null; cut++) {
      await delay(20 + draw() * 150);
      // The moment must not pass while it is copied.
      child.kill('SIGSTOP');
      const copy = { image: join(folder, `cut-${cut}`), acked: published.generation };
      copyFileSync(image, copy.image);
      child.kill('SIGCONT');
      cuts.push(copy);
    }
    child.kill('SIGKILL');
    await ended;
    script.remove();
    return cuts;
  });
}

testMounted(
  `F38 I20 I21 I23 I24 I27 after a power cut at each of ${CUTS} random moments (seed ${PROOF_SEED}) all that was acknowledged is there, whole`,
  async () => {
    const image = join(folder, 'disk');
    execFileSync('dd', ['if=/dev/zero', `of=${image}`, 'bs=1M', 'count=48', 'status=none']);
    execFileSync('mkfs.ext4', ['-q', '-F', image]);
    const cuts = await cutWhilePublishing(image);
    expect(cuts).toHaveLength(CUTS);
    expect(new Set(cuts.map(({ acked }) => acked)).size).toBeGreaterThan(1);
    for (const { image: copy, acked } of cuts) {
      await onDisk(copy, async (root) => {
        const publicDir = join(root, 'public');
        expect((await verify(publicDir, { now: LATER })).breaches).toEqual([]);
        const current = await readPublished(publicDir).manifest();
        expect(current?.lastGood).toBe(false);
        expect(current?.manifest.generation).toBeGreaterThanOrEqual(acked);
        const shop = await openWorkshop({ root, stateDir: root });
        expect(await shop.publish(LATER)).toBeGreaterThan(current?.manifest.generation ?? 0);
        await shop.close();
        expect(await integrityFaults(join(root, 'state.db'))).toEqual([]);
      });
      rmSync(copy);
      table.fired('F38 power cut', 'all that was acknowledged is there, whole');
    }
    expect(table.finish()).toEqual([]);
  },
  FULL_PROOF ? 1_200_000 : 300_000,
);
