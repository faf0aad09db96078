// Installs what is missing. Plain Node, no dependency: this is what a fresh clone runs first.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.installed-lock');

/** Runs a command in the repository, its output passed on; ends this process when it fails. */
export function run(command, args, explain) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) {
    console.error(`${explain} (${command} ${args.join(' ')} ended with ${result.status ?? result.signal})`);
    process.exit(1);
  }
}

export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 11)) return;
  console.error(`Node ${process.versions.node} is too old: install Node 20.11 or later from https://nodejs.org`);
  process.exit(3);
}

/**
 * Dependencies as locked, and only when the lock file has changed since; no package may run scripts. `npm ci` would
 * refuse a lock that does not list the optional binaries of every platform; `install --no-save` fetches the missing ones.
 */
export function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('installing dependencies …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  run(
    npm,
    ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel', 'error'],
    'the dependencies could not be installed',
  );
  writeFileSync(stamp, lock);
}
