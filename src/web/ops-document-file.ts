import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { opsManifestSchema, type OpsManifest } from '../publish/documents';

/** A document of the ops folder as it is now; `absent` when there is none, `invalid` when it breaks its schema. */
export type ReadDocument<T> = () => Promise<T | 'absent' | 'invalid'>;

/** Reads `{name}.json` of the ops folder, again only when the file has changed. */
export function readOpsDocument<T extends object>(opsDir: string, name: string, schema: z.ZodType<T>): ReadDocument<T> {
  const path = join(opsDir, `${name}.json`);
  let seen = '';
  let held: T | 'invalid' = 'invalid';
  return async () => {
    try {
      const { ino, size, mtimeNs } = await stat(path, { bigint: true });
      const stamp = `${ino} ${size} ${mtimeNs}`;
      if (stamp !== seen) {
        held = parse(schema, await readFile(path, 'utf8'));
        seen = stamp;
      }
      return held;
    } catch {
      return 'absent';
    }
  };
}

function parse<T extends object>(schema: z.ZodType<T>, text: string): T | 'invalid' {
  try {
    const parsed = schema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : 'invalid';
  } catch {
    return 'invalid';
  }
}

/**
 * The operators' manifest. Null when there is none or it is not valid; it is information beside the public manifest, so a
 * bad one hides nothing and stops nothing.
 */
export function readOpsManifest(opsDir: string): () => Promise<OpsManifest | null> {
  const read = readOpsDocument(opsDir, 'manifest', opsManifestSchema);
  return async () => {
    const found = await read();
    return typeof found === 'string' ? null : found;
  };
}
