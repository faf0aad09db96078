/** The Temporal development server as a child process, on a database file that survives. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { portHolder } from '../src/web/port-holder';
import { commandLineOf } from './command-line';
import { SEARCH_ATTRIBUTE_TYPES } from './search-attributes';

export interface DevelopmentServerOptions {
  readonly binary: string;
  readonly databaseFile: string;
  readonly logFile: string;
  readonly port: number;
  /** null: without the Web UI. */
  readonly uiPort: number | null;
  readonly namespace: string;
  /** False: a power cut may lose the last moments, never the file; for what can be run again. Default true. */
  readonly durable?: boolean;
}

export interface DevelopmentServer {
  readonly address: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** Resolves when the process has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Another program listens on a port that was free when it was chosen. */
class PortTakenError extends Error {}

/** Closed runs stay visible this long (the server's own default is a day). */
const RETENTION = '90d';

/**
 * Starts the server and waits until it answers. A server of an earlier run that still holds the same database file is
 * stopped first: two servers on one file would corrupt each other.
 */
export async function startDevelopmentServer(options: DevelopmentServerOptions): Promise<DevelopmentServer> {
  await mkdir(dirname(options.databaseFile), { recursive: true });
  await mkdir(dirname(options.logFile), { recursive: true });
  const pidFile = `${options.databaseFile}.pid`;
  await stopLeftover(pidFile, options.databaseFile);
  const log = await open(options.logFile, 'a');
  const logged = (await log.stat()).size;
  // A group of its own: a terminal's Ctrl-C reaches us alone, and we stop it when nothing needs it any more.
  const child = spawn(options.binary, serverArguments(options), { stdio: ['ignore', log.fd, log.fd], detached: true });
  await log.close();
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`the Temporal server could not be started: ${options.binary} did not run`);
  await writeFile(pidFile, String(pid));
  const address = `127.0.0.1:${options.port}`;
  await waitUntilUp(address, child, options, logged);
  await keepRunsLonger(options, address);
  return {
    address,
    uiUrl: options.uiPort === null ? null : `http://127.0.0.1:${options.uiPort}`,
    pid,
    ended,
    stop: async () => {
      await stopProcess(child, ended);
      await rm(pidFile, { force: true });
    },
  };
}

/** Ports that are free now, or those that were set. */
export type ChoosePorts = () => Promise<Pick<DevelopmentServerOptions, 'port' | 'uiPort'>>;

const PORT_TRIES = 5;

/** Starts the server on ports of `choose`, which is asked again when another program was quicker to take one. */
export async function startOnChosenPorts(
  options: Omit<DevelopmentServerOptions, 'port' | 'uiPort'>,
  choose: ChoosePorts,
): Promise<{ readonly server: DevelopmentServer; readonly options: DevelopmentServerOptions }> {
  for (let attempt = 1; ; attempt++) {
    const chosen = { ...options, ...(await choose()) };
    try {
      return { server: await startDevelopmentServer(chosen), options: chosen };
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === PORT_TRIES) throw error;
    }
  }
}

function serverArguments(options: DevelopmentServerOptions): string[] {
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(options.port),
    ...(options.uiPort === null ? ['--headless'] : ['--ui-ip', '127.0.0.1', '--ui-port', String(options.uiPort)]),
    '--namespace',
    options.namespace,
    '--db-filename',
    options.databaseFile,
    '--sqlite-pragma',
    'journal_mode=WAL',
    '--sqlite-pragma',
    options.durable === false ? 'synchronous=NORMAL' : 'synchronous=FULL',
    '--log-level',
    'warn',
    ...Object.entries(SEARCH_ATTRIBUTE_TYPES).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  ];
}

async function waitUntilUp(
  address: string,
  child: ChildProcess,
  options: DevelopmentServerOptions,
  logged: number,
): Promise<void> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    if (child.exitCode !== null) throw await startFailure(child.exitCode, options, logged);
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      await connection.workflowService.describeNamespace({ namespace: options.namespace });
      await connection.close();
      // What answers may be the server of another deployment that took the port first: then ours is about to end.
      const holder = portHolder(options.port);
      if (holder === null || holder.pid === child.pid) return;
      throw new Error(`port ${options.port} is held by process ${holder.pid}`);
    } catch (error) {
      if (performance.now() > deadline) {
        child.kill('SIGTERM');
        throw new Error(`the Temporal server did not answer within 60 s; its log is ${options.logFile}`, {
          cause: error,
        });
      }
      await delay(100);
    }
  }
}

/** `logged`: bytes of the log that earlier servers wrote. */
async function startFailure(exitCode: number, { logFile }: DevelopmentServerOptions, logged: number): Promise<Error> {
  const text = (await readFile(logFile)).subarray(logged).toString('utf8').trim();
  // With a port taken while it starts, the server may say so and then print pages of its own stack.
  const taken = text.split('\n').find((line) => line.includes('address already in use'));
  const tail = taken ?? text.split('\n').slice(-3).join(' | ');
  const sentence = `the Temporal server ended at once (exit ${exitCode}): ${tail}; its log is ${logFile}`;
  return taken === undefined ? new Error(sentence) : new PortTakenError(sentence);
}

/** `temporal operator namespace update --retention`, over the same API. */
async function keepRunsLonger(options: DevelopmentServerOptions, address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const seconds = Number.parseInt(RETENTION, 10) * 86_400;
    await connection.workflowService.updateNamespace({
      namespace: options.namespace,
      config: { workflowExecutionRetentionTtl: { seconds: seconds as never } },
    });
  } finally {
    await connection.close();
  }
}

/** Ends a server that a killed parent left behind, recognised by its database file on its command line. */
async function stopLeftover(pidFile: string, databaseFile: string): Promise<void> {
  const text = await readFile(pidFile, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  if (!Number.isInteger(pid) || pid <= 1) return;
  if (!(await commandLineOf(pid)).includes(databaseFile)) return;
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 10_000; waited += 100) {
    if (!isAlive(pid)) return;
    await delay(100);
  }
  process.kill(pid, 'SIGKILL');
  await delay(200);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function stopProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}
