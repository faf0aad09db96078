// npm run proof:market, npm run proof:process, …: the full forms of the proofs, with their tables fault -> times fired.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { checkNode, ensureInstalled, root } from './install.mjs';

const [part, ...rest] = process.argv.slice(2);
const folder = join(root, 'tests', 'proof', part ?? '');
// What befalls a process is proved at its system calls and its disk, too.
const folders = part === 'process' ? [folder, join(root, 'tests', 'faults')] : [folder];
if (part === undefined || !existsSync(folder)) {
  console.error(
    `usage: node scripts/proof.mjs <${readdirSync(join(root, 'tests', 'proof'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .join('|')}> [jest arguments]`,
  );
  process.exit(2);
}
checkNode();
ensureInstalled();
build();
const tables = join(root, 'test-output', 'proof');
rmSync(tables, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    join('node_modules', 'jest', 'bin', 'jest.js'),
    '--reporters=default',
    `--reporters=${join(root, 'scripts', 'proof-progress.cjs')}`,
    '--runInBand',
    '--maxConcurrency=4',
    ...folders,
    ...rest,
  ],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, PROOF: 'full' } },
);
for (const file of existsSync(tables) ? readdirSync(tables).toSorted() : [])
  if (file.endsWith('.txt')) console.log(`\n${readFileSync(join(tables, file), 'utf8')}`);
process.exitCode = status ?? 1;
