/** The level of the storage budget now, and the record of it. */
import { storageLevel } from '../src/domain/storage-budget';
import type { StorageLevel } from '../src/domain/storage-budget';
import type { EpochMs } from '../src/domain/types';
import type { StorageResult } from './contract';
import type { ActivityPorts } from './ports';

export async function currentStorageLevel(ports: ActivityPorts): Promise<StorageLevel> {
  const { usedBytes, budgetBytes } = await ports.storage.measure();
  return storageLevel(usedBytes, budgetBytes);
}

/** Keeps a sample for the projection; each change of level is told once. */
export async function sampleStorage(ports: ActivityPorts, at: EpochMs): Promise<StorageResult> {
  const { usedBytes, budgetBytes } = await ports.storage.measure();
  const level = storageLevel(usedBytes, budgetBytes);
  const changed = await ports.dataQuality.recordStorage({ at, level, usedBytes, budgetBytes });
  if (changed) ports.log.warn({ level, usedBytes, budgetBytes }, 'the level of the storage budget changed');
  return { level, usedBytes, budgetBytes, changed };
}
