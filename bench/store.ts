/**
 * How fast the SQLite candle store is. Prints one line a figure.
 *
 *   npx tsc -p tsconfig.json --outDir OUT && node OUT/bench/store.js [FOLDER] [CANDLES]
 *
 * FOLDER must not hold a candles.db yet (default: a new temporary one, removed afterwards); CANDLES in all: 5,000,000.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCandleStore } from '../src/adapters/sqlite/candle-store';
import { parseTimeframe, shiftSlots } from '../src/domain/timeframe';
import { parseSymbol } from '../src/domain/types';
import type { Candle, Pair } from '../src/domain/types';
import type { CandleStore } from '../src/ports/candle-store';

const PAGE = 1000;
const HISTORY = 80_000;
const START = Date.UTC(2016, 0, 1);
const timeframe = parseTimeframe('1h');

function pairNumber(index: number): Pair {
  return { symbol: parseSymbol(`COIN${index}/USDT`), timeframe };
}

function page(from: number): Candle[] {
  return Array.from({ length: PAGE }, (_, index) => {
    const price = 100 + ((from + index) % 977) / 7;
    const openTime = shiftSlots(timeframe, START, from + index);
    return { openTime, open: price, high: price * 1.01, low: price * 0.99, close: price * 1.001, volume: 12.5 };
  });
}

function print(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(52)} ${value.toLocaleString('en', { maximumFractionDigits: 1 })} ${unit}\n`);
}

async function fill(store: CandleStore, pairs: readonly Pair[]): Promise<void> {
  const times: number[] = [];
  for (const pair of pairs) {
    for (let from = 0; from < HISTORY; from += PAGE) {
      const candles = page(from);
      const started = performance.now();
      await store.write(pair, candles, 1);
      times.push(performance.now() - started);
    }
  }
  const total = times.reduce((sum, time) => sum + time, 0);
  print('written, pages of 1,000', (times.length * PAGE * 1000) / total, 'candles/s');
  print('  one page, p99', percentile(times, 0.99), 'ms');
}

async function timed(name: string, count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let index = 0; index < count; index++) {
    const started = performance.now();
    await work(index);
    times.push(performance.now() - started);
  }
  print(`${name}, p50`, percentile(times, 0.5), 'ms');
  print(`${name}, p99`, percentile(times, 0.99), 'ms');
}

function percentile(times: readonly number[], level: number): number {
  return times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(level * times.length))] ?? Number.NaN;
}

async function main(folder: string, total: number): Promise<void> {
  const store = await openCandleStore(join(folder, 'candles.db'));
  const pairs = Array.from({ length: Math.max(1, Math.round(total / HISTORY)) }, (_, index) => pairNumber(index));
  const some = (index: number): Pair => pairs[(index * 7919) % pairs.length] ?? pairNumber(0);
  await fill(store, pairs);
  print('size', ((await store.sizeBytes()) ?? 0) / (pairs.length * HISTORY), 'bytes/candle');
  await timed('last 500', 1000, async (index) => store.last(some(index), 500));
  await timed('extent', 1000, async (index) => store.extent(some(index)));
  await timed('holes of 80,000 slots, none missing', 100, async (index) => store.holes(some(index)));
  const end = shiftSlots(timeframe, START, HISTORY - 1);
  await timed('count of half the slots', 100, async (index) =>
    store.count(some(index), { from: shiftSlots(timeframe, START, HISTORY / 2), to: end }),
  );
  const broken = pairNumber(99_999);
  for (let from = 0; from < HISTORY; from += PAGE) {
    const whole = page(from);
    await store.write(broken, from % 3000 === 0 ? whole.toSpliced(500, 4) : whole, 1);
  }
  await timed('holes of 80,000 slots, 27 runs missing', 100, async () => store.holes(broken));
  await timed('a page written again, unchanged', 100, async (index) => store.write(some(index), page(0), 2 + index));
  await store.close();
}

const given = process.argv[2];
const folder = given ?? mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
void main(folder, Number(process.argv[3] ?? 5_000_000)).finally(() => {
  if (given === undefined) rmSync(folder, { recursive: true });
});
