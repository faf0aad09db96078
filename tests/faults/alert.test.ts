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
import { compileScript } from './compiled';
import type { CompiledScript } from './compiled';

const run = promisify(execFile);
let script: CompiledScript;
let receiver: Receiver;
let folder: string;
beforeAll(async () => {
  script = compileScript('tests/faults/alert-child.ts');
  receiver = await startReceiver();
  folder = mkdtempSync(join(tmpdir(), 'alert-faults-'));
}, 120_000);
afterAll(async () => {
  await receiver.close();
  script.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** The calls it made, or null when it was killed. */
async function child(database: string, killAt: number): Promise<string[] | null> {
  const args = [script.path, database, receiver.url, receiver.host, String(killAt)];
  return run(process.execPath, args).then(
    ({ stdout }) => stdout.split(' '),
    (error: { readonly signal?: string }) => {
      if (error.signal === 'SIGKILL') return null;
      throw error;
    },
  );
}

test('F97 I50 I51 killed at any step between decision, sending and record, it comes at least once, always under one key', async () => {
  const times: { readonly killed: number; readonly sent: number }[] = [];
  for (let killAt = 1; ; killAt++) {
    const database = join(folder, `${killAt}.db`);
    receiver.received.length = 0;
    const first = await child(database, killAt);
    const killed = receiver.received.length;
    // What the next round of the monitor and its deliveries do; a second restart after that finds nothing to do.
    const again = { path: database, url: receiver.url, host: receiver.host, killAt: 0 };
    await bringAlert(again);
    const sent = receiver.received.length;
    await bringAlert(again);
    expect(receiver.received).toHaveLength(sent);
    expect(sent).toBeGreaterThanOrEqual(1);
    expect(new Set(receiver.received.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    const state = await openStateStore(database);
    const [told] = await state.outbox.events(0, 10);
    expect(told).toMatchObject({ delivery: 'delivered' });
    await state.close();
    if (first !== null) {
      expect(first).toEqual(expect.arrayContaining(['commitRound', 'send', 'settle']));
      break;
    }
    times.push({ killed, sent });
  }
  // Killed before it was sent: once. Killed after it was sent and before that was recorded: twice, under the same key.
  expect(times.filter(({ killed, sent }) => killed === 0 && sent === 1).length).toBeGreaterThanOrEqual(5);
  expect(times.filter(({ killed, sent }) => killed === 1 && sent === 2).length).toBeGreaterThanOrEqual(2);
  expect(times.at(-1)).toEqual({ killed: 1, sent: 1 });
}, 300_000);
