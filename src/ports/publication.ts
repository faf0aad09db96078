import type { EpochMs, MarketSymbol, Pair, TimeframeId } from '../domain/types';

/** A stored document: `objects/{sha256}.json`. */
export interface DocumentReference {
  /** Lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What one pair currently publishes; the manifest is a pure function of these rows. */
export interface PublicationRow {
  readonly symbol: MarketSymbol;
  readonly timeframe: TimeframeId;
  /** `hidden`: not ready; nothing of it reaches the user plane. */
  readonly visibility: 'visible' | 'hidden_backfilling';
  readonly symbolState: string;
  /** Whether this timeframe has a prediction at all (1m has none). */
  readonly predicts: boolean;
  readonly history: DocumentReference | null;
  readonly prediction: DocumentReference | null;
  /** Close of the last candle of the history document; null without one. */
  readonly dataThrough: EpochMs | null;
  /** Close of the last candle of the prediction document; older than dataThrough while degraded. */
  readonly predictionDataThrough: EpochMs | null;
  readonly updatedAt: EpochMs;
  readonly softMs: number;
  readonly hardMs: number;
  /** The last prediction run failed and the last good one is served. */
  readonly degraded: boolean;
  /** Set when the last export of this pair failed: not servable until one succeeds. */
  readonly exportBlock: string | null;
  /** Set when the sample gate refused: the counts in words. */
  readonly gateReason: string | null;
  /** `asOf` of the run that wrote the row; a row never goes back to an older one. */
  readonly asOf: EpochMs;
  /** Close of the last candle in the store, as it was last seen beside `dataThrough`; absent since the last export. */
  readonly storeDataThrough?: EpochMs | null;
  /** A manifest up to this generation may have been rendered before the row was written. */
  readonly absentUntil?: number;
  /** Operational facts for the ops manifest; never public. Plain JSON. */
  readonly ops: Readonly<Record<string, unknown>>;
}

export interface GenerationRecord {
  readonly generation: number;
  readonly manifest: DocumentReference;
  readonly opsManifest: DocumentReference;
  readonly generatedAt: EpochMs;
  readonly rollbackOf: number | null;
}

/** What a commit leaves besides the manifests on disk. */
export interface RenderedGeneration extends Omit<GenerationRecord, 'generation'> {
  /** Stored with the record, whatever stood; absent: no row changes. */
  readonly rows?: readonly PublicationRow[];
}

export interface PublicationStore {
  /**
   * Stores the row unless the one that stands is to stay by `mayReplace` (I25, P10). False when it was refused.
   * `now` is the writer's clock; absent, no clock was ever ahead.
   */
  upsert(row: PublicationRow, now?: EpochMs): Promise<boolean>;
  rows(): Promise<PublicationRow[]>;
  remove(pair: Pair): Promise<void>;
  /**
   * One write transaction, exclusive over all processes: takes the next generation, hands the rows to `render`,
   * which makes both manifests durable on disk, and records the generation with the rows it changes. When `render` throws,
   * nothing is recorded.
   */
  commit(
    render: (input: {
      readonly generation: number;
      readonly rows: readonly PublicationRow[];
    }) => Promise<RenderedGeneration>,
  ): Promise<GenerationRecord>;
  /** Newest first. */
  generations(limit: number): Promise<GenerationRecord[]>;
  forgetGenerations(below: number): Promise<void>;
}
