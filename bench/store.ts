/**
 * How fast a candle store is. Prints one line a figure.
 *
 *   npx tsc -p tsconfig.json --outDir OUT && node OUT/bench/store.js [CANDLES] [sqlite|influx]
 *
 * CANDLES in all: 5,000,000. Files go to a new temporary folder, removed afterwards; influx is a server of its own there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openInfluxCandles } from '../src/adapters/influx/bucket';
import { InfluxConnection } from '../src/adapters/influx/connection';
import type { InfluxOptions } from '../src/adapters/influx/influx-options';
import { openCandleStore } from '../src/adapters/sqlite/candle-store';
import { openWriteOrder } from '../src/adapters/sqlite/write-order';
import { parseTimeframe, shiftSlots } from '../src/domain/timeframe';
import { parseSymbol } from '../src/domain/types';
import type { Candle, Pair } from '../src/domain/types';
import type { CandleStore } from '../src/ports/candle-store';
import { systemClock } from '../src/ports/clock';
import { startInfluxd } from '../tests/influxd-server';
import { printReadPaths } from './read-paths';

const PAGE = 1000;
const PAGES = [PAGE, 5000];
const HISTORY = 80_000;
const START = Date.UTC(2016, 0, 1);
const timeframe = parseTimeframe('1h');

function pairNumber(index: number): Pair {
  return { symbol: parseSymbol(`COIN${index}/USDT`), timeframe };
}

function page(from: number, length = PAGE): Candle[] {
  return Array.from({ length }, (_, index) => {
    const price = 100 + ((from + index) % 977) / 7;
    const openTime = shiftSlots(timeframe, START, from + index);
    return { openTime, open: price, high: price * 1.01, low: price * 0.99, close: price * 1.001, volume: 12.5 };
  });
}

function print(name: string, value: number, unit: string): void {
  process.stdout.write(`${name.padEnd(52)} ${value.toLocaleString('en', { maximumFractionDigits: 1 })} ${unit}\n`);
}

/** Pages of 1,000 and of 5,000 in turns, pair by pair. */
async function fill(store: CandleStore, pairs: readonly Pair[]): Promise<void> {
  const times = new Map<number, number[]>(PAGES.map((size) => [size, []]));
  for (const [index, pair] of pairs.entries()) {
    const size = PAGES[index % PAGES.length] ?? PAGE;
    for (let from = 0; from < HISTORY; from += size) {
      const candles = page(from, size);
      const started = performance.now();
      await store.write(pair, candles, 1);
      times.get(size)?.push(performance.now() - started);
    }
  }
  for (const [size, all] of times) {
    const total = all.reduce((sum, time) => sum + time, 0);
    const name = size.toLocaleString('en');
    print(`written, pages of ${name}`, (all.length * size * 1000) / total, 'candles/s');
    print(`  one page of ${name}, p99`, percentile(all, 0.99), 'ms');
  }
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

async function measure(store: CandleStore, total: number): Promise<void> {
  const pairs = Array.from({ length: Math.max(2, Math.round(total / HISTORY)) }, (_, index) => pairNumber(index));
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
}

async function onInflux(folder: string, total: number): Promise<void> {
  const server = await startInfluxd();
  try {
    const options: InfluxOptions = server.options('bench');
    const order = await openWriteOrder(join(folder, 'write-order.db'), systemClock);
    const store = await openInfluxCandles(options, 'binance', order);
    await measure(store, total);
    const connection = new InfluxConnection(options);
    await printReadPaths(connection, pairNumber(0), HISTORY, print);
    connection.close();
    await store.close();
  } finally {
    await server.stop();
  }
}

async function onSqlite(folder: string, total: number): Promise<void> {
  const store = await openCandleStore(join(folder, 'candles.db'));
  await measure(store, total);
  await store.close();
}

const folder = mkdtempSync(join(tmpdir(), 'coin-predict-bench-'));
const total = Number(process.argv[2] ?? 5_000_000);
const kinds = process.argv[3] === undefined ? ['sqlite', 'influx'] : [process.argv[3]];
void (async () => {
  for (const kind of kinds) {
    process.stdout.write(`\n${kind}\n`);
    await (kind === 'influx' ? onInflux : onSqlite)(folder, total);
  }
})().finally(() => rmSync(folder, { recursive: true }));
