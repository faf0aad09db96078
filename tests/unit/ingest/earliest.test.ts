import * as fc from 'fast-check';
import { findEarliest } from '../../../src/ingest/earliest';
import { PipelineError } from '../../../src/domain/errors';
import { isClosed, openOf, parseTimeframe } from '../../../src/domain/timeframe';
import {
  BTC,
  HOUR,
  SETTLE_MS,
  START,
  after,
  before,
  candle,
  candles,
  exchangeThat,
  jumping,
  rowOf,
  slot,
  windowed,
} from './ingest-under-test';
import type { Candle, EpochMs, Pair, TimeframeId } from '../../../src/domain/types';
import type { PageRequest } from '../../../src/ports/exchange';

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 100) };

const find = (exchange: Parameters<typeof findEarliest>[0], newest: number, pair: Pair = BTC) =>
  findEarliest(exchange, { pair, asOf: after(newest, pair) });

const truth = candles(300, 1999);

test('F73 an exchange that jumps to its first candle is asked twice, with pages of different size', async () => {
  const exchange = exchangeThat(jumping(truth));
  expect(await find(exchange, 1999)).toBe(slot(300));
  expect(exchange.requests).toHaveLength(2);
  expect(exchange.requests[0]?.limit).not.toBe(exchange.requests[1]?.limit);
});

/** An exchange that answers windows of at most `cap` slots and offers no timeframe but the one asked for. */
const only = (series: readonly Candle[], { timeframe }: Pair = BTC, cap?: number) =>
  exchangeThat(windowed(series, cap), undefined, [timeframe]);

test('F73 an exchange that answers nothing before the listing is searched by halves', async () => {
  const exchange = only(truth);
  expect(await find(exchange, 1999)).toBe(slot(300));
  expect(exchange.requests.length).toBeLessThan(20);
});

test.each([100, 300, 720])('F73 the search is right when the exchange answers at most %i slots', async (cap) => {
  expect(await find(only(truth, BTC, cap), 1999)).toBe(slot(300));
});

test('F73 a row of zeros at time 0 is no first candle', async () => {
  const zeros = (asked: PageRequest): readonly unknown[] => {
    const rows = windowed(truth)(asked);
    return rows.length === 0 ? [[0, 0, 0, 0, 0, 0]] : rows;
  };
  expect(await find(exchangeThat(zeros, undefined, [BTC.timeframe]), 1999)).toBe(slot(300));
});

test('a bad first row is no first candle', async () => {
  const exchange = exchangeThat((asked) =>
    jumping(truth)(asked).map((row) => (row[0] === slot(300) ? [slot(300), 0, 0, 0, 0, 0] : row)),
  );
  expect(await find(exchange, 1999)).toBe(slot(301));
});

test.each([1, 50, 99, 100, 101, 1999])('the search finds a listing %i slots before now', async (age) => {
  const listed = candles(2000 - age, 1999);
  expect(await find(only(listed), 1999)).toBe(slot(2000 - age));
});

test.each(['1d', '1w', '1M'])('the first candle of %s is found on its own calendar', async (name) => {
  const pair = { ...BTC, timeframe: parseTimeframe(name) };
  const series = candles(-20, 30, pair).filter(({ openTime }) => openTime > 0);
  const first = series[0]?.openTime;
  expect(await find(exchangeThat(jumping(series)), 30, pair)).toBe(first);
  expect(await find(only(series, pair), 30, pair)).toBe(first);
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

describe('an exchange that answers windows, and halts of the trade (F73 P4)', () => {
  /** Slots of `timeframe` in which hours were traded, from `from` on. */
  const seriesOf = (hours: readonly EpochMs[], timeframe: TimeframeId, from = -Infinity): Candle[] =>
    [...new Set(hours.map((hour) => openOf(timeframe, hour)))]
      .filter((openTime) => openTime >= from)
      .map((openTime) => ({ ...candle(0), openTime }));

  interface Offer {
    readonly hours: readonly EpochMs[];
    readonly offered: readonly string[];
    readonly page: number;
    /** Where the history of a timeframe begins, of those that do not begin with the first trade. */
    readonly from?: Readonly<Record<string, EpochMs>>;
  }
  const offering = ({ hours, offered, page, from = {} }: Offer) => {
    const timeframes = offered.map(parseTimeframe);
    const series = new Map(timeframes.map((each) => [each, seriesOf(hours, each, from[each])]));
    return exchangeThat((asked) => windowed(series.get(asked.timeframe) ?? [], page)(asked), page, timeframes);
  };
  const hoursOf = (...runs: readonly (readonly [number, number])[]): EpochMs[] =>
    runs.flatMap(([first, last]) => candles(first, last).map(({ openTime }) => openTime));
  const [now, year] = [3000, 8760];

  test('a symbol that was halted for years keeps what it traded before', async () => {
    const hours = hoursOf([-5 * year, -4 * year], [-year, now]);
    const exchange = offering({ hours, offered: ['1h', '6h', '1d'], page: 300 });
    expect(await find(exchange, now)).toBe(hours[0]);
    expect(exchange.requests.length).toBeLessThan(40);
    const daily = { ...BTC, timeframe: parseTimeframe('1d') };
    expect(await findEarliest(exchange, { pair: daily, asOf: after(now) })).toBe(
      openOf(daily.timeframe, hours[0] ?? 0),
    );
  });

  test('hours that begin years after the days, with a halt since, are found at their own beginning', async () => {
    const hours = hoursOf([-9 * year, -3 * year], [-2 * year, -1.6 * year], [0, now]);
    const from = { '1h': slot(-1.9 * year) };
    const exchange = offering({ hours, offered: ['1h', '1d'], page: 300, from });
    expect(await find(exchange, now)).toBe(slot(-1.9 * year));
    expect(exchange.requests.length).toBeLessThan(100);
  });

  test('hours that begin long before the days are found at their own beginning', async () => {
    const exchange = offering({
      hours: hoursOf([-2 * year, now]),
      offered: ['1h', '1d'],
      page: 300,
      from: { '1d': slot(-year) },
    });
    expect(await find(exchange, now)).toBe(slot(-2 * year));
  });

  test('a symbol that trades no more has its first candle all the same', async () => {
    const exchange = offering({ hours: hoursOf([-2 * year, -year]), offered: ['1h', '1d'], page: 300 });
    expect(await find(exchange, now)).toBe(slot(-2 * year));
  });

  test('a listing in the day that has not ended is found', async () => {
    const exchange = offering({ hours: hoursOf([now - 3, now]), offered: ['1h', '1d', '1w', '1M'], page: 300 });
    expect(await find(exchange, now)).toBe(slot(now - 3));
  });

  test('without a coarser timeframe what lies before a long halt is not found', async () => {
    const hours = hoursOf([-5 * year, -4 * year], [-year, now]);
    expect(await find(offering({ hours, offered: ['1h'], page: 300 }), now)).toBe(slot(-year));
  });

  test('a coarser timeframe that does not open on our calendar is done without', async () => {
    const hours = hoursOf([-5 * year, -4 * year], [-year, now]);
    const honest = offering({ hours, offered: ['1h', '1d', '1w'], page: 300 });
    const exchange = before(honest, async ({ timeframe }) => {
      if (timeframe === '1w') throw new PipelineError('unsupported_timeframe', 'weeks open on Sunday');
    });
    expect(await find(exchange, now)).toBe(hours[0]);
  });

  const world = fc.record({
    // Hours of trade, and hours of halt before them.
    runs: fc.array(fc.tuple(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 60 })), {
      minLength: 1,
      maxLength: 5,
    }),
    coarser: fc.constantFrom(['1d'], ['6h', '1d'], ['1d', '1w'], ['4h', '1d', '1w', '1M']),
    page: fc.constantFrom(100, 300, 1000),
    wanted: fc.constantFrom('1h', '1d'),
    // The run with which the wanted timeframe begins.
    begins: fc.nat({ max: 4 }),
  });

  test('whatever the halts and wherever its history begins, the first candle of a timeframe is found', async () => {
    await fc.assert(
      fc.asyncProperty(world, async ({ runs, coarser, page, wanted, begins }) => {
        const timeframe = parseTimeframe(wanted);
        const hours: EpochMs[] = [];
        const starts: EpochMs[] = [];
        let at = START;
        for (const [halt, traded] of runs) {
          at += halt * HOUR;
          starts.push(at);
          for (let hour = 0; hour < traded; hour++, at += HOUR) hours.push(at);
        }
        const from = openOf(timeframe, starts[begins] ?? START);
        const exchange = offering({ hours, offered: ['1h', ...coarser], page, from: { [wanted]: from } });
        const asOf = at + SETTLE_MS;
        const expected = seriesOf(hours, timeframe, from).find(({ openTime }) =>
          isClosed(timeframe, openTime, asOf, SETTLE_MS),
        );
        expect(await findEarliest(exchange, { pair: { ...BTC, timeframe }, asOf })).toBe(expected?.openTime ?? null);
        expect(exchange.requests.length).toBeLessThan(150);
      }),
      RUNS,
    );
  });
});
