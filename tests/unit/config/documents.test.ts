import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/config';
import { configurationPage, envExample } from '../../../src/config/documents';
import { VARIABLE_NAMES } from '../../../src/config/variables';

/** `UPDATE_DOCS=1 npm run jest -- tests/unit/config` writes them again. */
function expectCurrent(path: string, text: string): void {
  if (process.env.UPDATE_DOCS === '1') writeFileSync(path, text);
  expect(readFileSync(path, 'utf8')).toBe(text);
}

test('.env.example is up to date', () => expectCurrent('.env.example', envExample()));

test('docs/configuration.md is up to date', () => expectCurrent('docs/configuration.md', configurationPage()));

test('.env.example with every line in force is the default configuration', () => {
  const folder = mkdtempSync(join(tmpdir(), 'example-'));
  try {
    const path = join(folder, '.env');
    writeFileSync(path, envExample().replaceAll(/^#([A-Z])/gm, '$1'));
    const shown = (settings: ReturnType<typeof loadConfig>['settings']) => settings.map((setting) => setting.shown);
    expect(shown(loadConfig({}, path).settings)).toEqual(shown(loadConfig({}, null).settings));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ['RETENTION_1M_DAYS', 'days, 14 to 30', ['13', '31']],
  ['SETTLE_SECONDS', 'seconds, 0 to 60', ['61']],
  ['LAG_RETRY_SECONDS', 'seconds, 0 to 600', ['601']],
  ['DISCOVER_TOP', 'symbols, 0 to 500', ['501']],
  ['DISCOVER_CAP', 'symbols, 1 to 500', ['0', '501']],
  ['EXCHANGE_WEIGHT_SHARE', 'share, 0.01 to 1', ['0.009', '1.1']],
  ['WEB_PORT', 'port, 1 to 65535, or 0 for any free one', ['65536']],
  ['OPS_TOKEN', 'text, 16 to 200 characters without spaces and colons', ['a'.repeat(15), 'a'.repeat(201)]],
  ['ALERT_WEBHOOK_SECRET', 'text, at least 16 characters without spaces', ['a'.repeat(15)]],
])('both documents tell what %s may be: %s', (name, unit, refused) => {
  expect(configurationPage()).toMatch(new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| ${unit} \\|`, 'm'));
  expect(envExample()).toContain(`# Unit: ${unit}. Default: `);
  for (const text of refused) expect(() => loadConfig({ [name]: text }, null)).toThrow(name);
});

test('every variable is in both documents', () => {
  for (const name of VARIABLE_NAMES) {
    expect(envExample()).toContain(`\n#${name}=`);
    expect(configurationPage()).toContain(`| \`${name}\` |`);
  }
});
