/** Snapshots as gzip CSV, the form of the candle files: `{SYMBOL}-{timeframe}.{sha256}.csv.gz`. */
import { createHash, randomBytes } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { closeOf } from '../../domain/timeframe';
import { symbolFileName } from '../../domain/types';
import type { Candle, EpochMs, Pair } from '../../domain/types';
import type { Snapshot, Snapshots } from '../../ports/snapshots';
import { fileError, syncFolder } from './durable-file';
import { snapshotTail } from './snapshot-tail';

const HEADER = 'timestamp_ms,open,high,low,close,volume\n';

interface Written {
  rows: number;
  first: EpochMs | null;
  last: EpochMs | null;
}

export function openSnapshots(folder: string): Snapshots {
  return {
    last: ({ file, sha256 }, rows) => snapshotTail(join(folder, file), sha256, rows),
    write: async (pair, pages) => {
      try {
        return await writeSnapshot(folder, pair, pages);
      } catch (error) {
        throw fileError(error, 'store_unavailable', 'a snapshot');
      }
    },
  };
}

async function writeSnapshot(
  folder: string,
  pair: Pair,
  pages: AsyncIterable<readonly Candle[]>,
): Promise<Snapshot | null> {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.tmp-${randomBytes(8).toString('hex')}`);
  const hash = createHash('sha256');
  const written: Written = { rows: 0, first: null, last: null };
  try {
    await pipeline(Readable.from(textOf(pages, hash, written)), createGzip(), createWriteStream(temporary));
    const { rows, first, last } = written;
    if (first === null || last === null) return null;
    const sha256 = hash.digest('hex');
    const start = `${symbolFileName(pair.symbol)}-${pair.timeframe}.`;
    const name = `${start}${sha256}.csv.gz`;
    await synced(temporary);
    await rename(temporary, join(folder, name));
    await syncFolder(folder);
    await removeOlder(folder, start, name);
    return { sha256, file: name, rows, from: first, through: closeOf(pair.timeframe, last) };
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

async function* textOf(pages: AsyncIterable<readonly Candle[]>, hash: Hash, written: Written): AsyncGenerator<string> {
  hash.update(HEADER);
  yield HEADER;
  for await (const page of pages) {
    const text = page.map((c) => `${[c.openTime, c.open, c.high, c.low, c.close, c.volume].join(',')}\n`).join('');
    written.first ??= page[0]?.openTime ?? null;
    written.last = page.at(-1)?.openTime ?? written.last;
    written.rows += page.length;
    hash.update(text);
    yield text;
  }
}

async function synced(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function removeOlder(folder: string, start: string, keep: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(start) && name !== keep) await unlink(join(folder, name)).catch(() => undefined);
  }
}
