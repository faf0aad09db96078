import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version in package.json, which lies one folder up from the sources and two from what is built. */
export function programVersion(): string {
  const file = ['..', '../..'].map((up) => join(__dirname, up, 'package.json')).find((path) => existsSync(path));
  if (file === undefined) throw new Error('the program has no package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
