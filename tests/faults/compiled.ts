/** Compiles a script of the tests and the sources it loads, so that a plain `node` process can run it. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { transformFileSync } from '@swc/core';

const REPOSITORY = resolve(__dirname, '../..');

export interface CompiledScript {
  /** Path of the JavaScript file. */
  readonly path: string;
  remove(): void;
}

/** @param script relative to the repository, for example `tests/faults/publish-child.ts`. */
export function compileScript(script: string): CompiledScript {
  const folder = mkdtempSync(join(tmpdir(), 'compiled-'));
  symlinkSync(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  const todo = [script];
  for (const file of todo) {
    const { code } = transformFileSync(join(REPOSITORY, file), {
      module: { type: 'commonjs', ignoreDynamic: true },
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    });
    const to = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, code);
    for (const [, name = ''] of code.matchAll(/(?:require|import)\(["'](\.[^"']+)["']\)/g)) {
      const source = sourceOf(join(dirname(file), name));
      if (!todo.includes(source)) todo.push(source);
    }
  }
  return {
    path: join(folder, script.replace(/\.ts$/, '.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** @throws Error when what is loaded is no source of the repository. */
function sourceOf(module: string): string {
  const name = module.replace(/\.js$/, '');
  const found = [`${name}.ts`, join(name, 'index.ts')].find((file) => existsSync(join(REPOSITORY, file)));
  if (found === undefined) throw new Error(`${module} is no source of the repository`);
  return found;
}
