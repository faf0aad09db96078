/** P16: the system calls of a publish, as strace saw them. */
import { dirname } from 'node:path';
import { Findings } from './findings';
import type { CheckReport } from './findings';

/** Options of `strace -f` under which it sees what is looked at here. */
export const TRACED = ['-y', '-e', 'trace=fsync,rename,write,pwrite64'] as const;

/**
 * A sync counts from its end, a write from its beginning: with several threads strace tells the two apart, the end by
 * thread only.
 * @param trace output of strace with these options, into a file.
 */
export function checkTrace(trace: string): CheckReport {
  const findings = new Findings();
  const synced = new Set<string>();
  const published = new Set<string>();
  const due = new Map<string, string>();
  const syncing = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const written = /\bp?write(?:64)?\(\d+<([^>]+)>/.exec(line)?.[1];
    if (written !== undefined) {
      synced.delete(written);
      if (published.has(written)) findings.holds('P16 synced', false, () => `${written}: was written after its rename`);
    }
    const [, thread = '', begun, rest = ''] = /^(\d+) +fsync\(\d+<([^>]+)>(.*)/.exec(line) ?? [];
    if (begun !== undefined && rest.includes('<unfinished')) syncing.set(thread, begun);
    const resumed = /^(\d+) +<\.\.\. fsync resumed>/.exec(line)?.[1];
    const fsync = resumed === undefined ? (rest.startsWith(')') ? begun : undefined) : syncing.get(resumed);
    if (fsync !== undefined) {
      synced.add(fsync);
      for (const [file, folder] of due) if (folder === fsync) due.delete(file);
    }
    const [, from, to] = /rename\("([^"]+)", "([^"]+)"/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    findings.holds('P16 synced', synced.has(from), () => `${to}: was renamed before it was synced`);
    published.add(to);
    due.set(to, dirname(to));
  }
  for (const [file, folder] of due) {
    findings.holds('P16 synced', false, () => `${file}: its folder ${folder} was not synced after the rename`);
  }
  return findings;
}
