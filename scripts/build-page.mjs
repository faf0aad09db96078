/**
 * Builds the two pages into folders that any static host can serve: `dist/page` and `dist/ops-page`.
 * The rules that the page shares with the server are compiled from the same source, file by file, to ES modules.
 * It needs no other build step: `node scripts/build-page.mjs [folder]` (default `dist`).
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformSync } from '@swc/core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
/** What the pages take from the program: the one evaluator, by way of what it makes of a manifest entry. */
const SHARED = ['web/entry-status.ts'];
/** What the operations page takes from the public one. */
const COMMON = ['base.css', 'clock.js', 'elements.js', 'words.js'];
const CHART = ['uPlot.iife.min.js', 'uPlot.min.css'];

/** Compiles a file of src/ and all that it imports; a relative import gets the extension that a browser needs. */
function emitModule(path, folder, done) {
  if (done.has(path)) return;
  done.add(path);
  const { code } = transformSync(readFileSync(join(root, 'src', path), 'utf8'), {
    filename: path,
    swcrc: false,
    jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
  });
  const linked = code.replace(/(from\s+['"])(\.[^'"]+)(['"])/g, (_match, before, specifier, after) => {
    emitModule(`${normalize(join(dirname(path), specifier))}.ts`, folder, done);
    return `${before}${specifier}.js${after}`;
  });
  const target = join(folder, path.replace(/\.ts$/, '.js'));
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, linked);
}

/** Writes `page/` and `ops-page/` under `folder`. */
export function buildPages(folder) {
  for (const name of ['page', 'ops-page']) {
    rmSync(join(folder, name), { recursive: true, force: true });
    cpSync(join(root, 'src', 'web', name), join(folder, name), { recursive: true });
  }
  for (const name of ['page', 'ops-page']) {
    const done = new Set();
    for (const path of SHARED) emitModule(path, join(folder, name, 'shared'), done);
  }
  const common = join(folder, 'ops-page', 'shared', 'page');
  mkdirSync(common);
  for (const name of COMMON) cpSync(join(root, 'src', 'web', 'page', name), join(common, name));
  const chart = join(folder, 'page', 'chart');
  mkdirSync(chart);
  for (const name of CHART) cpSync(join(root, 'node_modules', 'uplot', 'dist', name), join(chart, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildPages(resolve(root, process.argv[2] ?? 'dist'));
