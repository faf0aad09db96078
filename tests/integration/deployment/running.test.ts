/**
 * A whole deployment as `up` starts it, with a canary in every secret: what runbooks and guide tell an operator to type is
 * typed (each command once), and afterwards there is no trace of a secret anywhere, and no open door (S03 S10 S11).
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { VARIABLES } from '../../../src/config/variables';
import { findTemporalBinary } from '../../../temporal/temporal-binary';
import { readRunning } from '../../../temporal/source';
import { freePort } from '../../free-port';
import { respond, startReceiver } from '../alerts/receiver';
import type { Receiver } from '../alerts/receiver';

const run = promisify(execFile);
const ROOT = join(__dirname, '..', '..', '..');
const CLI = join(ROOT, 'bin', 'coin-predict.js');
const SECRET = Object.entries(VARIABLES).flatMap(([name, variable]) =>
  'secret' in variable && variable.secret ? [name] : [],
);
const canaryOf = (name: string): string => `canary-${name.toLowerCase().replaceAll('_', '-')}-9f27c1e4`;

/** Each canary plain, percent-encoded and as base64, whatever stands before it. */
function formsOf(canary: string): string[] {
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.from('\0'.repeat(shift) + canary)
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  const percent = canary.replaceAll(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`);
  return [canary, percent, ...base64];
}

/** Names of the secrets that show in it. */
function leaked(text: string): string[] {
  return SECRET.filter((name) => formsOf(canaryOf(name)).some((form) => text.includes(form)));
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}

/** Processes that descend from this one, with their command lines. */
function family(pid: number): { pid: number; command: string }[] {
  const table = spawnSync('ps', ['-ww', '-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).stdout.split('\n');
  const rows = table.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []);
  const below = (parent: number): { pid: number; command: string }[] =>
    rows.flatMap(([, child, of, command = '']) =>
      Number(of) === parent ? [{ pid: Number(child), command }, ...below(Number(child))] : [],
    );
  return below(pid);
}

test('the search finds a canary in each of its forms', () => {
  expect(SECRET.length).toBeGreaterThanOrEqual(6);
  const [name = ''] = SECRET;
  for (const form of formsOf(canaryOf(name))) expect(leaked(`x${form}y`)).toEqual([name]);
  for (const before of ['', 'a', 'ab', 'abc']) {
    expect(leaked(Buffer.from(`${before}${canaryOf(name)} and more`).toString('base64'))).toEqual([name]);
  }
  expect(leaked('nothing here')).toEqual([]);
});

/** All texts and bytes of a value, payloads included. */
function plainText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, part]) => `${key} ${plainText(part)}`)
    .join('\n');
}

/** Every history with its payloads in plain text. */
async function histories(address: string): Promise<Map<string, string>> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const found = new Map<string, string>();
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    found.set(workflowId, plainText(history));
  }
  await connection.close();
  return found;
}

/** Commands in single backquotes, without comments; each once. */
function commandsOf(pattern: RegExp, files: readonly string[]): string[] {
  const texts = files.map((file) => readFileSync(join(ROOT, 'docs', file), 'utf8'));
  return [...new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, command = '']) => command)))];
}
const RUNBOOKS = readdirSync(join(ROOT, 'docs', 'runbooks')).map((name) => join('runbooks', name));
const OURS = commandsOf(/`npx coin-predict ([^`]+)`/g, RUNBOOKS);
const TEMPORAL = commandsOf(/`temporal ((?:workflow|schedule) [^`]*--[^`]*)`/g, ['operators-guide.md', ...RUNBOOKS]);

/** Words of a command line, quotes taken off as a shell does. */
function wordsOf(command: string): string[] {
  return [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, plain]) => single ?? double ?? plain ?? '',
  );
}

/** A place to fill in is filled: a pair that is followed, an earlier version there is none of, a mute that has not ended. */
const filled = (command: string) =>
  command
    .replaceAll('NEW/USDT', 'BTC/USDT')
    .replaceAll('2024-05-01T18:00', new Date(Date.now() + 3_600_000).toISOString().slice(0, 16));

let folder: string;
let receiver: Receiver;
let env: NodeJS.ProcessEnv;
let up: ChildProcess;
let started: { pid: number; command: string }[] = [];
/** Everything that was said or written, by where. */
const seen = new Map<string, string>([['output of up', '']]);

beforeAll(async () => {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error('run "node scripts/build.mjs" first');
  folder = mkdtempSync(join(tmpdir(), 'coin-predict-deployment-'));
  receiver = await startReceiver();
  receiver.answer = respond(500, {}, 'no');
  env = await environment();
  up = spawn(process.execPath, [CLI, 'up'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [up.stdout, up.stderr])
    stream?.on('data', (text: Buffer) => seen.set('output of up', seen.get('output of up') + text.toString()));
  await until('running', async () => (await readRunning(folder)) !== null);
  await until('published', async () => (await fetch(`http://127.0.0.1:${env.WEB_PORT}/static/manifest.json`)).ok);
  await until('all pairs', async () => (await cli('status')).code === 0);
}, 300_000);
afterAll(async () => {
  for (const { pid } of started.length > 0 ? started : family(up.pid ?? 0))
    if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
  if (up.exitCode === null) up.kill('SIGKILL');
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

async function typed(
  command: string,
  args: readonly string[],
  environment = env,
): Promise<{ code: number; text: string }> {
  return run(command, args, { env: environment, timeout: 150_000 }).then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    ({ code = -1, stdout = '', stderr = '' }: { code?: number; stdout?: string; stderr?: string }) => ({
      code: code ?? -1,
      text: stdout + stderr,
    }),
  );
}

async function cli(command: string): Promise<{ code: number; text: string }> {
  const result = await typed(process.execPath, [CLI, ...wordsOf(command)]);
  seen.set(`coin-predict ${command}`, result.text);
  return result;
}

async function environment(): Promise<NodeJS.ProcessEnv> {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    DATA_DIR: folder,
    EXCHANGE: 'simulated',
    SYMBOLS: 'BTC/USDT',
    TIMEFRAMES: '1h,1w',
    LOG_LEVEL: 'debug',
    ALERT_ALLOWED_HOSTS: receiver.host,
    ...(process.env.TEMPORAL_BIN === undefined ? {} : { TEMPORAL_BIN: process.env.TEMPORAL_BIN }),
  };
  for (const name of SECRET) {
    env[name] = name.endsWith('_URL') ? `http://${receiver.host}/${canaryOf(name)}` : canaryOf(name);
  }
  for (const name of ['WEB_PORT', 'OPS_PORT', 'METRICS_PORT', 'TEMPORAL_PORT', 'TEMPORAL_UI_PORT'])
    env[name] = String(await freePort());
  return env;
}

async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = Date.now() + 120_000;
  while (!(await Promise.resolve(holds()).catch(() => false))) {
    if (Date.now() > end) throw new Error(`not reached in time: ${what}`);
    await delay(500);
  }
}

/** What does not end with 0 here, and why. */
const OTHER_CODES: Readonly<Record<string, number>> = {
  // The receiver of this deployment answers 500.
  'alert test': 4,
  'model rollback 1h VERSION --reason "bands too narrow"': 7,
  'model rollback 1h VERSION --reason "invalid forecasts"': 7,
  'model promote 1h VERSION --reason "invalid forecasts"': 7,
  'model promote 1h VERSION --reason "too slow"': 7,
  // Nothing was rolled back, so nothing is frozen.
  'model unfreeze 1h --reason "…"': 7,
};

test('each command of the runbooks does what it says against a running deployment', async () => {
  expect(OURS.length).toBeGreaterThanOrEqual(20);
  const codes: Record<string, number> = {};
  for (const command of OURS) codes[command] = (await cli(filled(command))).code;
  expect(codes).toEqual(Object.fromEntries(OURS.map((command) => [command, OTHER_CODES[command] ?? 0])));
}, 600_000);

test('each command of the Temporal CLI in guide and runbooks is understood by the server', async () => {
  expect(TEMPORAL.length).toBeGreaterThanOrEqual(10);
  const binary = await findTemporalBinary({
    configured: process.env.TEMPORAL_BIN,
    cacheDir: join(ROOT, '.cache'),
    tell: () => {},
  });
  // Temporal's own CLI asks for TLS where it finds a key.
  const plain = { ...env };
  delete plain.TEMPORAL_API_KEY;
  const failed: string[] = [];
  for (const command of TEMPORAL) {
    const words = [...wordsOf(command), '--address', `127.0.0.1:${env.TEMPORAL_PORT}`, '--command-timeout', '90s'];
    const { code, text } = await typed(binary, words, plain);
    seen.set(`temporal ${command}`, text);
    // A workflow that has ended or runs already is a fact of this moment, not a mistake in the command.
    if (code !== 0 && !/already (completed|running|started)|not found/i.test(text)) failed.push(`${command}: ${text}`);
  }
  expect(failed).toEqual([]);
}, 600_000);

test('S10 S11 S03 no secret in logs, files, histories, documents, metrics, command lines or messages, and no port but on loopback', async () => {
  const connection = await Connection.connect({ address: `127.0.0.1:${env.TEMPORAL_PORT}` });
  await new Client({ connection }).schedule.getHandle('monitor').trigger();
  await connection.close();
  const heard = () => receiver.received.some(({ path }) => path.includes(canaryOf('HEARTBEAT_URL')));
  await until('the heartbeat is sent', heard);
  for (const command of ['config show', 'config show -o json', 'alert list -o json']) await cli(command);
  expect(seen.get('coin-predict alert test')).toContain('500');
  const headers = { authorization: `Bearer ${env.OPS_TOKEN}` };
  const ops = `http://127.0.0.1:${env.OPS_PORT}`;
  for (const path of [
    '/ops/manifest.json',
    '/ops/operations.json',
    '/ops/alerts.json',
    '/ops/sla.json',
    '/metrics',
    '/readyz',
    '/ops',
  ]) {
    const response = await fetch(ops + path, { headers });
    seen.set(path, `${JSON.stringify([...response.headers])} ${await response.text()}`);
    expect([path, (await fetch(ops + path)).status]).toEqual([path, 401]);
  }
  expect(seen.get('/ops/manifest.json')).toContain('BTC/USDT');
  seen.set('metrics of the worker', await (await fetch(`http://127.0.0.1:${env.METRICS_PORT}/metrics`)).text());
  const told = await histories(`127.0.0.1:${env.TEMPORAL_PORT}`);
  expect(told.size).toBeGreaterThanOrEqual(3);
  // What an activity was given is in there in plain text.
  expect(told.get('cycle-1h')).toContain('BTC/USDT');
  for (const [id, text] of told) seen.set(`history of ${id}`, text);
  started = family(up.pid ?? 0);
  expect(started.length).toBeGreaterThanOrEqual(3);
  seen.set('command lines', started.map(({ command }) => command).join('\n'));
  const sockets = spawnSync('ss', ['-Hltnp'], { encoding: 'utf8' }).stdout.split('\n');
  const ours = sockets.filter((line) => started.some(({ pid }) => line.includes(`pid=${pid},`)));
  expect(ours.length).toBeGreaterThanOrEqual(4);
  expect(ours.filter((line) => !/^\S+\s+\S+\s+\S+\s+(127\.|\[::1\])/.test(line))).toEqual([]);
  const ended = new Promise((resolve) => up.once('exit', resolve));
  up.kill('SIGINT');
  await ended;
  const files = filesBelow(folder);
  for (const file of files) seen.set(file.slice(folder.length), readFileSync(file, 'latin1'));
  for (const [index, { body }] of receiver.received.entries()) seen.set(`message ${index}`, body);
  const kinds = ['.db', '.json', '.log'].map((ending) => files.some((file) => file.endsWith(ending)));
  expect(kinds).toEqual([true, true, true]);
  expect([...seen].some(([place, text]) => place.endsWith('.log') && text.includes('"msg":"listening"'))).toBe(true);
  expect([...seen].flatMap(([place, text]) => leaked(text).map((name) => `${name} in ${place}`))).toEqual([]);
}, 400_000);
