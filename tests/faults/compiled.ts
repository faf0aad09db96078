/** Compiles a script of the tests, so that a plain `node` process can run it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface CompiledScript {
  /** Path of the JavaScript file. */
  readonly path: string;
  remove(): void;
}

/** @param script relative to the repository, for example `tests/faults/publish-child.ts`. */
export function compileScript(script: string): CompiledScript {
  const repository = resolve(__dirname, '../..');
  const folder = mkdtempSync(join(tmpdir(), 'compiled-'));
  const options = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions: {
      rootDir: repository,
      outDir: folder,
      types: ['node'],
      typeRoots: [join(repository, 'node_modules/@types')],
      sourceMap: false,
    },
    include: [],
    files: [join(repository, script)],
  };
  const project = join(folder, 'tsconfig.json');
  writeFileSync(project, JSON.stringify(options));
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  execFileSync(process.execPath, [join(repository, 'node_modules/typescript/bin/tsc'), '-p', project], {
    stdio: 'pipe',
  });
  return {
    path: join(folder, script.replace(/\.ts$/, '.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
