import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Inside the repository, so that compiled files find node_modules. */
let folder: string;
beforeAll(() => {
  mkdirSync('test-output', { recursive: true });
  folder = mkdtempSync(resolve('test-output', 'cli-'));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe('--help', () => {
  /** Prints the help, then on stderr the processor time in milliseconds and which packages were loaded. */
  const program = `
    const { runCli } = require('./src/cli/cli.js');
    const never = () => { throw new Error('nothing may be opened for --help'); };
    const output = { stdout: (text) => process.stdout.write(text), stderr: (text) => process.stderr.write(text) };
    const wiring = new Proxy({ output, version: '1', close: async () => {} }, { get: (target, key) => target[key] ?? never });
    runCli(process.argv.slice(2), wiring).then((code) => {
      const names = Object.keys(require.cache).map((path) => path.split('node_modules/').at(-1).split('/')[0]);
      const { user, system } = process.cpuUsage();
      process.stderr.write((user + system) / 1000 + '\\n' + [...new Set(names)].join(' '));
      process.exitCode = code;
    });`;
  let entry: string;
  beforeAll(() => {
    const options = ['--module', 'node20', '--target', 'es2023', '--skipLibCheck', '--strict', '--types', 'node'];
    const tsc = ['node_modules/typescript/bin/tsc', '--ignoreConfig', '--outDir', folder, '--rootDir', '.', ...options];
    execFileSync(process.execPath, [...tsc, 'src/cli/cli.ts']);
    entry = join(folder, 'entry.js');
    writeFileSync(entry, program);
  }, 60_000);

  test('takes less than 300 ms of processor time, which is its time on a machine that is not busy', () => {
    const times = Array.from({ length: 5 }, () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [entry, '--help'], { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(stdout).toContain('Usage: coin-predict');
      return Number(stderr.split('\n')[0]);
    });
    expect(Math.min(...times)).toBeGreaterThan(0);
    expect(Math.min(...times)).toBeLessThan(300);
  });

  test('loads commander and nothing else', () => {
    const { stderr } = spawnSync(process.execPath, [entry, '--help'], { encoding: 'utf8' });
    const own = folder.split('/').filter((part) => part !== '');
    expect((stderr.split('\n')[1] ?? '').split(' ').filter((name) => name !== '' && !own.includes(name))).toEqual([
      'commander',
    ]);
  });

  test.each(['data', 'schedule', 'export', 'cycle', 'forecast', 'config'])('%s --help fits 100 columns', (noun) => {
    const { status, stdout } = spawnSync(process.execPath, [entry, noun, '--help'], { encoding: 'utf8' });
    expect(status).toBe(0);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

describe('the command itself', () => {
  function place(name: string): string {
    const clone = join(folder, name);
    cpSync('bin', join(clone, 'bin'), { recursive: true });
    return clone;
  }

  test('before a build it says in one sentence what to run, and exits 1', () => {
    const clone = place('unbuilt');
    const { status, stderr } = spawnSync(process.execPath, [join(clone, 'bin/coin-predict.js')], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toBe('error: coin-predict is not built yet: run "npm run build" (or "npm start") first.\n');
  });

  test('after a build it runs the compiled entry with its arguments', () => {
    const clone = place('built');
    mkdirSync(join(clone, 'dist/temporal'), { recursive: true });
    writeFileSync(
      join(clone, 'dist/temporal/cli.js'),
      'exports.run = () => { console.log(process.argv.slice(2).join("|")); process.exitCode = 6; };',
    );
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(clone, 'bin/coin-predict.js'), 'status', '-o', 'json'],
      { encoding: 'utf8' },
    );
    expect([status, stdout]).toEqual([6, 'status|-o|json\n']);
  });
});

test('a reader that has seen enough ends a command without a complaint', () => {
  const command = 'set -o pipefail; node bin/coin-predict.js --help | head -n 1';
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  expect({ status, stderr, lines: stdout.trim().split('\n').length }).toEqual({ status: 0, stderr: '', lines: 1 });
});
