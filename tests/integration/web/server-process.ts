/** The public server as a process of its own, so that limits can be set on it and its system calls be watched. */
import { transformFileSync } from '@swc/core';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../../..');

const PROGRAM = `
const { serveWeb } = require('./src/web/serve-web.js');
const [publicDir, opsDir] = process.argv.slice(2);
const port = { host: '127.0.0.1', port: 0, explicit: true, variable: 'WEB_PORT' };
const clock = { now: () => Date.now(), monotonic: () => performance.now() };
serveWeb({ publicDir, opsDir, source: 'simulated', live: false, clock, pageDir: 'none', opsPageDir: 'none', web: port, ops: port })
  .then((running) => process.stdout.write(running.url + ' ' + process.pid));
`;

/** Compiled sources in a folder inside the repository, where the dependencies are found. */
function compile(): string {
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(ROOT, '.cache', 'web-process-'));
  for (const part of ['domain', 'ports', 'config', 'adapters/files', 'publish', 'web']) {
    const files = readdirSync(join(ROOT, 'src', part)).filter((name) => name.endsWith('.ts'));
    for (const name of files) {
      const { code } = transformFileSync(join(ROOT, 'src', part, name), {
        swcrc: false,
        jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
        module: { type: 'commonjs' },
      });
      const target = join(folder, 'src', part, name.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, code);
    }
  }
  writeFileSync(join(folder, 'serve.js'), PROGRAM);
  return folder;
}

export interface ServerProcess {
  readonly url: string;
  /** The process that serves. */
  readonly pid: number;
  alive(): boolean;
  stop(): Promise<void>;
  /** As a power cut would. */
  kill(): Promise<void>;
}

/** Starts it under a command such as `prlimit` or `strace`, whose arguments come first. */
export async function startServerProcess(
  folders: { readonly publicDir: string; readonly opsDir: string },
  prefix: readonly string[] = [],
): Promise<ServerProcess> {
  const compiled = compile();
  const [command, ...rest] = [...prefix, process.execPath, join(compiled, 'serve.js')];
  const child = spawn(command, [...rest, folders.publicDir, folders.opsDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<void>((done) => child.on('exit', () => done()));
  const said = await new Promise<string>((found, failed) => {
    child.stdout.once('data', (data: Buffer) => found(data.toString().trim()));
    child.once('exit', (code) => failed(new Error(`the server ended with ${code}`)));
  });
  const [url = '', pid = ''] = said.split(' ');
  const end = async (signal: NodeJS.Signals) => {
    // The server itself, since a tracer around it does not hand the signal on.
    process.kill(Number(pid), signal);
    await ended;
    rmSync(compiled, { recursive: true, force: true });
  };
  return {
    url,
    pid: Number(pid),
    alive: () => child.exitCode === null && child.signalCode === null,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}
