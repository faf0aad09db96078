import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { opsManifestSchema, type OpsManifest } from '../publish/documents';

/**
 * Reads the operators' manifest, again only when the file has changed. Null when there is none or it is not valid;
 * it is information beside the public manifest, so a bad one hides nothing and stops nothing.
 */
export function readOpsManifest(opsDir: string): () => Promise<OpsManifest | null> {
  const path = join(opsDir, 'manifest.json');
  let seen = '';
  let held: OpsManifest | null = null;
  return async () => {
    try {
      const { ino, size, mtimeNs } = await stat(path, { bigint: true });
      const stamp = `${ino} ${size} ${mtimeNs}`;
      if (stamp === seen) return held;
      const parsed = opsManifestSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
      held = parsed.success ? parsed.data : null;
      seen = stamp;
      return held;
    } catch {
      return null;
    }
  };
}
