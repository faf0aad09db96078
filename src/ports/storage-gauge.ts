export interface StorageUsage {
  /** Bytes the data takes where it lives, or null when that can not be read. */
  readonly usedBytes: number | null;
  /** Bytes it may take, or null when that can not be told (a share of a disk that can not be read). */
  readonly budgetBytes: number | null;
}

/** How much room the data takes and may take. What can not be read counts as full. */
export interface StorageGauge {
  measure(): Promise<StorageUsage>;
}
