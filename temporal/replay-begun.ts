/** What the replay of a folder was begun with, in its `replay.json`: a replay goes on only with the same. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeDurably } from '../src/adapters/files/durable-file';
import { PipelineError } from '../src/domain/errors';
import type { EpochMs, Pair } from '../src/domain/types';
import type { Feed } from '../src/market/feed';
import type { SourceFolder } from './source';

export interface ReplayBegun {
  readonly from: string;
  readonly store: string;
  readonly symbols: readonly string[];
  readonly timeframes: readonly string[];
  readonly champions: readonly string[];
  readonly models?: true;
  readonly paused?: readonly string[];
}

/** Replays of older versions have no hash. */
type Recorded = ReplayBegun & { readonly candles?: string };

/** @throws PipelineError `invalid_input` when it was begun with something else, from other candles, or nobody can tell. */
export async function sameReplay(folder: SourceFolder, begun: ReplayBegun, candles: string): Promise<void> {
  const found = readBegun(folder);
  if (found === null) return writeDurably(begunFile(folder), JSON.stringify({ ...begun, candles }));
  const { candles: before = candles, ...rest } = found;
  const other = JSON.stringify(rest);
  if (other !== JSON.stringify(begun)) {
    throw new PipelineError(
      'invalid_input',
      `${folder.root} holds another replay, ${other}: set DATA_DIR to another folder, or delete this one to begin anew`,
    );
  }
  if (before !== candles) {
    throw new PipelineError(
      'invalid_input',
      `${folder.root} was replayed from other candles: give --data the files it was begun with, or set DATA_DIR to another folder`,
    );
  }
}

/**
 * Tells the candle files of two markets apart: of each pair the first candle and the last that opens before the replay
 * begins. It stays the same when the files are moved, and when candles are added at their end.
 */
export function candlesHash(feed: Feed, pairs: readonly Pair[], from: EpochMs): string {
  const everything = Number.MAX_SAFE_INTEGER;
  const known = pairs.map(({ symbol, timeframe }) => {
    const candle = (openTime: EpochMs | undefined) =>
      openTime === undefined ? null : feed.candle(symbol, timeframe, openTime, everything);
    const first = feed.range(symbol, timeframe, everything)?.from;
    return [symbol, timeframe, candle(first), candle(feed.range(symbol, timeframe, from)?.to)];
  });
  return createHash('sha256').update(JSON.stringify(known)).digest('hex');
}

/** The pairs of a replay as variables of the configuration; null where nothing was replayed. */
export function replayedPairs(folder: SourceFolder): { readonly SYMBOLS: string; readonly TIMEFRAMES: string } | null {
  const begun = readBegun(folder);
  return begun === null ? null : { SYMBOLS: begun.symbols.join(','), TIMEFRAMES: begun.timeframes.join(',') };
}

function begunFile({ root }: SourceFolder): string {
  return join(root, 'replay.json');
}

function readBegun(folder: SourceFolder): Recorded | null {
  const file = begunFile(folder);
  if (!existsSync(file)) return null;
  const begun = parsed(readFileSync(file, 'utf8'));
  if (Array.isArray(begun?.symbols) && Array.isArray(begun.timeframes)) return begun;
  throw new PipelineError(
    'invalid_input',
    `${file} is damaged and does not say which replay the folder holds: delete ${folder.root} and replay anew`,
  );
}

function parsed(text: string): Recorded | null {
  try {
    return JSON.parse(text) as Recorded | null;
  } catch {
    return null;
  }
}
