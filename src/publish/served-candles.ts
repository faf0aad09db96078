import { DAY, closeOf, shiftSlots } from '../domain/timeframe';
import type { TimeframeRules } from '../domain/timeframe-rules';
import type { Candle, EpochMs, Pair } from '../domain/types';
import type { CandleStore } from '../ports/candle-store';

const PAGE = 10_000;

/**
 * The candles that the history document of a pair holds (SPEC 1, served history), ascending: those that open at or before
 * `lastOpen`, the newest count, the newest days before the last close, or all.
 */
export async function readServedCandles(
  store: CandleStore,
  pair: Pair,
  rules: Pick<TimeframeRules, 'served'>,
  lastOpen: EpochMs,
): Promise<Candle[]> {
  const { served } = rules;
  if (served !== 'all' && 'candles' in served) return store.last(pair, served.candles, lastOpen);
  if (served === 'all') return readAll(store, pair, Number.NEGATIVE_INFINITY, lastOpen);
  const [last] = await store.last(pair, 1, lastOpen);
  if (last === undefined) return [];
  return readAll(store, pair, closeOf(pair.timeframe, last.openTime) - served.days * DAY, last.openTime);
}

async function readAll(store: CandleStore, pair: Pair, from: EpochMs, to: EpochMs): Promise<Candle[]> {
  const candles: Candle[] = [];
  let next = from;
  for (;;) {
    const page = await store.read(pair, { ...(Number.isFinite(next) ? { from: next } : {}), to, limit: PAGE });
    for (const candle of page) candles.push(candle);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return candles;
    next = shiftSlots(pair.timeframe, last.openTime, 1);
  }
}
