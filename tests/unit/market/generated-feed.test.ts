import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { DAY, HOUR, MINUTE, closeOf, openOf, parseTimeframe, shiftSlots, slotAt } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { Candle, EpochMs, MarketSymbol, TimeframeId } from '../../../src/domain/types';
import { candleFault } from '../../../src/domain/candle';
import { collectCandles } from '../../../src/market/feed';
import { GeneratedFeed } from '../../../src/market/generated-feed';
import { inventedSymbols } from '../../../src/market/instrument';

const runs = { numRuns: Number(process.env.FC_RUNS ?? 40) };
const [ONE_MINUTE, QUARTER, ONE_HOUR, FOUR_HOURS, ONE_DAY, ONE_WEEK, ONE_MONTH] = (
  ['1m', '15m', '1h', '4h', '1d', '1w', '1M'] as const
).map(parseTimeframe) as [TimeframeId, TimeframeId, TimeframeId, TimeframeId, TimeframeId, TimeframeId, TimeframeId];
const BTC = parseSymbol('BTC/USDT');
const SYMBOLS = inventedSymbols(200);
const FROM = Date.UTC(2018, 0, 1);
const NOW = Date.UTC(2026, 0, 1);

const feed = new GeneratedFeed({ seed: 'tests', symbols: SYMBOLS });
const sparseSymbol = findSparse();
const anySymbol = fc.constantFrom(...SYMBOLS.slice(0, 8), sparseSymbol);
const anyInstant = fc.integer({ min: FROM / MINUTE, max: NOW / MINUTE - 1 }).map((minute) => minute * MINUTE);

function findSparse(): MarketSymbol {
  const noOutages = new GeneratedFeed({ seed: 'tests', symbols: SYMBOLS, outagesAYear: 0 });
  const found = SYMBOLS.find((symbol) => {
    const range = noOutages.range(symbol, ONE_HOUR, NOW);
    return range !== null && between(noOutages, symbol, ONE_HOUR, NOW - 20 * DAY, NOW).length < 480;
  });
  if (found === undefined) throw new Error('no sparse symbol among 200');
  return found;
}

function between(
  source: GeneratedFeed,
  symbol: MarketSymbol,
  timeframe: TimeframeId,
  from: EpochMs,
  until: EpochMs,
): Candle[] {
  const candles: Candle[] = [];
  for (let at = from; at < until; at = closeOf(timeframe, at)) {
    const candle = source.candle(symbol, timeframe, at, NOW);
    if (candle !== null) candles.push(candle);
  }
  return candles;
}

function lotDecimals(symbol: MarketSymbol): number {
  return feed.listings.find((listing) => listing.symbol === symbol)?.lotDecimals ?? 0;
}

/** The sum of finer candles, written without the feed's own joining. */
function sumOf(candles: readonly Candle[], openTime: EpochMs, decimals: number): Candle | null {
  const first = candles[0];
  const last = candles.at(-1);
  if (first === undefined || last === undefined) return null;
  return {
    openTime,
    open: first.open,
    high: Math.max(...candles.map((candle) => candle.high)),
    low: Math.min(...candles.map((candle) => candle.low)),
    close: last.close,
    volume: candles.reduce((lots, { volume }) => lots + Math.round(volume * 10 ** decimals), 0) / 10 ** decimals,
  };
}

test.each([
  ['1h', '1m', ONE_HOUR, ONE_MINUTE],
  ['15m', '1m', QUARTER, ONE_MINUTE],
  ['4h', '1h', FOUR_HOURS, ONE_HOUR],
  ['1d', '1h', ONE_DAY, ONE_HOUR],
  ['1w', '1h', ONE_WEEK, ONE_HOUR],
  ['1M', '1d', ONE_MONTH, ONE_DAY],
])('P7 a generated %s candle is the sum of its %s candles', (_one, _other, coarse, fine) => {
  fc.assert(
    fc.property(anySymbol, anyInstant, (symbol, instant) => {
      const openTime = openOf(coarse, instant);
      const parts = between(feed, symbol, fine, openTime, closeOf(coarse, openTime));
      expect(feed.candle(symbol, coarse, openTime, NOW)).toEqual(sumOf(parts, openTime, lotDecimals(symbol)));
    }),
    runs,
  );
});

test('I09 every generated candle, whole or forming, keeps the rules of a candle', () => {
  const frames = fc.constantFrom(ONE_MINUTE, ONE_HOUR, ONE_DAY, ONE_WEEK, ONE_MONTH);
  fc.assert(
    fc.property(anySymbol, anyInstant, frames, fc.integer({ min: 1, max: 40 * DAY }), (symbol, at, frame, later) => {
      const candle = feed.candle(symbol, frame, openOf(frame, at), at + later);
      if (candle !== null) expect(candleFault(candle)).toBeNull();
    }),
    runs,
  );
});

test('a forming candle only grows, and closes as the final one', () => {
  const frames = fc.constantFrom(ONE_MINUTE, ONE_HOUR, ONE_DAY, ONE_WEEK);
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(anySymbol, anyInstant, frames, share, share, (symbol, at, frame, one, other) => {
      const open = openOf(frame, at);
      const length = closeOf(frame, open) - open;
      const seen = [Math.min(one, other), Math.max(one, other), 1]
        .map((part) => feed.candle(symbol, frame, open, open + Math.floor(part * length)))
        .filter((candle) => candle !== null);
      for (const [index, later] of seen.entries()) {
        const earlier = seen[Math.max(0, index - 1)] ?? later;
        expect(later.open).toBe(earlier.open);
        expect(later.high).toBeGreaterThanOrEqual(earlier.high);
        expect(later.low).toBeLessThanOrEqual(earlier.low);
        expect(later.volume).toBeGreaterThanOrEqual(earlier.volume);
      }
      expect(seen.at(-1) ?? null).toEqual(feed.candle(symbol, frame, open, NOW + 400 * DAY));
    }),
    runs,
  );
});

test('what a market shows at one moment is what it showed, cut there: nothing of the future', () => {
  const slot = Date.UTC(2024, 4, 6);
  const noon = slot + 12 * HOUR + 30 * MINUTE;
  const day = feed.candle(BTC, ONE_DAY, slot, noon);
  const hours = between(feed, BTC, ONE_HOUR, slot, slot + 12 * HOUR);
  const half = between(feed, BTC, ONE_MINUTE, slot + 12 * HOUR, noon);
  expect(day).toEqual(sumOf([...hours, ...half], slot, 5));
  expect(feed.candle(BTC, ONE_HOUR, slot + 13 * HOUR, noon)).toBeNull();
  expect(feed.candle(BTC, ONE_DAY, slot, slot)).toBeNull();
});

test('P7 the first candle of every timeframe is the one that holds the listing, and none is older', () => {
  for (const { symbol, listedAt } of feed.listings) {
    expect(feed.range(symbol, ONE_HOUR, listedAt)).toBeNull();
    expect(feed.candle(symbol, ONE_HOUR, listedAt - HOUR, NOW)).toBeNull();
    for (const frame of [ONE_HOUR, ONE_DAY, ONE_WEEK, ONE_MONTH]) {
      const [first] = collectCandles(feed, symbol, frame, { from: 0, to: null, limit: 1 }, NOW);
      const range = feed.range(symbol, frame, NOW);
      expect(range?.from).toBe(openOf(frame, listedAt));
      expect(feed.candle(symbol, frame, shiftSlots(frame, listedAt, -1), NOW)).toBeNull();
      if (frame !== ONE_HOUR) expect(first?.openTime).toBe(range?.from);
    }
  }
  expect(feed.listings[0]?.listedAt).toBe(Date.parse('2017-08-17T04:00Z'));
});

test('an outage hits all symbols alike, and they are rare', () => {
  const from = Date.UTC(2021, 0, 1);
  const until = Date.UTC(2025, 0, 1);
  const missing = (symbol: MarketSymbol): EpochMs[] => {
    const present = new Set(between(feed, symbol, ONE_HOUR, from, until).map(({ openTime }) => openTime));
    return Array.from({ length: (until - from) / HOUR }, (_, index) => from + index * HOUR).filter(
      (time) => !present.has(time),
    );
  };
  const outages = missing(BTC);
  expect(outages.length).toBeGreaterThan(4);
  expect(outages.length).toBeLessThan(300);
  expect(missing(parseSymbol('DOGE/USDT'))).toEqual(outages);
  expect(missing(sparseSymbol).length).toBeGreaterThan(outages.length);
  expect(missing(sparseSymbol)).toEqual(expect.arrayContaining(outages));
});

test('without outages a liquid symbol has every slot, and with a sparse one slots are empty', () => {
  const calm = new GeneratedFeed({ seed: 'tests', symbols: [BTC, sparseSymbol], outagesAYear: 0 });
  const until = Date.UTC(2025, 0, 31);
  const slots = (30 * DAY) / HOUR;
  expect(between(calm, BTC, ONE_HOUR, until - 30 * DAY, until)).toHaveLength(slots);
  expect(between(calm, BTC, ONE_MINUTE, until - DAY, until)).toHaveLength(1440);
  const hours = between(calm, sparseSymbol, ONE_HOUR, until - 30 * DAY, until);
  expect(hours.length).toBeLessThan(slots);
  expect(hours.length).toBeGreaterThan(slots * 0.8);
  expect(between(calm, sparseSymbol, ONE_MINUTE, until - DAY, until).length).toBeLessThan(700);
});

test('a candle is a function of seed, symbol and slot: not of the other symbols, nor of what was asked before', () => {
  const far = Date.UTC(2023, 6, 1);
  const alone = new GeneratedFeed({ seed: 'tests', symbols: [sparseSymbol, parseSymbol('SOL/USDT')] });
  expect(between(alone, parseSymbol('SOL/USDT'), ONE_HOUR, far, far + 3 * DAY)).toEqual(
    between(feed, parseSymbol('SOL/USDT'), ONE_HOUR, far, far + 3 * DAY),
  );
  const other = new GeneratedFeed({ seed: 'another', symbols: [BTC] });
  expect(other.candle(BTC, ONE_HOUR, far, NOW)).not.toEqual(feed.candle(BTC, ONE_HOUR, far, NOW));
});

test('blocks that were forgotten are made again alike', () => {
  const before = between(feed, BTC, ONE_HOUR, Date.UTC(2018, 0, 1), Date.UTC(2018, 0, 8));
  for (const symbol of SYMBOLS.slice(0, 12)) between(feed, symbol, ONE_MONTH, Date.UTC(2018, 0, 1), NOW);
  expect(between(feed, BTC, ONE_HOUR, Date.UTC(2018, 0, 1), Date.UTC(2018, 0, 8))).toEqual(before);
});

test('the walk goes on past the present', () => {
  const open = Date.UTC(2031, 0, 1, 5);
  const candle = feed.candle(BTC, ONE_HOUR, open, open + DAY);
  expect(candle === null ? 'a gap' : candleFault(candle)).toBeNull();
});

test('invented symbols are 200 different names, and prices are plausible and on their ticks', () => {
  expect(new Set(SYMBOLS).size).toBe(200);
  expect(SYMBOLS.slice(0, 5)).toEqual(['BTC/USDT', 'ETH/USDT', 'XRP/USDT', 'SOL/USDT', 'DOGE/USDT']);
  for (const { symbol, priceDecimals } of feed.listings.slice(0, 30)) {
    const candle = feed.candle(symbol, ONE_WEEK, openOf(ONE_WEEK, Date.UTC(2024, 10, 1)), NOW);
    expect(candle?.close).toBeGreaterThan(50 * 10 ** -priceDecimals);
    expect(candle?.close).toBeLessThan(1_000_000);
    expect(Number(candle?.close.toFixed(priceDecimals))).toBe(candle?.close);
  }
});

test('1000 candles of seed 1 are the ones they have always been, on every machine', () => {
  const fresh = new GeneratedFeed({ seed: '1', symbols: SYMBOLS });
  const hash = createHash('sha256');
  for (const [symbol, frame] of [
    [BTC, ONE_HOUR],
    [parseSymbol('DOGE/USDT'), ONE_MINUTE],
    [sparseSymbol, ONE_HOUR],
    [parseSymbol('ETH/USDT'), ONE_DAY],
  ] as const) {
    const from = openOf(frame, Date.UTC(2024, 8, 1));
    hash.update(JSON.stringify(collectCandles(fresh, symbol, frame, { from, to: null, limit: 250 }, NOW)));
  }
  expect(hash.digest('hex')).toBe('9a22cc46355fb905e01cef622ba8734510cf21527834758a68adb9bfd028943d');
});

test('the slots of a page are found from either end', () => {
  const from = slotAt(ONE_DAY, 19_000);
  const days = (query: { from: number | null; to: number | null }): EpochMs[] =>
    collectCandles(feed, BTC, ONE_DAY, { ...query, limit: 3 }, NOW).map(({ openTime }) => (openTime - from) / DAY);
  expect(days({ from: from - 1, to: null })).toEqual([0, 1, 2]);
  expect(days({ from: from + 1, to: from + 2 * DAY })).toEqual([1, 2]);
  expect(days({ from: null, to: from + DAY - 1 })).toEqual([-2, -1, 0]);
  expect(days({ from: NOW, to: null })).toEqual([]);
  expect(days({ from: null, to: null }).at(-1)).toBe((NOW - from) / DAY - 1);
});
