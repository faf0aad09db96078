import * as fc from 'fast-check';
import { pages } from '../../../src/ingest/pages';
import { BTC, HOUR, after, candle, candles, exchangeThat, jumping, rowOf, slot, windowed } from './ingest-under-test';
import type { Candle } from '../../../src/domain/types';
import type { PagesRequest } from '../../../src/ingest/pages';
import type { QuarantinedRow } from '../../../src/ports/exchange';
import type { ScriptedExchange } from './ingest-under-test';

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 100) };

function request(to: number, changes: Partial<PagesRequest> = {}): PagesRequest {
  return { ...BTC, from: slot(0), to: slot(to), asOf: after(to), priority: 'fill', ...changes };
}

async function collect(exchange: ScriptedExchange, asked: PagesRequest): Promise<Candle[]> {
  const all: Candle[] = [];
  for await (const run of pages(exchange, asked)) all.push(...run.candles);
  return all;
}

test.each([1000, 720, 300, 100, 99, 1])('F70 history is complete when the exchange caps a page at %i', async (cap) => {
  const truth = candles(0, 1499);
  const exchange = exchangeThat(jumping(truth, cap));
  expect(await collect(exchange, request(1499))).toEqual(truth);
  expect(exchange.requests).toHaveLength(Math.ceil(1500 / cap));
});

test('F70 history is complete when a page is one short of what was asked for', async () => {
  const truth = candles(0, 2499);
  const exchange = exchangeThat((asked) => jumping(truth)({ ...asked, limit: asked.limit - 1 }));
  expect(await collect(exchange, request(2499))).toEqual(truth);
});

test('F70 history is complete when every page overlaps the one before', async () => {
  const truth = candles(0, 499);
  const exchange = exchangeThat((asked) => jumping(truth, 50)({ ...asked, since: asked.since - 7 * HOUR }));
  expect(await collect(exchange, request(499))).toEqual(truth);
});

test('nothing before the start or after the end is given out', async () => {
  const exchange = exchangeThat((asked) => jumping(candles(0, 99))({ ...asked, since: 0 }));
  expect(await collect(exchange, request(20, { from: slot(10), asOf: after(99) }))).toEqual(candles(10, 20));
});

test('a start between two slots means the next slot', async () => {
  const exchange = exchangeThat(jumping(candles(0, 5)));
  expect(await collect(exchange, request(5, { from: slot(1) + 1 }))).toEqual(candles(2, 5));
});

test('I01 the candle that is forming ends the walk with one request', async () => {
  const exchange = exchangeThat(jumping(candles(0, 9)));
  const asOf = slot(9) + HOUR / 2;
  expect(await collect(exchange, request(20, { asOf }))).toEqual(candles(0, 8));
  expect(exchange.requests).toHaveLength(1);
});

test('I61 an empty answer in mid-history moves nothing: the same slot is asked again with another size', async () => {
  const truth = candles(0, 299);
  const exchange = exchangeThat((asked, number) => (number === 2 ? [] : jumping(truth, 100)(asked)));
  expect(await collect(exchange, request(299))).toEqual(truth);
  const [, second, third] = exchange.requests;
  expect(third?.since).toBe(second?.since);
  expect(third?.limit).not.toBe(second?.limit);
});

test('I61 a hole that is empty twice is looked past, and what follows is complete', async () => {
  const truth = [...candles(0, 99), ...candles(5000, 5199)];
  const exchange = exchangeThat(windowed(truth, 100));
  const all = await collect(exchange, request(5199, { limit: 100 }));
  expect(all.slice(0, 100)).toEqual(candles(0, 99));
  expect(all.at(-1)).toEqual(candle(5199));
  expect(exchange.requests.length).toBeLessThan(20);
});

test('I61 a hole of one slot is not looked past its end where a page is one candle', async () => {
  const truth = [candle(0), ...candles(2, 9)];
  expect(await collect(exchangeThat(windowed(truth, 1), 1), request(9))).toEqual(truth);
});

test('an exchange that has nothing at all is asked a handful of times', async () => {
  const exchange = exchangeThat(() => []);
  expect(await collect(exchange, request(60_000))).toEqual([]);
  expect(exchange.requests.length).toBeLessThanOrEqual(10);
});

test('an exchange that is late with its newest candle ends the walk without a failure', async () => {
  const exchange = exchangeThat((asked) => {
    const rows = jumping(candles(0, 8))(asked);
    return rows.length === 0 ? [rowOf(candle(8))] : rows;
  });
  expect(await collect(exchange, request(9))).toEqual(candles(0, 8));
});

test('F71 the same page for ever is refused after two requests', async () => {
  const exchange = exchangeThat(() => candles(0, 99).map(rowOf));
  await expect(collect(exchange, request(999))).rejects.toMatchObject({ code: 'no_progress', retry: 'permanent' });
  expect(exchange.requests).toHaveLength(3);
});

test('F67 rows that contradict each other are asked for once more, and are candles when they agree then', async () => {
  const truth = candles(0, 49);
  const twice = [...truth, { ...candle(7), volume: 77 }].map(rowOf);
  const exchange = exchangeThat((asked, number) => (number === 1 ? twice : jumping(truth)(asked)));
  expect(await collect(exchange, request(49))).toEqual(truth);
  expect(exchange.requests).toHaveLength(2);
});

test('F67 rows that still contradict each other go to quarantine, and the walk goes on', async () => {
  const truth = candles(0, 49);
  const twice = [...truth, { ...candle(7), volume: 77 }].map(rowOf);
  const exchange = exchangeThat(() => twice);
  const refused: QuarantinedRow[] = [];
  const all = await collect(exchange, request(49, { onRefused: async (rows) => void refused.push(...rows) }));
  expect(all).toEqual(truth.filter(({ openTime }) => openTime !== slot(7)));
  expect(refused.map(({ reason }) => reason)).toEqual(['conflicting_duplicate', 'conflicting_duplicate']);
  expect(exchange.requests).toHaveLength(2);
});

test('a page of which too much is bad twice is refused, after its rows were told', async () => {
  const exchange = exchangeThat(() => [[slot(0), 1, 2, 3, 4, 5], [slot(1), -1, 2, 3, 4, 5], rowOf(candle(2))]);
  const refused: QuarantinedRow[] = [];
  const asked = collect(exchange, request(9, { onRefused: async (rows) => void refused.push(...rows) }));
  await expect(asked).rejects.toMatchObject({ code: 'page_rejected' });
  expect(refused).toHaveLength(2);
  expect(exchange.requests).toHaveLength(2);
});

test('F76 one answer on another calendar is asked for once more, and its rows are not believed', async () => {
  const truth = candles(0, 49);
  const late = truth.map((each) => rowOf({ ...each, openTime: each.openTime + 1000 }));
  const exchange = exchangeThat((asked, number) => (number === 1 ? late : jumping(truth)(asked)));
  expect(await collect(exchange, request(49))).toEqual(truth);
});

test('F76 answers on another calendar are in quarantine and refused by name, and may pass', async () => {
  const exchange = exchangeThat(() => candles(0, 3).map((each) => rowOf({ ...each, openTime: each.openTime / 1000 })));
  const refused: QuarantinedRow[] = [];
  const asked = collect(exchange, request(9, { onRefused: async (rows) => void refused.push(...rows) }));
  await expect(asked).rejects.toMatchObject({ code: 'unsupported_timeframe', retry: 'transient' });
  expect(refused.map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => 'misaligned'));
});

test('a walk that is called off sends nothing more', async () => {
  const caller = new AbortController();
  const exchange = exchangeThat(jumping(candles(0, 99), 10));
  const walk = async (): Promise<void> => {
    for await (const run of pages(exchange, request(99, { signal: caller.signal }))) {
      if (run.reached === slot(19)) caller.abort(new Error('called off'));
    }
  };
  await expect(walk()).rejects.toThrow('called off');
  expect(exchange.requests).toHaveLength(2);
});

/** A truth with holes, and the manners of an exchange. */
const market = fc.record({
  // Runs of slots without candles, and of slots with them.
  runs: fc.array(fc.tuple(fc.nat({ max: 12 }), fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 15 }),
  cap: fc.integer({ min: 1, max: 30 }),
  manner: fc.constantFrom(jumping, windowed),
});

test('I61 I62 every candle from the first on is found unless a hole is wider than a page, in bounded requests', async () => {
  await fc.assert(
    fc.asyncProperty(market, async ({ runs, cap, manner }) => {
      const present = runs.flatMap(([empty, traded]) => [
        ...Array<boolean>(empty).fill(false),
        ...Array<boolean>(traded).fill(true),
      ]);
      const truth = candles(0, present.length - 1).filter((_, index) => present[index]);
      const exchange = exchangeThat(manner(truth, cap), cap);
      const all = await collect(exchange, request(present.length - 1));
      const times = all.map(({ openTime }) => openTime);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(new Set(times).size).toBe(times.length);
      const given = new Set(times);
      expect(all).toEqual(truth.filter(({ openTime }) => given.has(openTime)));
      // What lies behind a hole wider than a page may be missed by a walk; up to there nothing may.
      const wide = truth.findIndex(({ openTime }, index) => {
        const last = truth[index - 1]?.openTime ?? slot(-1);
        return openTime - last > (cap + 1) * HOUR;
      });
      const near = wide === -1 ? truth : truth.slice(0, wide);
      expect(all.slice(0, near.length)).toEqual(near);
      if (manner === jumping) {
        expect(all).toEqual(truth);
        const smallest = Math.min(cap, Math.max(1, truth.length));
        expect(exchange.requests.length).toBeLessThanOrEqual(Math.ceil(present.length / smallest) + 3);
      }
      // Whatever the manners: each slot at most leads to two asks, and looking ahead takes the logarithm.
      expect(exchange.requests.length).toBeLessThanOrEqual(3 * present.length + 10);
    }),
    RUNS,
  );
});

test('I61 no candle is lost to empty answers that come now and then', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 2, max: 30 }), fc.integer({ min: 2, max: 9 }), async (cap, every) => {
      const truth = candles(0, 199);
      const exchange = exchangeThat((asked, number) => (number % every === 0 ? [] : jumping(truth, cap)(asked)));
      expect(await collect(exchange, request(199))).toEqual(truth);
    }),
    RUNS,
  );
});
