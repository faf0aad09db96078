// Compiles, bundles the workflows, makes the page. Does nothing when no source has changed since the last build.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, root, run } from './install.mjs';

const dist = join(root, 'dist');
const stamp = join(dist, '.sources');
const inputs = [
  'src',
  'activities',
  'workflows',
  'temporal',
  'scripts',
  'tsconfig.json',
  'tsconfig.build.json',
  'package-lock.json',
];

function sourceHash() {
  const hash = createHash('sha256');
  const files = inputs.flatMap((input) => {
    const path = join(root, input);
    if (/\.(json)$/.test(input)) return [path];
    return readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  });
  for (const file of files.toSorted((a, b) => (a < b ? -1 : 1)))
    hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest('hex');
}

export function build() {
  const hash = sourceHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  console.error('building …');
  rmSync(dist, { recursive: true, force: true });
  const node = process.execPath;
  run(node, [join('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'], 'the build failed');
  run(node, [join('dist', 'temporal', 'bundle.js')], 'the workflows could not be bundled');
  if (existsSync(join(root, 'scripts', 'build-page.mjs')))
    run(node, [join('scripts', 'build-page.mjs')], 'the page could not be made');
  writeFileSync(stamp, hash);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  ensureInstalled();
  build();
}
