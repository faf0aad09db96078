import { mkdirSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { DocumentFolder } from '../../ports/published-files';
import { PipelineError } from '../../domain/errors';
import { fileError, writeDurably } from './durable-file';

/** Opens a flat folder of documents, making it if needed. @throws PipelineError `export_failed` or `disk_full`. */
export function openDocumentFolder(folder: string): DocumentFolder {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError(error, 'export_failed', 'the folder');
  }
  return {
    write: async (name, body) => {
      try {
        await writeDurably(inside(folder, name), body);
      } catch (error) {
        throw fileError(error, 'export_failed', name);
      }
    },
    names: async () => readdir(folder),
    remove: async (name) => unlink(inside(folder, name)),
  };
}

function inside(folder: string, name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) return join(folder, name);
  throw new PipelineError('invalid_input', 'the name of a document holds only letters, digits, "_", "-" and "."');
}
