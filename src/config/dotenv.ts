/** A `.env` file: `NAME=value` lines, `#` comments, optional quotes and `export`. No expansion: what is written counts. */
interface DotenvLine {
  /** 1-based. */
  readonly line: number;
  readonly name: string;
  readonly text: string;
}

export interface Dotenv {
  readonly entries: readonly DotenvLine[];
  /** Numbers of lines that are neither empty, nor a comment, nor `NAME=value`. */
  readonly unreadable: readonly number[];
}

const ENTRY = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
const QUOTED = /^(["'])(.*)\1\s*(?:#.*)?$/;

export function parseDotenv(content: string): Dotenv {
  const entries: DotenvLine[] = [];
  const unreadable: number[] = [];
  for (const [index, raw] of content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const text = raw.trim();
    if (text === '' || text.startsWith('#')) continue;
    const [, name, rest] = ENTRY.exec(text) ?? [];
    if (name === undefined || rest === undefined) {
      unreadable.push(index + 1);
      continue;
    }
    const quoted = QUOTED.exec(rest)?.[2];
    entries.push({ line: index + 1, name, text: quoted ?? rest.replace(/(^|\s)#.*$/, '').trim() });
  }
  return { entries, unreadable };
}
