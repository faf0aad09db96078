import { findEarliest } from '../../../src/ingest/earliest';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { BTC, after, candle, candles, exchangeThat, jumping, rowOf, slot, windowed } from './ingest-under-test';
import type { Pair } from '../../../src/domain/types';
import type { PageRequest } from '../../../src/ports/exchange';

const find = (exchange: Parameters<typeof findEarliest>[0], newest: number, pair: Pair = BTC) =>
  findEarliest(exchange, { pair, asOf: after(newest, pair) });

const truth = candles(300, 1999);

test('F73 an exchange that jumps to its first candle is asked twice, with pages of different size', async () => {
  const exchange = exchangeThat(jumping(truth));
  expect(await find(exchange, 1999)).toBe(slot(300));
  expect(exchange.requests).toHaveLength(2);
  expect(exchange.requests[0]?.limit).not.toBe(exchange.requests[1]?.limit);
});

test('F73 an exchange that answers nothing before the listing is searched by halves', async () => {
  const exchange = exchangeThat(windowed(truth));
  expect(await find(exchange, 1999)).toBe(slot(300));
  expect(exchange.requests.length).toBeLessThan(20);
});

test.each([100, 300, 720])('F73 the search is right when the exchange answers at most %i slots', async (cap) => {
  expect(await find(exchangeThat(windowed(truth, cap)), 1999)).toBe(slot(300));
});

test('F73 a row of zeros at time 0 is no first candle', async () => {
  const zeros = (asked: PageRequest): readonly unknown[] => {
    const rows = windowed(truth)(asked);
    return rows.length === 0 ? [[0, 0, 0, 0, 0, 0]] : rows;
  };
  expect(await find(exchangeThat(zeros), 1999)).toBe(slot(300));
});

test('a bad first row is no first candle', async () => {
  const exchange = exchangeThat((asked) =>
    jumping(truth)(asked).map((row) => (row[0] === slot(300) ? [slot(300), 0, 0, 0, 0, 0] : row)),
  );
  expect(await find(exchange, 1999)).toBe(slot(301));
});

test.each([1, 50, 99, 100, 101, 1999])('the search finds a listing %i slots before now', async (age) => {
  const listed = candles(2000 - age, 1999);
  expect(await find(exchangeThat(windowed(listed)), 1999)).toBe(slot(2000 - age));
});

test.each(['1d', '1w', '1M'])('the first candle of %s is found on its own calendar', async (name) => {
  const pair = { ...BTC, timeframe: parseTimeframe(name) };
  const series = candles(-20, 30, pair).filter(({ openTime }) => openTime > 0);
  const first = series[0]?.openTime;
  expect(await find(exchangeThat(jumping(series)), 30, pair)).toBe(first);
  expect(await find(exchangeThat(windowed(series)), 30, pair)).toBe(first);
});

test('a pair that has only the candle that is forming has no first candle yet', async () => {
  const exchange = exchangeThat(jumping([candle(10)]));
  expect(await find(exchange, 9)).toBeNull();
});

test('a single empty answer does not move the listing', async () => {
  const exchange = exchangeThat((asked, number) => (number === 1 ? [] : jumping(truth)(asked)));
  expect(await find(exchange, 1999)).toBe(slot(300));
});

test('an exchange that answers another first candle each time is not believed', async () => {
  const exchange = exchangeThat((_, number) => [rowOf(candle(300 + number))]);
  await expect(find(exchange, 1999)).rejects.toMatchObject({ code: 'bad_response' });
});
