/** Child processes that live and die with this one. */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT_CODES } from '../src/cli/exit-codes';

export interface ProcessOptions {
  /** For messages: `worker`, `web`, … */
  readonly name: string;
  /** Compiled entry file. */
  readonly module: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Told when the process ended by itself and is started again. */
  readonly onRestart: (sentence: string) => void;
}

export interface SupervisedProcess {
  /** The first message that the child sent over its channel. */
  readonly ready: Promise<unknown>;
  stop(graceMs: number): Promise<void>;
}

const SHORTEST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Starts a process and starts it again, with growing pauses, whenever it ends by itself. It runs in a group of its own,
 * so that Ctrl-C reaches only us and we decide the order of stopping; it ends by itself when its channel to us closes. One
 * that can not start is given up; one that has been up never is.
 */
export function supervise(options: ProcessOptions): SupervisedProcess {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = logTo(options.logFile);
  let stopping = false;
  let child: ChildProcess | null = null;
  let wasReady = false;
  let markReady: (message: unknown) => void = () => {};
  let refuse: (error: Error) => void = () => {};
  const ready = new Promise<unknown>((resolve, reject) => {
    markReady = (message) => {
      wasReady = true;
      resolve(message);
    };
    refuse = reject;
  });
  ready.catch(() => {});
  const loop = (async () => {
    for (let pause = SHORTEST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const started = performance.now();
      child = start(options, log);
      child.once('message', markReady);
      const ended = await exitOf(child);
      if (stopping) return;
      if (!wasReady && EXITS_FOR_GOOD.includes(ended)) {
        refuse(new Error(`the ${options.name} can not start: see ${options.logFile}`));
        return;
      }
      if (performance.now() - started > LONGEST_PAUSE_MS) pause = SHORTEST_PAUSE_MS;
      options.onRestart(`the ${options.name} ended (${ended}) and is started again; its log is ${options.logFile}`);
      await delay(pause);
      if (stopping) return;
    }
  })();
  return {
    ready,
    stop: async (graceMs) => {
      stopping = true;
      const running = child;
      if (running !== null && running.exitCode === null && running.signalCode === null) {
        running.kill('SIGTERM');
        const timer = setTimeout(() => running.kill('SIGKILL'), graceMs);
        await exitOf(running);
        clearTimeout(timer);
      }
      await Promise.race([loop, delay(LONGEST_PAUSE_MS + 1_000, undefined, { ref: false })]);
    },
  };
}

/** The exit codes that say that starting again can not help: what was asked, or the configuration, can not be used. */
const EXITS_FOR_GOOD: readonly (number | string)[] = [EXIT_CODES.usage, EXIT_CODES.configuration];

/** A log that can not be written, on a full disk, costs its lines and nothing else; they are counted when it can be again. */
function logTo(file: string): (text: Buffer) => void {
  let lost = 0;
  return (text) => {
    try {
      appendFileSync(file, lost === 0 ? text : `(${lost} bytes of this log could not be written)\n${text.toString()}`);
      lost = 0;
    } catch {
      lost += text.length;
    }
  };
}

function start(options: ProcessOptions, log: (text: Buffer) => void): ChildProcess {
  const child = fork(options.module, [...options.args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...options.environment },
  });
  child.stdout?.on('data', log);
  child.stderr?.on('data', log);
  return child;
}

function exitOf(child: ChildProcess): Promise<number | string> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  if (child.signalCode !== null) return Promise.resolve(child.signalCode);
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    child.once('error', (error) => resolve(error.message));
  });
}
