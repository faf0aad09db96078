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

test('every variable is in both documents', () => {
  for (const name of VARIABLE_NAMES) {
    expect(envExample()).toContain(`\n#${name}=`);
    expect(configurationPage()).toContain(`| \`${name}\` |`);
  }
});
