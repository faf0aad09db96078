import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DAY, HOUR, MINUTE, closeOf, openOf, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { candleFault } from '../../../src/domain/candle';
import { CsvFeed } from '../../../src/market/csv-feed';
import { collectCandles } from '../../../src/market/feed';
import { testOnCandles } from '../../candles';

const HEADER = 'timestamp_ms,open,high,low,close,volume';
const HOURLY = parseTimeframe('1h');
const BTC = parseSymbol('BTC/USDT');
const START = Date.UTC(2024, 0, 1);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'market-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(name: string, lines: readonly string[], header = HEADER): void {
  writeFileSync(join(folder, name), gzipSync([header, ...lines].join('\n') + '\n'));
}

function hours(...places: number[]): string[] {
  return places.map((place) => `${START + place * HOUR},100.5,110,90.25,105,12.5`);
}

test('candles come out as they are in the file, gaps left out', () => {
  write('BTC_USDT-1h.csv.gz', hours(0, 1, 4));
  const feed = new CsvFeed(folder);
  const candles = collectCandles(feed, BTC, HOURLY, { from: 0, to: null, limit: 10 }, START + DAY);
  expect(candles.map(({ openTime }) => (openTime - START) / HOUR)).toEqual([0, 1, 4]);
  expect(candles[0]).toEqual({ openTime: START, open: 100.5, high: 110, low: 90.25, close: 105, volume: 12.5 });
  expect(feed.range(BTC, HOURLY, START + DAY)).toEqual({ from: START, to: START + 4 * HOUR });
});

test('a forming candle goes from its open towards the final one, and nothing later shows', () => {
  write('BTC_USDT-1h.csv.gz', hours(0, 1, 2));
  const feed = new CsvFeed(folder);
  const at = (now: number) => feed.candle(BTC, HOURLY, START + HOUR, now);
  expect(at(START + HOUR)).toBeNull();
  const half = { open: 100.5, high: 105.25, low: 95.38, close: 102.75, volume: 6.2 };
  expect(at(START + 90 * MINUTE)).toEqual({ openTime: START + HOUR, ...half });
  expect(at(START + 2 * HOUR)).toEqual({
    openTime: START + HOUR,
    open: 100.5,
    high: 110,
    low: 90.25,
    close: 105,
    volume: 12.5,
  });
  expect(feed.range(BTC, HOURLY, START + 90 * MINUTE)?.to).toBe(START + HOUR);
  expect(feed.range(BTC, HOURLY, START)).toBeNull();
});

test('1m and 1M are two files, and a timeframe without a file has no candles', () => {
  write('BTC_USDT-1m.csv.gz', [`${START},1,1,1,1,1`]);
  write('BTC_USDT-1M.csv.gz', [`${START},2,2,2,2,2`]);
  const feed = new CsvFeed(folder);
  expect(feed.candle(BTC, parseTimeframe('1m'), START, START + 60 * DAY)?.open).toBe(1);
  expect(feed.candle(BTC, parseTimeframe('1M'), START, START + 60 * DAY)?.open).toBe(2);
  expect(feed.range(BTC, HOURLY, START + DAY)).toBeNull();
});

test('symbols are those of the files, or the wanted ones among them', () => {
  write('BTC_USDT-1h.csv.gz', hours(0));
  write('ETH_USDT-1h.csv.gz', hours(0));
  writeFileSync(join(folder, 'notes.txt'), '');
  expect(new CsvFeed(folder).listings.map(({ id }) => id)).toEqual(['BTCUSDT', 'ETHUSDT']);
  expect(new CsvFeed(folder, [BTC]).listings.map(({ symbol }) => symbol)).toEqual(['BTC/USDT']);
  expect(() => new CsvFeed(folder, [parseSymbol('LTC/USDT')])).toThrow('no candle file of LTC/USDT');
  expect(() => new CsvFeed(join(folder, 'nowhere'))).toThrow('can not be read');
});

test.each([
  ['a wrong header', 'time,open', hours(0), 'does not begin with'],
  ['rows out of order', HEADER, hours(1, 0), 'line 3 is not a candle'],
  ['a row twice', HEADER, hours(1, 1), 'line 3 is not a candle'],
  ['a field that is no number', HEADER, [`${START},a,1,1,1,1`], 'line 2 is not a candle'],
  ['a field too few', HEADER, [`${START},1,1,1,1`], 'line 2 is not a candle'],
])('a file with %s is refused by name and line', (_fault, header, lines, message) => {
  write('BTC_USDT-1h.csv.gz', lines, header);
  expect(() => new CsvFeed(folder).range(BTC, HOURLY, START + DAY)).toThrow(message);
});

testOnCandles(
  'P7 real candles of every timeframe lie on our calendar, and a forming one keeps the rules',
  (candles) => {
    const feed = new CsvFeed(candles);
    expect(feed.listings.map(({ id }) => id)).toContain('DOGEUSDT');
    for (const frame of ['1h', '1d', '1w', '1M'].map(parseTimeframe)) {
      const now = Date.UTC(2024, 5, 13, 7, 33, 21);
      const page = collectCandles(feed, BTC, frame, { from: null, to: null, limit: 1000 }, now);
      expect(page.every(({ openTime }) => openOf(frame, openTime) === openTime)).toBe(true);
      const forming = page.at(-1);
      expect(forming?.openTime).toBe(openOf(frame, now));
      expect(forming === undefined ? 'missing' : candleFault(forming)).toBeNull();
      const final = feed.candle(BTC, frame, openOf(frame, now), closeOf(frame, now));
      expect(forming?.volume).toBeLessThan(final?.volume ?? 0);
    }
  },
);

testOnCandles('the real outage of 2018-02-08 is a gap of 33 hours', (candles) => {
  const outage = Date.parse('2018-02-08T01:00Z');
  const query = { from: outage - HOUR, to: null, limit: 2 };
  const page = collectCandles(new CsvFeed(candles), BTC, HOURLY, query, Date.UTC(2025, 0, 1));
  expect(page.map(({ openTime }) => (openTime - outage) / HOUR)).toEqual([-1, 33]);
});
