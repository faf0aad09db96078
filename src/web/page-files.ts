/** The page and the schemas: a handful of files, read once at start. A request looks up a key and opens nothing. */
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Content } from './content';

/** Extensions that may be sent (PROOF S21); anything else in the folder does not exist for readers. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
};

/** `/domain/status.js` -> content, for every file of the folder and its sub-folders; empty when there is no folder. */
export function loadFiles(folder: string, prefix = '/'): Map<string, Content> {
  const files = new Map<string, Content>();
  let names;
  try {
    names = readdirSync(folder, { withFileTypes: true });
  } catch {
    return files;
  }
  for (const item of names) {
    if (item.name.startsWith('.')) continue;
    const path = join(folder, item.name);
    const type = TYPES[extname(item.name)];
    if (item.isDirectory())
      for (const [key, content] of loadFiles(path, `${prefix}${item.name}/`)) files.set(key, content);
    else if (item.isFile() && type !== undefined) files.set(prefix + item.name, new Content(readFileSync(path), type));
  }
  return files;
}
