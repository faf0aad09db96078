import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTimeframe, shiftSlots } from '../../src/domain/timeframe';
import { parseSymbol } from '../../src/domain/types';
import type { Candle, EpochMs, Pair, TimeframeId } from '../../src/domain/types';

/** How often a property is tried: FC_RUNS, or few. */
export const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 25) };

export const MONDAY = Date.UTC(2024, 0, 1);
export const HOUR = 3_600_000;

export function pairOf(symbol: string, timeframe: string): Pair {
  return { symbol: parseSymbol(symbol), timeframe: parseTimeframe(timeframe) };
}

export const BTC_1H = pairOf('BTC/USDT', '1h');
export const ETH_1D = pairOf('ETH/USDT', '1d');

/** The open time of slot number `index` after 2024-01-01, which opens a slot of every timeframe. */
export function slot(index: number, timeframe: TimeframeId = BTC_1H.timeframe): EpochMs {
  return shiftSlots(timeframe, MONDAY, index);
}

/** A valid candle; `price` tells one version of a slot from another. */
export function candle(index: number, price = 100, timeframe: TimeframeId = BTC_1H.timeframe): Candle {
  const openTime = slot(index, timeframe);
  return { openTime, open: price, high: price + 1.5, low: price - 0.5, close: price + 1, volume: 12.25 };
}

export function candles(from: number, to: number, price = 100): Candle[] {
  return Array.from({ length: to - from + 1 }, (_, index) => candle(from + index, price));
}

/** Makes folders that are removed, newest first, after the tests of the file. Call it at the top of a test file. */
export function temporaryFolders(): () => string {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders.reverse()) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'coin-predict-'));
    folders.push(folder);
    return folder;
  };
}

/** Keeps what is opened in a test and closes it afterwards. Call it at the top of a test file. */
export function closedAfterEach(): <T extends { close(): Promise<void> }>(opened: T) => T {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  return (opened) => {
    open.push(opened);
    return opened;
  };
}
