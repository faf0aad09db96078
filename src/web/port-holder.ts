/** Who listens on a port of this machine, as far as the kernel lets us see (Linux). */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface PortHolder {
  readonly pid: number;
  readonly command: string;
}

const LISTENING = '0A';

/** Inodes of the sockets that listen on the port, from a table of the kernel. */
function listeningInodes(table: string, port: number): string[] {
  const inodes: string[] = [];
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    const [, local, , state] = columns;
    const inode = columns[9];
    if (local === undefined || inode === undefined || state !== LISTENING) continue;
    if (Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16) === port) inodes.push(inode);
  }
  return inodes;
}

function readOr<T>(fallback: T, read: () => T): T {
  try {
    return read();
  } catch {
    // Gone meanwhile, another user's, or not Linux: what can not be seen is not told.
    return fallback;
  }
}

function ownsSocket(pid: string, links: ReadonlySet<string>): boolean {
  const descriptors = readOr<string[]>([], () => readdirSync(`/proc/${pid}/fd`));
  return descriptors.some((descriptor) => links.has(readOr('', () => readlinkSync(`/proc/${pid}/fd/${descriptor}`))));
}

/** The process that listens on the port, or null when it can not be told. */
export function portHolder(port: number): PortHolder | null {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readOr('', () => readFileSync(path, 'utf8')));
  const links = new Set(tables.flatMap((table) => listeningInodes(table, port)).map((inode) => `socket:[${inode}]`));
  if (links.size === 0) return null;
  const pid = readOr<string[]>([], () => readdirSync('/proc'))
    .filter((name) => /^\d+$/.test(name))
    .find((name) => ownsSocket(name, links));
  if (pid === undefined) return null;
  const command = readOr('', () => readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
    .replaceAll('\0', ' ')
    .trim();
  return { pid: Number(pid), command: command === '' ? 'unknown' : command.slice(0, 200) };
}
