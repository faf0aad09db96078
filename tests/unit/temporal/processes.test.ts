/** When a process that ended is started again, and when that is given up. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
