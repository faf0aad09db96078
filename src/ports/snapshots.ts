import type { Candle, EpochMs, Pair } from '../domain/types';

export interface Snapshot {
  /** Of the uncompressed text. */
  readonly sha256: string;
  /** Its name in the folder of snapshots. */
  readonly file: string;
  readonly rows: number;
  /** Open time of the first candle and close of the last. */
  readonly from: EpochMs;
  readonly through: EpochMs;
}

/** What a training was given, as a file: the newest one of each pair is kept. */
export interface Snapshots {
  /**
   * Writes the pages (ascending) as one file named by its content, one page in memory at a time, and removes older
   * ones of the pair. Null when there is no candle.
   */
  write(pair: Pair, pages: AsyncIterable<readonly Candle[]>): Promise<Snapshot | null>;
  /** The newest rows, read in a stream. @throws PipelineError `model_corrupt` (stage train) when the file is missing or its text is not what was written. */
  last(snapshot: Pick<Snapshot, 'file' | 'sha256'>, rows: number): Promise<Candle[]>;
}
