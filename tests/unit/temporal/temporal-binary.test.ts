import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findTemporalBinary } from '../../../temporal/temporal-binary';
import { temporaryFolders } from '../../ports/store-fixtures';

function program(folder: string, script: string): string {
  const path = join(folder, 'temporal');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

const folder = temporaryFolders();
const VERSION = 'echo temporal version 1.9.1';

describe('finding the temporal CLI', () => {
  test('what is configured comes first', async () => {
    const path = program(folder(), VERSION);
    expect(await findTemporalBinary({ configured: path, cacheDir: folder(), tell: () => {} })).toBe(path);
  });

  test('a configured one that does not run is an error, never silently replaced', async () => {
    const path = program(folder(), 'exit 1');
    const search = { configured: path, cacheDir: folder(), tell: () => {} };
    await expect(findTemporalBinary(search)).rejects.toThrow(`TEMPORAL_BIN is "${path}", which does not run`);
  });

  test('then what is on PATH, and only if it is the temporal CLI', async () => {
    const before = process.env.PATH;
    const [impostor, real] = [folder(), folder()];
    program(impostor, 'echo something else');
    const path = program(real, VERSION);
    process.env.PATH = `${impostor}:${real}:${before}`;
    try {
      expect(await findTemporalBinary({ configured: undefined, cacheDir: folder(), tell: () => {} })).toBe(path);
    } finally {
      process.env.PATH = before;
    }
  });
});
