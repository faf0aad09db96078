/** S03 S10 S11: a whole deployment with a canary in every secret; afterwards no trace of one anywhere, and no open door. */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { VARIABLES } from '../../../src/config/variables';
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
  const percent = [...canary].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join('');
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

let folder: string;
let receiver: Receiver;
beforeAll(async () => {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error('run "node scripts/build.mjs" first');
  folder = mkdtempSync(join(tmpdir(), 'coin-predict-secrets-'));
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the search finds a canary in each of its forms', () => {
  expect(SECRET.length).toBeGreaterThanOrEqual(6);
  const [name = ''] = SECRET;
  for (const form of formsOf(canaryOf(name))) expect(leaked(`x${form}y`)).toEqual([name]);
  for (const before of ['', 'a', 'ab', 'abc']) {
    expect(leaked(Buffer.from(`${before}${canaryOf(name)} and more`).toString('base64'))).toEqual([name]);
  }
  expect(leaked('nothing here')).toEqual([]);
});

async function environment(): Promise<NodeJS.ProcessEnv> {
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    DATA_DIR: folder,
    EXCHANGE: 'simulated',
    SYMBOLS: 'BTC/USDT',
    TIMEFRAMES: '1h',
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

/** Every history with its payloads in plain text. */
async function histories(address: string): Promise<Map<string, string>> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const found = new Map<string, string>();
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    const bytes = Buffer.from(temporal.api.history.v1.History.encode(history).finish());
    found.set(workflowId, `${bytes.toString('latin1')}\n${JSON.stringify(history)}`);
  }
  await connection.close();
  return found;
}

test('S10 S11 S03 no secret in logs, files, histories, documents, metrics, command lines or messages, and no port but on loopback', async () => {
  const env = await environment();
  receiver.answer = respond(500, {}, 'no');
  const up = spawn(process.execPath, [CLI, 'up'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => up.once('exit', resolve));
  const seen = new Map<string, string>([['output of up', '']]);
  for (const stream of [up.stdout, up.stderr])
    stream.on('data', (text: Buffer) => seen.set('output of up', seen.get('output of up') + text.toString()));
  let started: { pid: number; command: string }[] = [];
  try {
    await until('running', async () => (await readRunning(folder)) !== null);
    const web = `http://127.0.0.1:${env.WEB_PORT}`;
    await until('published', async () => (await fetch(`${web}/static/manifest.json`)).ok);
    const connection = await Connection.connect({ address: `127.0.0.1:${env.TEMPORAL_PORT}` });
    await new Client({ connection }).schedule.getHandle('monitor').trigger();
    await connection.close();
    const heard = () => receiver.received.some(({ path }) => path.includes(canaryOf('HEARTBEAT_URL')));
    await until('the heartbeat is sent', heard);
    for (const verb of [
      'config show',
      'config show -o json',
      'doctor',
      'status',
      'why BTC/USDT 1h',
      'alert test',
      'alert list -o json',
      'schedule list',
      'export verify',
    ]) {
      const text = await run(process.execPath, [CLI, ...verb.split(' ')], { env }).then(
        ({ stdout, stderr }) => stdout + stderr,
        ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
      );
      seen.set(verb, text);
    }
    expect(seen.get('alert test')).toContain('500');
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
    for (const [id, text] of told) seen.set(`history of ${id}`, text);
    started = family(up.pid ?? 0);
    expect(started.length).toBeGreaterThanOrEqual(3);
    seen.set('command lines', started.map(({ command }) => command).join('\n'));
    const sockets = spawnSync('ss', ['-Hltnp'], { encoding: 'utf8' }).stdout.split('\n');
    const ours = sockets.filter((line) => started.some(({ pid }) => line.includes(`pid=${pid},`)));
    expect(ours.length).toBeGreaterThanOrEqual(4);
    expect(ours.filter((line) => !/^\S+\s+\S+\s+\S+\s+(127\.|\[::1\])/.test(line))).toEqual([]);
    up.kill('SIGINT');
    await ended;
  } finally {
    for (const { pid } of started.length > 0 ? started : family(up.pid ?? 0))
      if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    if (up.exitCode === null) up.kill('SIGKILL');
  }
  const files = filesBelow(folder);
  for (const file of files) seen.set(file.slice(folder.length), readFileSync(file, 'latin1'));
  for (const [index, { body }] of receiver.received.entries()) seen.set(`message ${index}`, body);
  const kinds = ['.db', '.json', '.log'].map((ending) => files.some((file) => file.endsWith(ending)));
  expect(kinds).toEqual([true, true, true]);
  expect([...seen].some(([place, text]) => place.endsWith('.log') && text.includes('"msg":"listening"'))).toBe(true);
  expect([...seen].flatMap(([place, text]) => leaked(text).map((name) => `${name} in ${place}`))).toEqual([]);
}, 400_000);
