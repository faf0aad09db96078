/** P16: the system calls of a publish, as strace saw them. */
import { dirname } from 'node:path';
import { Findings } from './findings';
import type { CheckReport } from './findings';

/** @param trace output of `strace -f -y -e trace=fsync,rename`. */
export function checkTrace(trace: string): CheckReport {
  const findings = new Findings();
  const synced = new Set<string>();
  const due = new Map<string, string>();
  for (const line of trace.split('\n')) {
    const fsync = /fsync\(\d+<([^>]+)>\)/.exec(line)?.[1];
    if (fsync !== undefined) {
      synced.add(fsync);
      for (const [file, folder] of due) if (folder === fsync) due.delete(file);
    }
    const [, from, to] = /rename\("([^"]+)", "([^"]+)"/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    findings.holds('P16 synced', synced.has(from), () => `${to}: was renamed before it was synced`);
    due.set(to, dirname(to));
  }
  for (const [file, folder] of due) {
    findings.holds('P16 synced', false, () => `${file}: its folder ${folder} was not synced after the rename`);
  }
  return findings;
}
