import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const BUILT = resolve('dist/src/forecasting/worker.js');

export interface Workshop {
  /** The compiled worker of this program: built already, or compiled now. */
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
    workerFile: existsSync(BUILT) ? BUILT : compiledInto(folder),
    workerThat(body) {
      const file = join(folder, `worker-${++made}.cjs`);
      writeFileSync(file, `exports.runForecast = async (task) => { ${body} };\n`);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

function compiledInto(folder: string): string {
  const compiler = resolve('node_modules/typescript/bin/tsc');
  spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', folder]);
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return join(folder, 'src/forecasting/worker.js');
}
