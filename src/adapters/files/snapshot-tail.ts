/** The newest candles of a snapshot, read in a stream: memory does not grow with the history. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { PipelineError } from '../../domain/errors';
import type { Candle } from '../../domain/types';

/** @throws PipelineError `model_corrupt` (stage train) when the file can not be read or has another text. */
export async function snapshotTail(path: string, sha256: string, rows: number): Promise<Candle[]> {
  const hash = createHash('sha256');
  const kept: Candle[] = [];
  try {
    for await (const line of linesOf(path, (chunk) => hash.update(chunk))) {
      const [openTime = NaN, open = NaN, high = NaN, low = NaN, close = NaN, volume = NaN] = line
        .split(',')
        .map(Number);
      kept.push({ openTime, open, high, low, close, volume });
      // Cut now and then, not at each line: moving the whole window for one candle would be quadratic.
      if (kept.length >= 2 * rows + 1000) kept.splice(0, kept.length - rows);
    }
  } catch (cause) {
    throw new PipelineError('model_corrupt', `a snapshot can not be read: ${String(cause)}`, { stage: 'train', cause });
  }
  if (hash.digest('hex') === sha256) return kept.slice(-rows);
  throw new PipelineError('model_corrupt', 'a snapshot is not what was written', { stage: 'train' });
}

/** All lines but the header. */
async function* linesOf(path: string, onChunk: (chunk: string) => void): AsyncGenerator<string> {
  const file = createReadStream(path);
  const text = createGunzip();
  file.on('error', (error) => text.destroy(error));
  file.pipe(text).setEncoding('utf8');
  let rest = '';
  let isHeader = true;
  for await (const chunk of text as AsyncIterable<string>) {
    onChunk(chunk);
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!isHeader) yield line;
      isHeader = false;
    }
  }
}
