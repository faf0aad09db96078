import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

const ARGUMENTS = ['--port', '0', '--seed', '1', '--fixed', '2025-01-01T00:00:00Z', '--symbols', '40'];
const ENTRY = resolve('dist/src/market/main.js');
const children: ChildProcess[] = [];

beforeAll(() => {
  if (!existsSync(ENTRY)) throw new Error('the market runs the built program: run "node scripts/build.mjs" first');
});
afterAll(() => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
});

function run(options: readonly string[], input: 'pipe' | 'ignore' = 'pipe'): ChildProcess {
  const child = spawn(process.execPath, [ENTRY, ...options], { stdio: [input, 'pipe', 'pipe'] });
  children.push(child);
  return child;
}

async function firstLine(child: ChildProcess, stream: 'stdout' | 'stderr' = 'stdout'): Promise<string> {
  const output = child[stream];
  if (output === null) throw new Error('the output is not a pipe');
  const [line] = (await once(createInterface({ input: output }), 'line')) as [string];
  return line;
}

async function urlOf(child: ChildProcess): Promise<string> {
  const line = await firstLine(child);
  const url = /^market listening on (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1];
  if (url === undefined) throw new Error(`unexpected: ${line}`);
  return url;
}

async function hashOfThousand(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v3/klines?symbol=BTCUSDT&interval=1h&limit=1000`);
  return createHash('sha256')
    .update(await response.text())
    .digest('hex');
}

test('two processes serve the same 1000 candles, those they have always served', async () => {
  const hashes = await Promise.all(
    [run(ARGUMENTS), run(ARGUMENTS)].map(async (child) => hashOfThousand(await urlOf(child))),
  );
  expect(new Set(hashes)).toEqual(new Set(['db29c4612f64051ac1caafea357e1111380f324b5a58889fa7083a9cd54197ba']));
}, 60_000);

test.each(['SIGTERM', 'SIGINT'] as const)(
  'the process stops on %s',
  async (signal) => {
    const child = run(ARGUMENTS);
    await urlOf(child);
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  },
  60_000,
);

test('the process stops when the pipe to its parent closes', async () => {
  const child = run(ARGUMENTS);
  await urlOf(child);
  child.stdin?.end();
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 60_000);

test('the process goes on when it was started without input', async () => {
  const child = run(ARGUMENTS, 'ignore');
  const url = await urlOf(child);
  expect((await fetch(`${url}/_control/health`)).status).toBe(200);
  child.kill();
  await once(child, 'exit');
}, 60_000);

test.each([
  ['--symbols', 'btc', '"btc" is not a symbol'],
  ['--fixed', 'soon', 'is not a time of the market'],
  ['--data', 'nowhere', 'the folder nowhere can not be read'],
  ['--colour', 'red', '--colour'],
])(
  'a wrong %s stops the start with one sentence',
  async (option, value, message) => {
    const child = run([option, value]);
    const [line] = await Promise.all([firstLine(child, 'stderr'), once(child, 'exit')]);
    expect(line).toContain(message);
    expect(child.exitCode).toBe(2);
  },
  60_000,
);
