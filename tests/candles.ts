import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folder of real candles (`…/ohlcv`), or null when this machine has none. */
export function candlesDir(): string | null {
  const root = resolve(process.env.CANDLES_DIR ?? '../shared/data');
  const folder = resolve(root, 'ohlcv');
  return existsSync(folder) ? folder : null;
}

/**
 * A test on real candles. Without the candles it is reported by name as not run; with CI=true that is a failure,
 * so that a green run always means that it ran.
 */
export function testOnCandles(name: string, body: (folder: string) => Promise<void> | void, timeout?: number): void {
  const folder = candlesDir();
  if (folder !== null) test(name, async () => body(folder), timeout);
  else if (process.env.CI === 'true')
    test(name, () => {
      throw new Error('CI=true, but no real candles: set CANDLES_DIR to the folder that holds ohlcv/');
    });
  else test.skip(`${name} (not run: no candles, set CANDLES_DIR)`, () => {});
}
