import { PipelineError } from '../domain/errors';
import { PACKED_SUFFIX, PACKINGS } from '../adapters/files/packed-form';
import type { DocumentFolder } from '../ports/published-files';
import { isCanonicalName } from './canonical-name';
import type { PublishedReader } from './published-reader';

export interface MaterialiseResult {
  readonly generation: number;
  /** Documents and the manifest, without packed forms. */
  readonly files: number;
  readonly removed: number;
}

const SUFFIXES = PACKINGS.map((packing) => PACKED_SUFFIX[packing]);

/** A canonical name, or that of a packed form beside it. */
function isOfDocument(name: string): boolean {
  const suffix = SUFFIXES.find((one) => name.endsWith(one)) ?? '';
  return isCanonicalName(name.slice(0, name.length - suffix.length));
}

/** Suffix and bytes of each form that lies beside the object. */
async function packedForms(published: PublishedReader, sha256: string, body: Buffer): Promise<[string, Buffer][]> {
  const forms: [string, Buffer][] = [];
  for (const packing of PACKINGS) {
    const packed = await published.packed(sha256, packing, body);
    if (packed !== null) forms.push([PACKED_SUFFIX[packing], packed]);
  }
  return forms;
}

/**
 * Writes the documents of the servable pairs of the manifest in force under their canonical names, each with its packed
 * forms for hosts that send `{name}.br` and `{name}.gz` to readers who take them, then the manifest, then
 * removes documents it no longer allows. Files of other names are left alone.
 * @throws PipelineError `export_failed` when nothing is published or a document is damaged (then the manifest in the
 *   folder is the old one), `disk_full`.
 */
export async function materialise(published: PublishedReader, folder: DocumentFolder): Promise<MaterialiseResult> {
  const current = await published.manifest();
  if (current === null) throw new PipelineError('export_failed', 'nothing is published yet');
  const { manifest, bytes } = current;
  const written = new Set<string>();
  let documents = 0;
  for (const entry of manifest.entries.filter((candidate) => candidate.serve_allowed)) {
    for (const file of [entry.files.history, entry.files.prediction]) {
      if (file === null) continue;
      const document = await published.object(file);
      if (!Buffer.isBuffer(document)) throw new PipelineError('export_failed', `${file.name} is ${document}`);
      documents += 1;
      const forms = await packedForms(published, file.sha256, document);
      for (const [suffix, body] of [...forms, ['', document] as const]) {
        await folder.write(file.name + suffix, body);
        written.add(file.name + suffix);
      }
    }
  }
  await folder.write('manifest.json', bytes);
  const stale = (await folder.names()).filter((name) => isOfDocument(name) && !written.has(name));
  for (const name of stale) await folder.remove(name);
  return { generation: manifest.generation, files: documents + 1, removed: stale.filter(isCanonicalName).length };
}
