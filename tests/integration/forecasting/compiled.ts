import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const BUILT = resolve('dist/src/forecasting/worker.js');
const SOURCES = resolve('src/forecasting');

export interface Workshop {
  /** The compiled worker of this program: as built, or compiled now when a source is newer. */
  readonly workerFile: string;
  /** A worker whose `runForecast` has this body, in place of a model. */
  workerThat(body: string): string;
  remove(): void;
}

/** A folder of compiled workers, for threads and processes that can not run TypeScript. */
export function openWorkshop(): Workshop {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-workers-'));
  let made = 0;
  return {
    workerFile: builtAndFresh() ? BUILT : compiledInto(folder),
    workerThat(body) {
      const file = join(folder, `worker-${++made}.cjs`);
      writeFileSync(file, `exports.runForecast = async (task) => { ${body} };\n`);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function builtAndFresh(): boolean {
  if (!existsSync(BUILT)) return false;
  const built = statSync(BUILT).mtimeMs;
  return readdirSync(SOURCES).every((name) => statSync(join(SOURCES, name)).mtimeMs <= built);
}

function compiledInto(folder: string): string {
  const compiler = resolve('node_modules/typescript/bin/tsc');
  spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', folder]);
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return join(folder, 'src/forecasting/worker.js');
}
