import { createHash } from 'node:crypto';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../../domain/errors';
import type { ModelFiles } from '../../ports/model-files';
import { errorCodeOf, fileError, writeDurably } from './durable-file';

/** A fitted model is some kilobytes; a file this large is none. */
const LARGEST_BYTES = 16 * 1024 * 1024;

/** Files `{sha256}.json` in a folder that the web server can not reach. */
export function openModelFiles(folder: string): ModelFiles {
  const pathOf = (sha256: string): string => {
    if (/^[0-9a-f]{64}$/.test(sha256)) return join(folder, `${sha256}.json`);
    throw new PipelineError('model_corrupt', 'a model file is named by 64 hex digits');
  };
  return {
    write: async (text) => {
      const sha256 = hashOf(text);
      if ((await intactText(pathOf(sha256), sha256)) !== null) return sha256;
      try {
        await mkdir(folder, { recursive: true });
        await writeDurably(pathOf(sha256), text);
      } catch (error) {
        throw fileError(error, 'store_unavailable', 'a model file');
      }
      return sha256;
    },
    read: async (sha256) => {
      const text = await intactText(pathOf(sha256), sha256);
      if (text !== null) return text;
      throw new PipelineError('model_corrupt', `the model file ${sha256.slice(0, 16)}… is missing or damaged`);
    },
  };
}

/** The file's text when it is there and has that hash. */
async function intactText(path: string, sha256: string): Promise<string | null> {
  try {
    if ((await stat(path)).size > LARGEST_BYTES) return null;
    const text = await readFile(path, 'utf8');
    return hashOf(text) === sha256 ? text : null;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw new PipelineError('store_unavailable', `a model file can not be read: ${errorCodeOf(error) ?? 'unknown'}`, {
      cause: error,
    });
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
