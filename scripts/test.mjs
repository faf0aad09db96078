// npm test: install what is missing, build, check types, lint, format, import directions, unused code; then all tests.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { checkNode, ensureInstalled, root } from './install.mjs';

checkNode();
ensureInstalled();
// Building influxd can take minutes: it goes on beside the rest. With CI=true the tests that need it wait for it.
const influxd = spawn(process.execPath, [join(root, 'scripts', 'influxd.mjs')], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const influxdIsThere = new Promise((resolve) => influxd.once('exit', resolve));
build();

const output = join(root, 'test-output');
mkdirSync(output, { recursive: true });
const bin = (name, file) => join('node_modules', name, file);
const checks = [
  { name: 'types', args: [bin('typescript', 'bin/tsc'), '--noEmit', '-p', 'tsconfig.json'] },
  { name: 'lint', args: [bin('oxlint', 'bin/oxlint'), '--type-aware', '--deny-warnings'] },
  { name: 'format', args: [bin('oxfmt', 'bin/oxfmt'), '--check'] },
  {
    name: 'import directions',
    args: [
      bin('dependency-cruiser', 'bin/dependency-cruise.mjs'),
      '--config',
      '.dependency-cruiser.cjs',
      'src',
      'activities',
      'workflows',
      'temporal',
    ],
  },
  { name: 'unused code', args: [bin('knip', 'bin/knip.js')] },
];

let passed = 0;
const failed = [];
for (const { name, args } of checks) {
  const started = performance.now();
  const result = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.status === 0) {
    passed += 1;
    console.log(`ok      ${name} (${seconds} s)`);
  } else {
    failed.push(name);
    console.log(`FAILED  ${name}\n${result.stdout}${result.stderr}`);
  }
}

if (process.env.CI !== 'true') await influxdIsThere;
const report = join(output, 'jest.json');
const jest = spawnSync(
  process.execPath,
  [
    '--experimental-vm-modules',
    '--no-warnings',
    bin('jest', 'bin/jest.js'),
    '--json',
    `--outputFile=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
);
if (existsSync(report)) {
  const results = JSON.parse(readFileSync(report, 'utf8'));
  passed += results.numPassedTests;
  for (const suite of results.testResults) {
    const tests = suite.assertionResults;
    for (const test of tests.filter(({ status }) => status === 'failed')) failed.push(test.fullName);
    if (suite.status === 'failed' && !tests.some(({ status }) => status === 'failed'))
      failed.push(`${suite.name.slice(root.length + 1)} did not run`);
    for (const test of tests.filter(({ status }) => status === 'pending')) console.log(`not run: ${test.fullName}`);
  }
}
if (jest.status !== 0 && failed.length === 0) failed.push('the tests did not finish');
for (const name of failed) console.log(`failed: ${name}`);
console.log(`${passed} passed, ${failed.length} failed`);
process.exitCode = failed.length === 0 ? 0 : 1;
