/** Rules that the sources and the lock file keep, each shown to be able to fail by a planted breach. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const ROOT = join(__dirname, '..', '..', '..');
const TRACKED = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean);
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
/** What runs in a deployment. */
const PROGRAM = TRACKED.filter(
  (path) =>
    /^(src|activities|workflows|temporal|bin)\//.test(path) && ['.ts', '.js', '.mjs', '.cjs'].includes(extname(path)),
);
const breaking = (pattern: RegExp, paths: readonly string[]) => paths.filter((path) => pattern.test(read(path)));

test('there is something to look at', () => {
  expect(PROGRAM.length).toBeGreaterThan(300);
});

describe('S25 no secret is in the repository', () => {
  const SECRETS: readonly (readonly [string, RegExp, string])[] = [
    ['private key', /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----/, `-----BEGIN RSA PRIVATE KEY-----`],
    ['cloud key', /\bAKIA[0-9A-Z]{16}\b/, `AKIA${'Q'.repeat(16)}`],
    ['token of a code host', /\bgh[pousr]_[A-Za-z0-9]{36}\b/, `ghp_${'a'.repeat(36)}`],
    [
      'Slack webhook',
      /hooks\.slack\.com\/services\/T\w{8,}\/B\w{8,}\/\w{20,}/,
      `hooks.slack.com/services/T${'0'.repeat(8)}/B${'0'.repeat(8)}/${'x'.repeat(24)}`,
    ],
    [
      'Discord webhook',
      /discord(?:app)?\.com\/api\/webhooks\/\d{17,}\/[\w-]{60,}/,
      `discord.com/api/webhooks/${'1'.repeat(18)}/${'x'.repeat(64)}`,
    ],
    [
      'password in a URL',
      /\b[a-z]{3,12}:\/\/[^\s/:@'"`$<{]+:[^\s/:@'"`$<{]{6,}@[a-z0-9.-]+\.[a-z]{2,}/,
      `https://someone:hunter2hunter2@db.example.com`,
    ],
  ];
  test.each(SECRETS)('%s', (_name, pattern, planted) => {
    expect(planted).toMatch(pattern);
    expect(
      breaking(
        pattern,
        TRACKED.filter((path) => !/\.(png|gz)$|^tests\/unit\/security\/source\.test\.ts$/.test(path)),
      ),
    ).toEqual([]);
  });

  test('an environment file with values is not tracked', () => {
    expect(TRACKED.filter((path) => /(^|\/)\.env$/.test(path))).toEqual([]);
    expect(read('.gitignore')).toMatch(/^\.env$/m);
  });
});

const FORBIDDEN: readonly (readonly [string, RegExp, string])[] = [
  [
    'S27 certificates are never left unchecked',
    /rejectUnauthorized\s*:\s*false|NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity/,
    `rejectUnauthorized: false`,
  ],
  ['S29 nothing that is read is run', /\beval\(|new Function\(|from 'node:vm'|require\('(node:)?vm'\)/, `eval(text)`],
  [
    'S30 programs are started with lists of arguments, never through a shell',
    /(?<!\.)\bexec(Sync)?\(\s*[`'"]|shell:\s*true|from 'shelljs'/,
    `exec('rm -rf x')`,
  ],
  [
    'S13 no markup is made of text',
    /\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write/,
    `item.innerHTML = text`,
  ],
  ['S07 no query is made of strings: sql.raw', /\bsql\.raw\(/, `sql.raw(text)`],
];
test.each(FORBIDDEN)('%s', (_name, pattern, planted) => {
  expect(planted).toMatch(pattern);
  expect(breaking(pattern, PROGRAM)).toEqual([]);
});

describe('S24 dependencies', () => {
  interface Locked {
    readonly version?: string;
    readonly resolved?: string;
    readonly integrity?: string;
    readonly hasInstallScript?: boolean;
  }
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };
  const others = Object.entries(packages).filter(([name]) => name !== '');
  const own = JSON.parse(read('package.json')) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };

  test('each is locked with its hash and comes from a registry, not from a URL or a repository', () => {
    expect(others.length).toBeGreaterThan(300);
    expect(others.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-')).map(([name]) => name)).toEqual(
      [],
    );
    expect(others.filter(([, { resolved }]) => /^git|github/.test(resolved ?? '')).map(([name]) => name)).toEqual([]);
  });

  test('ours are named by one version, not by a range', () => {
    const ranges = Object.entries({ ...own.dependencies, ...own.devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(ranges).toEqual([]);
  });

  test('those that would run a script at installation are known, and none may', () => {
    const scripted = others
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([name]) => name.split('node_modules/').at(-1));
    expect(new Set(scripted)).toEqual(new Set(['@parcel/watcher', '@swc/core', 'bufferutil', 'ccxt', 'protobufjs']));
    expect(read('scripts/install.mjs')).toContain("'--ignore-scripts'");
    expect(breaking(/npm (ci|install)(?!.*--ignore-scripts)/, ['Dockerfile'])).toEqual([]);
  });
});
