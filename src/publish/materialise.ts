import { PipelineError } from '../domain/errors';
import type { DocumentFolder } from '../ports/published-files';
import { isCanonicalName } from './canonical-name';
import type { PublishedReader } from './published-reader';

export interface MaterialiseResult {
  readonly generation: number;
  readonly files: number;
  readonly removed: number;
}

/**
 * Writes the documents of the servable pairs of the manifest in force under their canonical names, then the manifest, then
 * removes documents it no longer allows. Files of other names are left alone.
 * @throws PipelineError `export_failed` when nothing is published or a document is damaged (then the manifest in the
 *   folder is the old one), `disk_full`.
 */
export async function materialise(published: PublishedReader, folder: DocumentFolder): Promise<MaterialiseResult> {
  const current = await published.manifest();
  if (current === null) throw new PipelineError('export_failed', 'nothing is published yet');
  const { manifest, bytes } = current;
  const written = new Set<string>();
  for (const entry of manifest.entries.filter((candidate) => candidate.serve_allowed)) {
    for (const file of [entry.files.history, entry.files.prediction]) {
      if (file === null) continue;
      const document = await published.object(file);
      if (!Buffer.isBuffer(document)) throw new PipelineError('export_failed', `${file.name} is ${document}`);
      await folder.write(file.name, document.toString('utf8'));
      written.add(file.name);
    }
  }
  await folder.write('manifest.json', bytes.toString('utf8'));
  const stale = (await folder.names()).filter((name) => isCanonicalName(name) && !written.has(name));
  for (const name of stale) await folder.remove(name);
  return { generation: manifest.generation, files: written.size + 1, removed: stale.length };
}
