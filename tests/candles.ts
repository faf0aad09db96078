import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { testUnless } from './possible';

/** The folder of real candles (`…/ohlcv`), or null when this machine has none. */
export function candlesDir(): string | null {
  const root = resolve(process.env.CANDLES_DIR ?? '../shared/data');
  const folder = resolve(root, 'ohlcv');
  return existsSync(folder) ? folder : null;
}

/** A test on real candles. */
export function testOnCandles(name: string, body: (folder: string) => Promise<void> | void, timeout?: number): void {
  const folder = candlesDir();
  const missing = folder === null ? 'no real candles: set CANDLES_DIR to the folder that holds ohlcv/' : null;
  testUnless(missing)(name, async () => body(folder ?? ''), timeout);
}
