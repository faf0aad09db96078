/** What trainings leave in files, in memory: snapshots of candles and fitted models, named by their content. */
import { createHash } from 'node:crypto';
import { PipelineError } from '../../../src/domain/errors';
import { closeOf } from '../../../src/domain/timeframe';
import { pairKey } from '../../../src/domain/types';
import type { Candle, Pair } from '../../../src/domain/types';
import type { ModelFiles } from '../../../src/ports/model-files';
import type { Snapshot, Snapshots } from '../../../src/ports/snapshots';

export class MemoryModelFiles implements ModelFiles {
  readonly texts = new Map<string, string>();

  async write(text: string): Promise<string> {
    const sha256 = hashOf(text);
    this.texts.set(sha256, text);
    return sha256;
  }

  async read(sha256: string): Promise<string> {
    const text = this.texts.get(sha256);
    if (text === undefined) throw new PipelineError('model_corrupt', `there is no file ${sha256}`);
    return text;
  }
}

/** The newest of each pair is kept. */
export class MemorySnapshots implements Snapshots {
  readonly newest = new Map<string, { readonly file: string; readonly candles: readonly Candle[] }>();

  async write(pair: Pair, pages: AsyncIterable<readonly Candle[]>): Promise<Snapshot | null> {
    const candles: Candle[] = [];
    for await (const page of pages) candles.push(...page);
    const [first] = candles;
    const last = candles.at(-1);
    if (first === undefined || last === undefined) return null;
    const sha256 = hashOf(JSON.stringify(candles));
    const file = `${pairKey(pair)} ${sha256}`;
    this.newest.set(pairKey(pair), { file, candles });
    const { openTime: from } = first;
    return { sha256, file, rows: candles.length, from, through: closeOf(pair.timeframe, last.openTime) };
  }

  async last({ file }: Pick<Snapshot, 'file' | 'sha256'>, rows: number): Promise<Candle[]> {
    const found = [...this.newest.values()].find((snapshot) => snapshot.file === file);
    if (found === undefined)
      throw new PipelineError('model_corrupt', `there is no snapshot ${file}`, { stage: 'train' });
    return found.candles.slice(-rows);
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
