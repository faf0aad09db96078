/** When a process that ended is started again, and when that is given up. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { supervise } from '../../../temporal/processes';

const folder = mkdtempSync(join(tmpdir(), 'coin-predict-supervised-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A child that says it is up, where `saysUp`, and ends with `code`; what is told of its restarts. */
function childThat(saysUp: boolean, code: number) {
  const module = join(folder, `child-${saysUp}-${code}.cjs`);
  const end = `process.exit(${code})`;
  writeFileSync(module, saysUp ? `process.send('up', () => ${end});` : end);
  let restarted: (sentence: string) => void = () => {};
  const restart = new Promise<string>((resolve) => {
    restarted = resolve;
  });
  const options = { name: 'worker', module, args: [], environment: {}, logFile: join(folder, 'log') };
  return { child: supervise({ ...options, onRestart: (sentence) => restarted(sentence) }), restart };
}

test.each([2, 3])('one that ends with %i before it was up is given up, with its log named', async (code) => {
  const { child } = childThat(false, code);
  await expect(child.ready).rejects.toThrow(/the worker can not start: see .*log/);
  await child.stop(0);
});

test.each([1, 2, 3])('one that has been up is started again, also when it ends with %i', async (code) => {
  const { child, restart } = childThat(true, code);
  expect(await child.ready).toBe('up');
  expect(await restart).toContain(`the worker ended (${code}) and is started again`);
  await child.stop(0);
});

test('F32 a log on a full disk stops nobody, and goes on when there is space, saying what is lost', async () => {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  const logFile = join(disk, 'log');
  symlinkSync('/dev/full', logFile);
  const module = join(folder, 'talks.cjs');
  writeFileSync(module, "process.send('up'); setInterval(() => console.log('nine more'), 20);");
  const child = supervise({ name: 'worker', module, args: [], environment: {}, logFile, onRestart: () => {} });
  await child.ready;
  await delay(200);
  rmSync(logFile);
  while (!existsSync(logFile)) await delay(10);
  await child.stop(1_000);
  expect(readFileSync(logFile, 'utf8')).toMatch(/^\([1-9]\d* bytes of this log could not be written\)\nnine more\n/);
});
