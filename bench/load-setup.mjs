// What both load benches need: the public server of a folder in which a new generation is published each second.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const children = [];
let folder = null;

/** What is ended by `endServed`. */
export function adopt(child) {
  children.push(child);
}

/** Starts a program and gives its first line. */
async function start(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  adopt(child);
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => resolve({ line, pid: child.pid }));
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}`)));
  });
}

export function ask(url, path, headers = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(url + path, { headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    sent.on('error', reject).end();
  });
}

/** Weighted addresses in an order that mixes kinds and pairs. */
export function mix(names, { status = 0, manifest = 0, history = 0, prediction = 0 }) {
  const pairs = names
    .filter((name) => name.startsWith('history_'))
    .map((name) => name.slice('history_'.length, -'.json'.length));
  const of = (kind, k) => {
    const pair = pairs[(k * 7) % pairs.length];
    const [, symbol, timeframe] = /^(.*)_([^_]+)$/.exec(pair);
    if (kind === 'manifest') return '/static/manifest.json';
    return kind === 'status' ? `/status/${symbol}?timeframe=${timeframe}` : `/static/${kind}_${pair}.json`;
  };
  const weights = Object.entries({ status, manifest, history, prediction });
  return pairs.flatMap((_, k) =>
    weights.flatMap(([kind, weight]) => Array.from({ length: weight }, (_, n) => of(kind, k * weight + n))),
  );
}

/** A publisher and the server of its folder: `{ folder, url, pid, names }`; `names` are the documents it serves. */
export async function startServed() {
  folder = mkdtempSync(join(tmpdir(), 'coin-predict-load-'));
  await start(process.execPath, [join(import.meta.dirname, 'load-publisher.mjs'), folder]);
  const { line, pid } = await start(process.execPath, [
    join(import.meta.dirname, 'load-server.mjs'),
    join(folder, 'public'),
    join(folder, 'ops'),
  ]);
  const manifest = JSON.parse((await ask(line, '/static/manifest.json')).body);
  const names = manifest.entries.flatMap(({ files }) => [files.history.name, files.prediction.name]);
  return { folder, url: line, pid, names };
}

/** Ends all that was started and removes the folder. */
export async function endServed() {
  for (const child of children) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill()) await ended;
  }
  if (folder !== null) rmSync(folder, { recursive: true, force: true });
}
