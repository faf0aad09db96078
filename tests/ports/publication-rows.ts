import type { GenerationRecord, PublicationRow } from '../../src/ports/publication';
import { BTC_1H, slot } from './store-fixtures';

export const row: PublicationRow = {
  ...BTC_1H,
  visibility: 'visible',
  symbolState: 'ready',
  predicts: true,
  history: { sha256: 'a'.repeat(64), bytes: 120 },
  prediction: null,
  dataThrough: slot(1),
  predictionDataThrough: null,
  updatedAt: slot(1) + 9000,
  softMs: 3_900_000,
  hardMs: 7_800_000,
  degraded: false,
  exportBlock: null,
  gateReason: '12 of 240 candles',
  asOf: slot(1),
  ops: { coverage: { holes: 2, start: null }, tags: ['a', 'b'] },
};

export const rendered: Omit<GenerationRecord, 'generation'> = {
  manifest: { sha256: 'b'.repeat(64), bytes: 900 },
  opsManifest: { sha256: 'c'.repeat(64), bytes: 1800 },
  generatedAt: slot(1) + 9500,
  rollbackOf: null,
};
