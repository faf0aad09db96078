import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { testUnless } from './possible';

/**
 * The folder of real candles (`…/ohlcv`), or null when this machine has none. Tests assert what these very files hold and
 * lack, so a folder without the list of their gaps, with other candles then, is none: see README.md.
 */
export function candlesDir(): string | null {
  const root = resolve(process.env.CANDLES_DIR ?? '../shared/data');
  const folder = resolve(root, 'ohlcv');
  return existsSync(folder) && existsSync(resolve(root, 'gaps.csv')) ? folder : null;
}

/** A test on real candles. */
export function testOnCandles(name: string, body: (folder: string) => Promise<void> | void, timeout?: number): void {
  const folder = candlesDir();
  const missing =
    folder === null
      ? 'no real candles: set CANDLES_DIR to the folder that holds ohlcv/ and gaps.csv, see tests/README.md'
      : null;
  testUnless(missing)(name, async () => body(folder ?? ''), timeout);
}
