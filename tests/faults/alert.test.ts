/** F97: an alert whose process is killed at each of its steps, one after the other. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import { startReceiver } from '../integration/alerts/receiver';
import type { Receiver } from '../integration/alerts/receiver';
import { bringAlert } from './alert-child';
import type { AlertRun } from './alert-child';
import { compileScript } from './compiled';
import type { CompiledScript } from './compiled';

const run = promisify(execFile);
let script: CompiledScript;
let folder: string;
/** One a lane: which of its requests came of which process is told by their number. */
let receivers: readonly Receiver[];
beforeAll(async () => {
  script = compileScript('tests/faults/alert-child.ts');
  receivers = await Promise.all([startReceiver(), startReceiver()]);
  folder = mkdtempSync(join(tmpdir(), 'alert-faults-'));
}, 120_000);
afterAll(async () => {
  await Promise.all(receivers.map((receiver) => receiver.close()));
  script.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** The calls it made, or null when it was killed. */
async function child({ path, url, host, killAt }: AlertRun): Promise<string[] | null> {
  return run(process.execPath, [script.path, path, url, host, String(killAt)]).then(
    ({ stdout }) => stdout.split(' '),
    (error: { readonly signal?: string }) => {
      if (error.signal === 'SIGKILL') return null;
      throw error;
    },
  );
}

interface Killed {
  readonly killAt: number;
  /** What had come when it was killed, and what came in all. */
  readonly killed: number;
  readonly sent: number;
}

/** Killed at `killAt`; null when it came to its end before that. */
async function killedAt({ received, url, host }: Receiver, killAt: number): Promise<Killed | null> {
  const path = join(folder, `${killAt}.db`);
  received.length = 0;
  const first = await child({ path, url, host, killAt });
  const killed = received.length;
  // What the next round of the monitor and its deliveries do; a second restart after that finds nothing to do.
  const again = { path, url, host, killAt: 0 };
  await bringAlert(again);
  const sent = received.length;
  await bringAlert(again);
  expect(received).toHaveLength(sent);
  expect(sent).toBeGreaterThanOrEqual(1);
  expect(new Set(received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  const state = await openStateStore(path);
  const [told] = await state.outbox.events(0, 10);
  expect(told).toMatchObject({ delivery: 'delivered' });
  await state.close();
  if (first === null) return { killAt, killed, sent };
  expect(first).toEqual(expect.arrayContaining(['commitRound', 'send', 'settle']));
  return null;
}

test('F97 I50 I51 killed at any step between decision, sending and record, it comes at least once, always under one key', async () => {
  const lanes = receivers.map(async (receiver, lane) => {
    const killed: Killed[] = [];
    for (let killAt = 1 + lane; ; killAt += receivers.length) {
      const one = await killedAt(receiver, killAt);
      if (one === null) return killed;
      killed.push(one);
    }
  });
  const times = (await Promise.all(lanes)).flat().toSorted((a, b) => a.killAt - b.killAt);
  expect(times.map(({ killAt }) => killAt)).toEqual(times.map((_, k) => k + 1));
  // Killed before it was sent: once. Killed after it was sent and before that was recorded: twice, under the same key.
  expect(times.filter(({ killed, sent }) => killed === 0 && sent === 1).length).toBeGreaterThanOrEqual(5);
  expect(times.filter(({ killed, sent }) => killed === 1 && sent === 2).length).toBeGreaterThanOrEqual(2);
  expect(times.at(-1)).toMatchObject({ killed: 1, sent: 1 });
}, 300_000);
