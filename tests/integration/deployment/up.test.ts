/** `coin-predict up` as a user starts it: published, refused twice, stopped whole. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readRunning } from '../../../temporal/source';
import { freePort } from '../../free-port';

const ROOT = join(__dirname, '..', '..', '..');
const CLI = join(ROOT, 'bin', 'coin-predict.js');
const PUBLISHED_MS = 90_000;

function environmentOf(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, DATA_DIR: folder, EXCHANGE: 'simulated', SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h,1d' };
}

/** Process ids that descend from this one. */
function descendants(pid: number): number[] {
  const table = spawnSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).stdout.trim().split('\n');
  const pairs = table.map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    pairs.flatMap(([child, of]) => (of === parent && child !== undefined ? [child, ...below(child)] : []));
  return below(pid);
}

/** Process group: whom a terminal's signals reach. */
function groupOf(pid: number): number {
  return Number(spawnSync('ps', ['-o', 'pgid=', '-p', String(pid)], { encoding: 'utf8' }).stdout);
}

function alive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + PUBLISHED_MS;
  while (!(await holds().catch(() => false))) {
    if (Date.now() > end) throw new Error('not reached in time');
    await delay(500);
  }
}

test('up publishes, answers, refuses a second start with exit 7 and leaves no process after Ctrl-C', async () => {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error('run "node scripts/build.mjs" first');
  const folder = await mkdtemp(join(tmpdir(), 'coin-predict-up-'));
  const env = environmentOf(folder);
  for (const name of ['WEB_PORT', 'OPS_PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT'])
    env[name] = String(await freePort());
  // A group of its own, as a shell gives a command: Ctrl-C reaches every process of it.
  const up = spawn(process.execPath, [CLI, 'up'], { env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  let told = '';
  up.stderr.on('data', (text: Buffer) => (told += text.toString()));
  const ended = new Promise<number | null>((resolve) => up.once('exit', resolve));
  let family: number[] = [];
  try {
    await until(async () => (await readRunning(folder)) !== null);
    const found = await readRunning(folder);
    if (found === null || found.running.temporalUiUrl === null) throw new Error('no running file');
    const { webUrl, opsUrl, temporalUiUrl } = found.running;
    await until(async () => (await fetch(`${webUrl}/static/manifest.json`)).ok);
    expect((await fetch(`${webUrl}/healthz`)).status).toBe(200);
    expect((await fetch(temporalUiUrl)).status).toBe(200);
    // The worker reports by itself what only it can see, with links into the Temporal Web UI.
    // Its first report may be older than the running file, which tells it where that is.
    let operations: { readonly temporal_ui?: string | null } = {};
    await until(async () => {
      operations = (await (await fetch(`${opsUrl}/ops/operations.json`)).json()) as typeof operations;
      return operations.temporal_ui !== null;
    });
    expect(operations).toMatchObject({
      temporal_ui: temporalUiUrl,
      schedules: expect.arrayContaining([expect.objectContaining({ id: 'cycle-1h', paused: false })]),
      coverage: [{ symbol: 'BTC/USDT' }, { symbol: 'BTC/USDT' }],
    });
    const second = spawnSync(process.execPath, [CLI, 'up'], { env, encoding: 'utf8', timeout: 20_000 });
    expect(second.status).toBe(7);
    expect(second.stderr).toContain('is in use by process');
    family = descendants(up.pid ?? 0);
    expect(family.length).toBeGreaterThanOrEqual(3);
    // Ctrl-C would end those of its group at once, whatever still needs them: Temporal before the worker.
    expect(family.filter((pid) => groupOf(pid) === up.pid)).toEqual([]);
    process.kill(-(up.pid ?? 0), 'SIGINT');
    expect(await ended).toBe(0);
    expect(told).not.toContain('started again');
    expect(family.filter(alive)).toEqual([]);
  } finally {
    for (const pid of family.length > 0 ? family : descendants(up.pid ?? 0))
      if (alive(pid)) process.kill(pid, 'SIGKILL');
    if (up.exitCode === null) up.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}, 200_000);
