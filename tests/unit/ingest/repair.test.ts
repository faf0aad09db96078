import * as fc from 'fast-check';
import { intersectRanges } from '../../../src/domain/coverage';
import { PipelineError } from '../../../src/domain/errors';
import { repair } from '../../../src/ingest/repair';
import {
  BTC,
  HOUR,
  START,
  after,
  before,
  candles,
  exchangeThat,
  ingestPorts,
  jumping,
  rowOf,
  slot,
  windowed,
  without,
} from './ingest-under-test';
import type { Candle } from '../../../src/domain/types';
import type { PageRequest } from '../../../src/ports/exchange';

const RUNS = { numRuns: Number(process.env.FC_RUNS ?? 50) };
const LAST = 999;
/** Holes are older than 48 h then. */
const LATER = after(LAST) + 72 * HOUR;

/** A store that has `stored` and an exchange that has `truth`. */
async function portsWith(stored: readonly Candle[], truth: readonly Candle[], now = LATER) {
  const ports = ingestPorts(now, truth);
  await ports.candles.write(BTC, stored, after(LAST));
  return ports;
}
const stored = (ports: Pick<Awaited<ReturnType<typeof portsWith>>, 'candles'>) =>
  ports.candles.read(BTC, { limit: 100_000 });

test('a range without holes costs no request', async () => {
  const ports = await portsWith(candles(0, LAST), candles(0, LAST));
  expect(await repair(ports, { pair: BTC, asOf: LATER })).toEqual({
    missing: 0,
    asked: 0,
    found: 0,
    confirmed: 0,
    undecided: 0,
    requests: 0,
  });
  expect(ports.exchange.requests).toEqual([]);
});

test('candles that the exchange has are stored, with one request for holes near each other', async () => {
  const ports = await portsWith(without(candles(0, LAST), 100, 101, 300, 500), candles(0, LAST));
  expect(await repair(ports, { pair: BTC, asOf: LATER })).toMatchObject({
    found: 4,
    missing: 0,
    undecided: 0,
    requests: 1,
  });
  expect(await stored(ports)).toEqual(candles(0, LAST));
  expect(await ports.gapLedger.list(BTC)).toEqual([]);
});

test('F66 an old hole is confirmed empty in one run, by two asks of different size', async () => {
  const truth = without(candles(0, LAST), 100, 101);
  const ports = await portsWith(truth, truth);
  expect(await repair(ports, { pair: BTC, asOf: LATER })).toEqual({
    missing: 2,
    asked: 4,
    found: 0,
    confirmed: 2,
    undecided: 0,
    requests: 2,
  });
  expect(await ports.gapLedger.list(BTC)).toEqual([
    { from: slot(100), to: slot(101), state: 'confirmed_empty', asks: 2, firstAskedAt: LATER, lastAskedAt: LATER },
  ]);
  expect(new Set(ports.exchange.requests.map(({ limit }) => limit)).size).toBe(2);
  expect(await stored(ports)).toEqual(truth);
});

test('what is confirmed empty is not asked for again', async () => {
  const truth = without(candles(0, LAST), 100);
  const ports = await portsWith(truth, truth);
  await repair(ports, { pair: BTC, asOf: LATER });
  expect(await repair(ports, { pair: BTC, asOf: LATER + HOUR })).toMatchObject({
    missing: 1,
    undecided: 0,
    requests: 0,
  });
});

test('F66 a new hole is suspect after one ask, and is confirmed empty by the third, a day later', async () => {
  const truth = without(candles(0, LAST), LAST - 1);
  const now = after(LAST);
  const ports = await portsWith(truth, truth, now);
  const at = async (hours: number) => {
    ports.clock.at = now + hours * HOUR;
    const { requests } = await repair(ports, { pair: BTC, asOf: ports.clock.at });
    const [gap] = await ports.gapLedger.list(BTC);
    return [requests, gap?.state, gap?.asks];
  };
  expect(await at(0)).toEqual([1, 'suspect', 1]);
  expect(await at(1)).toEqual([0, 'suspect', 1]);
  expect(await at(12)).toEqual([1, 'suspect', 2]);
  expect(await at(24)).toEqual([1, 'confirmed_empty', 3]);
});

test('a candle that comes late is found by a later ask', async () => {
  const now = after(LAST);
  const missing = without(candles(0, LAST), LAST - 1);
  const ports = await portsWith(missing, missing, now);
  await repair(ports, { pair: BTC, asOf: now });
  ports.exchange.setCandles(BTC, candles(0, LAST));
  ports.clock.at = now + 12 * HOUR;
  expect(await repair(ports, { pair: BTC, asOf: ports.clock.at })).toMatchObject({ found: 1, undecided: 0 });
  expect(await stored(ports)).toEqual(candles(0, LAST));
  expect(await ports.gapLedger.list(BTC)).toEqual([]);
});

test('the ledger forgets a gap of which the store has the candle', async () => {
  const ports = await portsWith(candles(0, LAST), candles(0, LAST));
  const asks = { asks: 2, firstAskedAt: LATER, lastAskedAt: LATER };
  await ports.gapLedger.record(BTC, [{ from: slot(5), to: slot(6), state: 'confirmed_empty', ...asks }]);
  await repair(ports, { pair: BTC, asOf: LATER });
  expect(await ports.gapLedger.list(BTC)).toEqual([]);
});

test('P2 an empty answer where candles are stored proves nothing: the same slot is asked for with another size', async () => {
  const ports = await portsWith(without(candles(0, LAST), 100), candles(0, LAST));
  ports.exchange.next({ rows: [] });
  expect(await repair(ports, { pair: BTC, asOf: LATER })).toMatchObject({ found: 1, undecided: 0, requests: 2 });
  const [first, second] = ports.exchange.requests;
  expect(second?.since).toBe(first?.since);
  expect(second?.limit).not.toBe(first?.limit);
});

test('P2 I61 empty answers that last decide nothing and fail the run, after all other holes were asked for', async () => {
  const truth = without(candles(0, 2999), 100, 2000);
  const asOf = after(2999) + 72 * HOUR;
  const ports = await portsWith(without(truth, 2500), truth, asOf);
  const exchange = exchangeThat((asked) => (asked.since < slot(1500) ? [] : jumping(truth)(asked)));
  for (let run = 0; run < 2; run++) {
    await expect(repair({ ...ports, exchange }, { pair: BTC, asOf })).rejects.toMatchObject({ code: 'empty_response' });
    expect(await stored(ports)).toEqual(truth);
    expect(await ports.gapLedger.list(BTC)).toMatchObject([{ from: slot(2000), state: 'confirmed_empty' }]);
  }
  expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ confirmed: 1, undecided: 0 });
});

test('I61 no slot that the exchange has is called empty, whichever of its answers are', async () => {
  const slots = fc.array(fc.constantFrom('stored', 'to find', 'empty'), { minLength: 1, maxLength: 60 });
  const silent = fc.array(fc.boolean(), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(slots, silent, fc.integer({ min: 2, max: 12 }), async (middle, empties, page) => {
      const all = ['stored', ...middle, 'stored'];
      const truth = candles(0, all.length - 1).filter((_, index) => all[index] !== 'empty');
      const held = candles(0, all.length - 1).filter((_, index) => all[index] === 'stored');
      const ports = await portsWith(held, truth);
      // No hole is as wide as a page, so an empty page contradicts what is stored.
      const wide = held.some(
        ({ openTime }, index) => openTime - (held[index - 1]?.openTime ?? openTime) >= page * HOUR,
      );
      fc.pre(!wide);
      await ports.pairState.setEarliest(BTC, { openTime: slot(0), provenAt: LATER });
      const exchange = exchangeThat(
        (asked, number) => (empties[number - 1] === true ? [] : windowed(truth, page)(asked)),
        page,
      );
      await repair({ ...ports, exchange }, { pair: BTC, asOf: LATER }).catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'empty_response' }),
      );
      const missed = truth.map(({ openTime }) => ({ from: openTime, to: openTime }));
      const decided = (await ports.gapLedger.list(BTC)).filter(({ state }) => state !== 'suspect');
      expect(intersectRanges(BTC.timeframe, decided, missed)).toEqual([]);
      // When it has come to its senses, all is found and decided.
      const honest = exchangeThat(windowed(truth, page), page);
      expect(await repair({ ...ports, exchange: honest }, { pair: BTC, asOf: LATER })).toMatchObject({ undecided: 0 });
      expect(await stored(ports)).toEqual(truth);
    }),
    RUNS,
  );
});

test('a hole wider than a page is asked for page by page, also where the exchange answers windows only', async () => {
  const truth = [...candles(0, 99), ...candles(3500, 3600)];
  const ports = { ...(await portsWith(truth, truth)), exchange: exchangeThat(windowed(truth)) };
  const asOf = after(3600) + 72 * HOUR;
  expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ missing: 3400, confirmed: 3400, undecided: 0 });
  // 4 windows of 1000 and 7 of 500.
  expect(ports.exchange.requests).toHaveLength(11);
});

test('a run stops at its number of requests and the next one goes on', async () => {
  const holes = Array.from({ length: 30 }, (_, index) => 100 + 300 * index);
  const truth = without(candles(0, 9999), ...holes);
  const asOf = after(9999) + 72 * HOUR;
  const ports = await portsWith(truth, truth, asOf);
  const first = await repair(ports, { pair: BTC, asOf, maxRequests: 4 });
  expect(first.requests).toBe(4);
  expect(first.undecided).toBeGreaterThan(0);
  const second = await repair(ports, { pair: BTC, asOf });
  expect(second).toMatchObject({ missing: 30, undecided: 0 });
  expect(first.requests + second.requests).toBeLessThanOrEqual(10 + 20);
});

test('60,000 single holes cost page windows, not one request each', async () => {
  const minutes = { ...BTC, timeframe: '1m' as typeof BTC.timeframe };
  const truth = candles(0, 120_000, minutes).filter((_, index) => index % 2 === 0);
  const ports = ingestPorts(LATER, []);
  ports.exchange.setCandles(minutes, truth);
  await ports.candles.write(minutes, truth, LATER);
  const asOf = after(120_000, minutes) + 72 * HOUR;
  ports.clock.at = asOf;
  const summary = await repair(ports, { pair: minutes, asOf });
  expect(summary).toMatchObject({ missing: 60_000, confirmed: 60_000, undecided: 0 });
  // A page holds 1000 candles, so it spans 2000 slots here; the second ask has pages of half the size.
  expect(summary.requests).toBeLessThanOrEqual(60 + 120 + 2);
}, 60_000);

test('bad rows in a hole are in quarantine and prove nothing: the hole stays open until the exchange has better ones', async () => {
  const ports = await portsWith(without(candles(0, LAST), 100), candles(0, LAST));
  const bad = candles(100, 160)
    .map(rowOf)
    .with(0, [slot(100), 0, 0, 0, 0, 0]);
  ports.exchange.next({ rows: bad }, { rows: bad });
  for (let run = 0; run < 2; run++) {
    expect(await repair(ports, { pair: BTC, asOf: LATER })).toMatchObject({ found: 0, confirmed: 0, undecided: 1 });
    expect(await ports.gapLedger.list(BTC)).toMatchObject([{ from: slot(100), state: 'suspect', asks: 1 }]);
  }
  expect(await ports.pairState.quarantined(BTC)).toMatchObject([{ openTime: slot(100), reason: 'non_positive_price' }]);
  expect(await repair(ports, { pair: BTC, asOf: LATER })).toMatchObject({ found: 1, undecided: 0 });
  expect(await ports.gapLedger.list(BTC)).toEqual([]);
});

test('I03 I04 afterwards every slot is stored or decided, and no candle is there that the exchange has not', async () => {
  const kinds = fc.array(fc.constantFrom('stored', 'to find', 'empty'), { minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(kinds, async (middle) => {
      const all = ['stored', ...middle, 'stored'];
      const truth = candles(0, all.length - 1).filter((_, index) => all[index] !== 'empty');
      const ports = await portsWith(
        candles(0, all.length - 1).filter((_, index) => all[index] === 'stored'),
        truth,
      );
      const summary = await repair(ports, { pair: BTC, asOf: LATER });
      expect(await stored(ports)).toEqual(truth);
      const decided = (await ports.gapLedger.list(BTC)).flatMap(({ from, to, state }) => {
        expect(state).toBe('confirmed_empty');
        return Array.from({ length: (to - from) / HOUR + 1 }, (_, step) => from + step * HOUR);
      });
      expect(decided).toEqual(all.flatMap((kind, index) => (kind === 'empty' ? [slot(index)] : [])));
      expect(summary).toMatchObject({
        found: all.filter((kind) => kind === 'to find').length,
        missing: decided.length,
        undecided: 0,
      });
      expect(summary.requests).toBeLessThanOrEqual(2);
    }),
    RUNS,
  );
});

test('progress is told after each request', async () => {
  const truth = without(candles(0, LAST), 100);
  const ports = await portsWith(truth, truth);
  const told: number[] = [];
  await repair(ports, { pair: BTC, asOf: LATER, onProgress: ({ requests }) => void told.push(requests) });
  expect(told).toEqual([1, 2]);
});

describe('an exchange that looks at 300 slots a request, whatever was asked for (F66 F70)', () => {
  const asOf = after(3600) + 72 * HOUR;
  const portsOf = async (truth: readonly Candle[], stored = truth) => ({
    ...(await portsWith(stored, truth, asOf)),
    exchange: exchangeThat(windowed(truth, 300), 300),
  });

  test('a hole wider than its window is asked for window by window and decided', async () => {
    const ports = await portsOf([...candles(0, 99), ...candles(500, 600)]);
    expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ missing: 400, confirmed: 400, undecided: 0 });
  });

  test('I03 no slot is decided that it did not look at: candles inside a long hole are found', async () => {
    const truth = [...candles(0, 99), ...candles(450, 460), ...candles(1300, 1400)];
    const ports = await portsOf(truth, [...candles(0, 99), ...candles(1300, 1400)]);
    expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ found: 11, undecided: 0 });
    expect(await stored(ports)).toEqual(truth);
  });

  /** A file was imported that begins before the exchange's own history, and lacks an hour there. */
  const imported = async (hole: number) => {
    const truth = candles(2000, 3600);
    const ports = await portsOf(truth, without(candles(0, 3600), hole));
    await ports.pairState.setEarliest(BTC, { openTime: slot(2000), provenAt: asOf });
    return ports;
  };

  test('a hole before its first candle is asked for twice, by different sizes, and decided', async () => {
    const ports = await imported(700);
    expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ missing: 1, confirmed: 1, requests: 2 });
    expect(await ports.gapLedger.list(BTC)).toMatchObject([{ from: slot(700), state: 'confirmed_empty', asks: 2 }]);
    expect(new Set(ports.exchange.requests.map(({ limit }) => limit)).size).toBe(2);
  });

  test('P2 I61 an empty answer about a window that its first candle lies in proves nothing', async () => {
    const ports = { ...(await imported(1990)), exchange: exchangeThat(() => [], 300) };
    await expect(repair(ports, { pair: BTC, asOf })).rejects.toMatchObject({ code: 'empty_response' });
    expect(await ports.gapLedger.list(BTC)).toEqual([]);
  });
});

describe('F66 an exchange that answers windows and keeps only its last candles (SPEC 2: the earliest is found anew)', () => {
  const asOf = after(3600) + 72 * HOUR;
  /** It gave all from slot 0 on once, and that is remembered; slots `holes` did not come then. */
  const keeping = async (kept: readonly Candle[], holes: readonly number[], remembered = true) => {
    const ports = await portsWith(without(candles(0, 3600), ...holes), [], asOf);
    if (remembered) await ports.pairState.setEarliest(BTC, { openTime: slot(0), provenAt: START });
    return { ...ports, exchange: exchangeThat(windowed(kept, 300), 300, [BTC.timeframe]) };
  };
  const earliestOf = async ({ pairState }: Pick<Awaited<ReturnType<typeof keeping>>, 'pairState'>) =>
    (await pairState.earliest(BTC))?.openTime;

  test.each([
    ['is remembered', true],
    ['was never looked for', false],
  ])('what it gives no more is decided, what it still has is found, when its earliest candle %s', async (_, known) => {
    const ports = await keeping(candles(2000, 3600), [700, 705, 1100, 3000], known);
    const summary = await repair(ports, { pair: BTC, asOf });
    expect(summary).toMatchObject({ found: 1, confirmed: 3, missing: 3, undecided: 0 });
    expect(summary.requests).toBe(ports.exchange.requests.length);
    expect(summary.requests).toBeLessThan(40);
    const decided = { state: 'confirmed_empty', asks: 2 };
    expect(await ports.gapLedger.list(BTC)).toMatchObject([
      { from: slot(700), to: slot(700), ...decided },
      { from: slot(705), to: slot(705), ...decided },
      { from: slot(1100), to: slot(1100), ...decided },
    ]);
    expect(await earliestOf(ports)).toBe(slot(2000));
    expect(await repair(ports, { pair: BTC, asOf: asOf + HOUR })).toMatchObject({ missing: 3, requests: 0 });
  });

  test('a live run looks for the earliest candle after its other holes, once, and the next one decides', async () => {
    const ports = await keeping(candles(2000, 3600), [700, 3000]);
    const first = await repair(ports, { pair: BTC, asOf, maxRequests: 5 });
    expect(first).toMatchObject({ found: 1, undecided: 1 });
    expect(await earliestOf(ports)).toBe(slot(2000));
    expect(await repair(ports, { pair: BTC, asOf, maxRequests: 5 })).toMatchObject({ confirmed: 1, requests: 1 });
  });

  /** Traded without a stop but for a halt of 400 hours. */
  const truth = [...candles(0, 1499), ...candles(1900, 3600)];
  const silent: Answer = () => [];
  const failing: readonly (readonly [string, Answer])[] = [
    ['nothing at all', silent],
    [
      'nothing about that time only',
      (asked, honest) => (Math.abs(asked.since - slot(700)) < 50 * HOUR ? [] : honest(asked)),
    ],
    ['nothing about one window in two', (asked, honest) => (asked.since % (2 * HOUR) === 0 ? [] : honest(asked))],
    ['about the newest only when asked for few', (asked, honest) => (asked.limit > 50 ? [] : honest(asked))],
  ];
  type Answer = (asked: PageRequest, honest: (asked: PageRequest) => number[][]) => number[][];

  test.each(failing)(
    'P2 I61 nothing is decided while it answers %s, and all is well when it has come to its senses',
    async (_, answer) => {
      const ports = await keeping(truth, [700]);
      const exchange = exchangeThat((asked) => answer(asked, windowed(truth, 300)), 300, [BTC.timeframe]);
      for (let run = 0; run < 2; run++) {
        await expect(repair({ ...ports, exchange }, { pair: BTC, asOf })).rejects.toMatchObject({
          code: 'empty_response',
        });
        expect(await ports.gapLedger.list(BTC)).toEqual([]);
        expect(await earliestOf(ports)).toBe(slot(0));
      }
      expect(await repair(ports, { pair: BTC, asOf })).toMatchObject({ found: 1, undecided: 0 });
    },
  );

  test('P2 nothing is decided where the first candle found is later than one that this run was given', async () => {
    const ports = await keeping(truth, [700, 1400]);
    // Searched by halves, its first candle seems to be the one after the halt.
    const exchange = exchangeThat((asked) => (asked.since < slot(1300) ? [] : windowed(truth, 300)(asked)), 300, [
      BTC.timeframe,
    ]);
    await expect(repair({ ...ports, exchange }, { pair: BTC, asOf })).rejects.toMatchObject({ code: 'empty_response' });
    expect(await ports.gapLedger.list(BTC)).toEqual([]);
    expect(await earliestOf(ports)).toBe(slot(0));
  });

  test('an exchange that fails while its earliest candle is looked for fails the run, and nothing is decided', async () => {
    const ports = await keeping(candles(2000, 3600), [700]);
    const exchange = before(ports.exchange, async () => {
      if (ports.exchange.requests.length > 5) throw new PipelineError('exchange_unreachable', 'gone');
    });
    await expect(repair({ ...ports, exchange }, { pair: BTC, asOf })).rejects.toMatchObject({
      code: 'exchange_unreachable',
    });
    expect(await ports.gapLedger.list(BTC)).toEqual([]);
    expect(await earliestOf(ports)).toBe(slot(0));
  });
});
