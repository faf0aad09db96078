/** How full the storage budget is (SPEC 4). In doubt it counts as full. */

export const STORAGE_LEVELS = ['ok', 'warn', 'critical', 'block'] as const;
export type StorageLevel = (typeof STORAGE_LEVELS)[number];

/** Shares of the budget, 0..1, at which each level begins. */
export interface StorageThresholds {
  readonly warn: number;
  readonly critical: number;
  readonly block: number;
}

export const STORAGE_THRESHOLDS: StorageThresholds = { warn: 0.7, critical: 0.85, block: 0.9 };

/** `usedBytes` is null when usage could not be read; that, and any budget that is no positive number, blocks. */
export function storageLevel(
  usedBytes: number | null,
  budgetBytes: number | null,
  thresholds: StorageThresholds = STORAGE_THRESHOLDS,
): StorageLevel {
  const share = usedShare(usedBytes, budgetBytes);
  if (share === null) return 'block';
  // Compared upwards, so that a threshold that is not a number blocks.
  if (share < Math.min(thresholds.warn, thresholds.critical, thresholds.block)) return 'ok';
  if (share < Math.min(thresholds.critical, thresholds.block)) return 'warn';
  return share < thresholds.block ? 'critical' : 'block';
}

/** Used share of the budget, or null when it can not be told. */
export function usedShare(usedBytes: number | null, budgetBytes: number | null): number | null {
  if (budgetBytes === null) return null;
  if (usedBytes === null || !Number.isFinite(usedBytes) || usedBytes < 0) return null;
  return Number.isFinite(budgetBytes) && budgetBytes > 0 ? usedBytes / budgetBytes : null;
}

/** Days until `block` at the present growth; 0 when it is reached, null when storage does not grow or can not be read. */
export function daysUntilBlock(
  usedBytes: number | null,
  budgetBytes: number | null,
  bytesPerDay: number,
  thresholds: StorageThresholds = STORAGE_THRESHOLDS,
): number | null {
  if (usedBytes === null || budgetBytes === null || usedShare(usedBytes, budgetBytes) === null) return null;
  const left = thresholds.block * budgetBytes - usedBytes;
  if (left <= 0) return 0;
  return Number.isFinite(bytesPerDay) && bytesPerDay > 0 ? left / bytesPerDay : null;
}
