import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Child {
  /** Lines it has written so far. */
  readonly lines: readonly string[];
  readonly stderr: () => string;
  kill(signal: NodeJS.Signals): void;
  /** Writes a line to it. */
  tell(line: string): void;
  /** Exit code, or null when a signal ended it; resolves when all its lines are read. */
  readonly ended: Promise<number | null>;
  /** Resolves with the first line for which `wanted` holds. */
  line(wanted: (line: string) => boolean): Promise<string>;
}

const running = new Set<Child>();

/** Runs a TypeScript file of this folder in a process of its own. */
export function startChild(file: string, ...parameters: (string | number)[]): Child {
  const loader = join(__dirname, 'typescript-loader.cjs');
  const child = spawn(process.execPath, ['-r', loader, join(__dirname, file), ...parameters.map(String)]);
  const lines: string[] = [];
  let errors = '';
  const waiting = new Set<() => void>();
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  const read = new Promise((resolve) => reader.once('close', resolve));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve)).then(async (code) => {
    await read;
    running.delete(handle);
    return code;
  });
  const handle: Child = {
    lines,
    stderr: () => errors,
    kill: (signal) => child.kill(signal),
    tell: (line) => child.stdin.write(`${line}\n`),
    ended,
    line: (wanted) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find(wanted);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`${file} ended before the line that was waited for: ${errors}`)));
      }),
  };
  running.add(handle);
  return handle;
}

/** For `afterEach`: ends what a failed test left running. */
export async function endChildren(): Promise<void> {
  for (const child of running) {
    child.kill('SIGKILL');
    await child.ended;
  }
}
