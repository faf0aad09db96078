/**
 * Every fault of the market against the real ingest: nothing wrong is ever stored, nothing is lost once the fault is over,
 * nobody asks inside a ban, and no fault makes requests without end.
 */
import { REREAD_CANDLES } from '../../../src/domain/fetch-start';
import { shiftSlots } from '../../../src/domain/timeframe';
import type { Candle, EpochMs } from '../../../src/domain/types';
import { reconcile } from '../../../src/ingest/reconcile';
import type { FaultRuleInput } from '../../../src/market/faults/fault-rules';
import { FAULT_NAMES } from '../../../src/market/faults/fault-rules';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import { attempt, HASTY, HostileMarket, lostCandles, NOW, pairOf, wrongCandles } from './hostile-market';
import type { Ingest } from './hostile-market';

const HOUR = 3_600_000;
const BTC = pairOf('BTC/USDT', '1h');

type Picks = (openTime: EpochMs, place: number) => boolean;

interface Case {
  /** As in the table. */
  readonly name: string;
  readonly rule: FaultRuleInput;
  /** Outcome of each attempt while the fault lasts, repeats left out. */
  readonly outcome: readonly string[];
  readonly pair?: typeof BTC;
  /** The first attempt waits a moment only, so that the proof is not long. */
  readonly hasty?: true;
  /** The candles that are not stored while it lasts: these and no others. Left out where an attempt ends with the fault. */
  readonly lacks?: Picks;
  /** Asked twice long after their close, the exchange had none of these: that is believed for good. */
  readonly believed?: true;
  /** The candles that are stored with other values until it is over, and are audited then: these and no others. */
  readonly differs?: Picks;
  /** The markets as they are told while it lasts, and whether they are active. */
  readonly markets?: Readonly<Record<string, boolean>>;
}

const klines = (fault: string, given: Partial<FaultRuleInput> = {}): FaultRuleInput => ({
  fault,
  path: 'klines',
  ...given,
});
const none: Picks = () => false;
const within =
  (from: EpochMs, to: EpochMs = NOW): Picks =>
  (openTime) =>
    from <= openTime && openTime <= to;

const OUTAGE = [NOW - 50 * HOUR, NOW - 40 * HOUR] as const;
const HOLE = [NOW - 300 * HOUR, NOW - 290 * HOUR] as const;
const CASES: readonly Case[] = [
  {
    name: 'too_many_requests',
    rule: klines('too_many_requests', { times: 1, with: { seconds: 60 } }),
    outcome: ['rate_limited'],
  },
  { name: 'banned', rule: klines('banned', { times: 1 }), outcome: ['exchange_banned'] },
  { name: 'blocked', rule: klines('blocked', { times: 1 }), outcome: ['exchange_blocked'] },
  { name: 'server_error', rule: klines('server_error'), outcome: ['bad_response'] },
  { name: 'html', rule: klines('html'), outcome: ['bad_response'] },
  { name: 'half_json', rule: klines('half_json'), outcome: ['bad_response'] },
  { name: 'empty_body', rule: klines('empty_body'), outcome: ['bad_response'] },
  { name: 'null_body', rule: klines('null_body'), outcome: ['bad_response'] },
  { name: 'error_object', rule: klines('error_object'), outcome: ['bad_response'] },
  { name: 'hang', rule: klines('hang', { times: 1 }), outcome: ['exchange_timeout', 'stored'], hasty: true },
  { name: 'trickle', rule: klines('trickle', { times: 1 }), outcome: ['exchange_timeout', 'stored'], hasty: true },
  { name: 'cut', rule: klines('cut'), outcome: ['exchange_unreachable'] },
  { name: 'reset', rule: klines('reset'), outcome: ['exchange_unreachable'] },
  {
    // By its clock the newest hour has half a minute to go.
    name: 'clock_offset',
    rule: { fault: 'clock_offset', with: { milliseconds: -90_000 } },
    outcome: ['stored'],
    lacks: within(NOW - 2 * HOUR),
  },
  {
    name: 'outage',
    rule: { fault: 'outage', from: OUTAGE[0], until: OUTAGE[1] },
    outcome: ['stored'],
    lacks: within(...OUTAGE),
  },
  {
    name: 'delisted',
    rule: { fault: 'delisted', with: { symbol: 'BTC/USDT' }, from: NOW - 9 * HOUR },
    outcome: ['stored'],
    lacks: within(NOW - 9 * HOUR),
    markets: { 'BTC/USDT': false, 'ETH/USDT': true },
  },
  {
    name: 'unknown_symbol',
    rule: { fault: 'unknown_symbol', with: { symbol: 'BTC/USDT' } },
    outcome: ['bad_symbol'],
    markets: { 'ETH/USDT': true },
  },
  {
    name: 'hostile_names',
    rule: { fault: 'hostile_names' },
    outcome: ['stored'],
    lacks: none,
    markets: { 'BTC/USDT': true, 'ETH/USDT': true },
  },
  { name: 'empty_page', rule: klines('empty_page', { after: 3 }), outcome: ['empty_response'] },
  { name: 'reversed', rule: klines('reversed'), outcome: ['stored'], lacks: none },
  { name: 'shuffled', rule: klines('shuffled'), outcome: ['stored'], lacks: none },
  { name: 'duplicates', rule: klines('duplicates'), outcome: ['stored'], lacks: none },
  {
    // Of two stories about an hour none is believed, the first hour's neither: so the pages begin with the second.
    name: 'conflicting_duplicates',
    rule: klines('conflicting_duplicates', { with: { every: 50 } }),
    outcome: ['stored'],
    lacks: (_, place) => place === 0 || place % 50 === 1,
  },
  { name: 'since_ignored', rule: klines('since_ignored', { after: 3 }), outcome: ['stored', 'bad_response'] },
  { name: 'same_page', rule: klines('same_page', { after: 2 }), outcome: ['no_progress'] },
  { name: 'page_cap', rule: klines('page_cap', { with: { rows: 37 } }), outcome: ['stored'], lacks: none },
  { name: 'one_row_short', rule: klines('one_row_short'), outcome: ['stored'], lacks: none },
  {
    name: 'thursday_weeks',
    rule: klines('thursday_weeks'),
    outcome: ['unsupported_timeframe'],
    pair: pairOf('BTC/USDT', '1w'),
  },
  {
    name: 'thirty_day_months',
    rule: klines('thirty_day_months'),
    outcome: ['unsupported_timeframe'],
    pair: pairOf('BTC/USDT', '1M'),
  },
  { name: 'close_times', rule: klines('close_times'), outcome: ['unsupported_timeframe'] },
  { name: 'off_by', rule: klines('off_by'), outcome: ['unsupported_timeframe'] },
  { name: 'in_seconds', rule: klines('in_seconds'), outcome: ['unsupported_timeframe'] },
  {
    name: 'wrong_timeframe',
    rule: klines('wrong_timeframe', { with: { timeframe: '1d' } }),
    outcome: ['bad_response'],
  },
  {
    name: 'lag',
    rule: klines('lag', { with: { seconds: 7200 } }),
    outcome: ['stored'],
    lacks: within(NOW - 3 * HOUR),
  },
  {
    name: 'revised',
    rule: klines('revised', { with: { seconds: 7200 } }),
    outcome: ['stored'],
    lacks: none,
    differs: within(NOW - 3 * HOUR),
  },
  {
    name: 'hole',
    rule: klines('hole', { with: { first: HOLE[0], last: HOLE[1] } }),
    outcome: ['stored'],
    lacks: within(...HOLE),
    believed: true,
  },
  {
    name: 'without_newest',
    rule: klines('without_newest', { with: { slots: 2 } }),
    outcome: ['stored'],
    lacks: within(NOW - 3 * HOUR),
  },
];

/** Values that can not be, the reason for which they are refused, and the series they befall. */
const POISONS = [
  ['nan', 'malformed', 'BTC/USDT', '1h'],
  ['null', 'malformed', 'ETH/USDT', '1h'],
  ['empty', 'malformed', 'BTC/USDT', '2h'],
  ['infinite', 'non_finite', 'ETH/USDT', '2h'],
  ['huge', 'absurd', 'BTC/USDT', '4h'],
  ['negative', 'non_positive_price', 'ETH/USDT', '4h'],
  ['zero', 'non_positive_price', 'BTC/USDT', '30m'],
  ['high_below_low', 'high_below_body', 'ETH/USDT', '30m'],
  ['words', 'malformed', 'BTC/USDT', '6h'],
  ['short', 'malformed', 'ETH/USDT', '6h'],
  ['time_zero', 'misaligned', 'BTC/USDT', '8h'],
  ['year_2099', 'in_future', 'ETH/USDT', '8h'],
] as const;
/** Faults with tests of their own. */
const APART = ['poison', 'wrong_symbol'];
/** Attempts while a fault lasts, as an activity's retries. */
const ATTEMPTS = 3;

const IN_BAN = 'I60 asked for while a ban is in force';
const table = outcomeTable('market-faults', [...CASES.map(({ name }) => name), ...APART, IN_BAN]);
const isoOf = ({ openTime }: Pick<Candle, 'openTime'>): string => new Date(openTime).toISOString();
const picked = (truth: readonly Candle[], picks: Picks = none): Candle[] =>
  truth.filter(({ openTime }, place) => picks(openTime, place));
const asLost = (candles: readonly Candle[]): string[] => candles.map((candle) => `${isoOf(candle)} is lost`);

/** The fault ends, and what it kept back is asked for at once and once more when half a day has passed. */
async function heal({ market, clock }: HostileMarket, ingest: Ingest, pair: typeof BTC): Promise<unknown[]> {
  market.faults.clear();
  clock.forward(HOUR);
  const atOnce = await attempt(ingest, pair);
  clock.forward(13 * HOUR);
  return [atOnce, await attempt(ingest, pair, { asOf: NOW + 13 * HOUR })];
}
const HEALED = ['stored', 'stored'];

test('every fault there is has its case', () => {
  expect([...CASES.map(({ name }) => name), ...APART].toSorted()).toEqual(FAULT_NAMES.toSorted());
});

describe('a market of its own:', () => {
  let hostile: HostileMarket;
  beforeEach(async () => {
    hostile = await HostileMarket.start();
  });
  afterEach(async () => hostile.stop());

  test.each(CASES)('$name: nothing wrong stored while it lasts, nothing lost when it is over', async (given) => {
    const { name, rule, outcome, pair = BTC, believed = false } = given;
    const ingest = await hostile.ingest();
    const first = given.hasty === true ? await hostile.ingest(HASTY) : ingest;
    const truth = hostile.truth(pair);
    expect(truth.length).toBeGreaterThan(pair === BTC ? 900 : 0);
    const different = picked(truth, given.differs);
    const lacking = picked(truth, given.lacks);
    hostile.befall(rule);
    const seen: string[] = [];
    for (let k = 0; k < ATTEMPTS; k++) {
      const before = hostile.market.requests().length;
      const result = await attempt(k === 0 ? first : ingest, pair);
      const code = result === 'stored' ? result : result.code;
      if (seen.at(-1) !== code) seen.push(code);
      // I62: a page of 37 rows is the smallest; each hole may cost three more, and the markets and the clock are asked too.
      expect(hostile.market.requests().length - before).toBeLessThanOrEqual(Math.ceil(truth.length / 37) * 2 + 60);
      expect(await wrongCandles(ingest, pair, truth)).toEqual(different.map(isoOf));
    }
    expect(seen).toEqual(outcome);
    const fired = hostile.fired();
    expect(fired).toBeGreaterThan(0);
    if (given.lacks !== undefined) expect(await lostCandles(ingest, pair, truth)).toEqual(asLost(lacking));
    if (given.markets !== undefined) {
      const told = await ingest.exchange.markets();
      expect(Object.fromEntries(told.map(({ symbol, active }) => [symbol, active]))).toEqual(given.markets);
    }
    expect(await heal(hostile, ingest, pair)).toEqual(HEALED);
    expect(await wrongCandles(ingest, pair, truth)).toEqual([]);
    const revised = (await ingest.pairState.revisions(pair)).map(({ before }) => isoOf(before));
    expect(revised).toEqual(different.map(isoOf));
    const lost = believed ? lacking : [];
    expect(await lostCandles(ingest, pair, truth)).toEqual(asLost(lost));
    const checked = hostile.checked();
    expect(checked.breaches).toEqual(
      lost.map((candle) => `I61 empty BTC/USDT 1h ${isoOf(candle)}: is called confirmed_empty, and the market has it`),
    );
    expect(checked.tried['I12 equal']).toBeGreaterThan(0);
    table.fired(name, `${seen.join(', then ')}; ${believed ? 'hole in the ledger' : 'complete'} afterwards`, fired);
  });

  test('wrong_symbol: klines carry no name, so it is stored; a comparison at another time finds all of it and mends it', async () => {
    const ingest = await hostile.ingest();
    const truth = hostile.truth(BTC);
    hostile.befall(klines('wrong_symbol', { with: { symbol: 'ETH/USDT' } }));
    expect(await attempt(ingest, BTC)).toBe('stored');
    const stored = await ingest.candles.read(BTC, { limit: 10_000 });
    expect(stored).toEqual(hostile.truth(pairOf('ETH/USDT', '1h')));
    expect(await wrongCandles(ingest, BTC, truth)).toEqual(truth.map(isoOf));
    const fired = hostile.fired();
    hostile.market.faults.clear();
    hostile.clock.forward(HOUR);
    expect(await reconcile(ingest, { pair: BTC, days: 60, asOf: NOW })).toEqual({
      compared: truth.length,
      missing: 0,
      different: truth.length,
      critical: 0,
      notAtExchange: 0,
    });
    expect(await wrongCandles(ingest, BTC, truth)).toEqual([]);
    const audit = await ingest.pairState.revisions(BTC);
    expect(audit.map(({ before, after }) => ({ before, after }))).toEqual(
      truth.map((after, place) => ({ before: stored[place], after })),
    );
    expect(hostile.checked().breaches).toEqual([]);
    table.fired('wrong_symbol', 'stored; found by a comparison and mended, the old values in the audit', fired);
  });

  test.each(['too_many_requests', 'banned', 'blocked'])(
    'F58 F59 F60 I60 after %s nobody asks until it is over: not this process, not another one, not after a restart',
    async (fault) => {
      const [first, second] = [await hostile.ingest(), await hostile.ingest()];
      const long = fault === 'blocked' ? {} : { with: { seconds: 300 } };
      hostile.befall({ fault, times: 1, path: 'klines', ...long });
      expect(await attempt(first, BTC)).not.toBe('stored');
      const { length } = hostile.market.requests();
      for (const ingest of [first, second, await hostile.ingest()])
        expect(await attempt(ingest, BTC)).not.toBe('stored');
      expect(hostile.market.requests()).toHaveLength(length);
      table.fired(IN_BAN, 'no request in the log of the market', 3);
      hostile.clock.forward(16 * 60_000);
      expect(await attempt(second, BTC)).toBe('stored');
    },
  );

  test('F61 I61 an empty or broken page in mid-history moves no cursor: the same page is asked for again', async () => {
    const ingest = await hostile.ingest();
    for (const [fault, pair, times] of [
      ['empty_page', BTC, 2],
      ['html', pairOf('ETH/USDT', '1h'), 1],
      ['null_body', pairOf('BTC/USDT', '2h'), 1],
    ] as const) {
      const truth = hostile.truth(pair);
      const from = hostile.market.requests().length;
      // After two probes and two pages.
      hostile.befall(klines(fault, { after: 4, times }));
      await attempt(ingest, pair);
      await attempt(ingest, pair);
      expect(hostile.fired()).toBe(times);
      const asked = hostile.market
        .requests()
        .slice(from)
        .filter(({ path }) => path.endsWith('klines'));
      const starts = asked.map(({ query }) => Number(new URLSearchParams(query).get('startTime')));
      const broken = asked.findIndex((request) => request.fault === fault);
      const cursor = starts[broken] ?? 0;
      expect(cursor).toBeGreaterThan(truth[300]?.openTime ?? 0);
      const next = starts.slice(broken + 1).find((start) => start > (truth[0]?.openTime ?? 0));
      // Another attempt reads the newest stored candles again.
      expect(next).toBeLessThanOrEqual(cursor);
      expect(next).toBeGreaterThanOrEqual(shiftSlots(pair.timeframe, cursor, -REREAD_CANDLES));
      hostile.market.faults.clear();
      expect(await attempt(ingest, pair)).toBe('stored');
      expect(await lostCandles(ingest, pair, truth)).toEqual([]);
    }
  });
});

describe('F77 I09 one market, a poison for each of its series:', () => {
  let hostile: HostileMarket;
  let ingest: Ingest;
  beforeAll(async () => {
    hostile = await HostileMarket.start();
    ingest = await hostile.ingest();
  });
  afterAll(async () => hostile.stop());

  test.each(POISONS)(
    'poison %s is refused as %s and takes no good row with it',
    async (value, reason, symbol, timeframe) => {
      const pair = pairOf(symbol, timeframe);
      const truth = hostile.truth(pair);
      hostile.befall(klines('poison', { with: { value }, after: 2 }));
      for (let k = 0; k < ATTEMPTS; k++) {
        expect(await attempt(ingest, pair)).toBe('stored');
        expect(await wrongCandles(ingest, pair, truth)).toEqual([]);
      }
      const fired = hostile.fired();
      expect(fired).toBeGreaterThan(3);
      // One row of each answer was bad.
      expect((await lostCandles(ingest, pair, truth)).length).toBeLessThanOrEqual(fired);
      expect(new Set((await ingest.pairState.quarantined(pair)).map((row) => row.reason))).toEqual(new Set([reason]));
      expect(await heal(hostile, ingest, pair)).toEqual(HEALED);
      expect(await wrongCandles(ingest, pair, truth)).toEqual([]);
      expect(await lostCandles(ingest, pair, truth)).toEqual([]);
      table.fired('poison', 'stored without the rows; complete afterwards', fired);
    },
  );
});

const CAPS = FULL_PROOF ? [1, 2, 3, 7, 50, 99, 100, 101, 150, 199, 200, 201, 300, 500, 720, 999, 1000] : [7, 100, 720];

test.each(CAPS)(
  'F70 I03 a cap of %i rows a page gives the same complete history, in so many pages as it takes',
  async (rows) => {
    // Three pages of the largest size.
    const now = rows > 100 ? NOW + 60 * 24 * HOUR : NOW;
    const capped = await HostileMarket.start('hostile', now);
    try {
      const ingest = await capped.ingest();
      const truth = capped.truth(BTC);
      expect(truth.length).toBeGreaterThan(rows > 100 ? 2000 : 900);
      capped.befall(klines('page_cap', { with: { rows } }));
      let pages = 0;
      const onPage = (): void => void (pages += 1);
      expect(await attempt(ingest, BTC, { asOf: now, limit: 1000, onPage })).toBe('stored');
      expect(pages).toBe(Math.ceil(truth.length / rows));
      // A thousand is what the ingest asks for by itself.
      if (rows < 1000) expect(capped.fired()).toBeGreaterThanOrEqual(pages - 1);
      else expect(capped.fired()).toBe(0);
      expect(await lostCandles(ingest, BTC, truth)).toEqual([]);
    } finally {
      await capped.stop();
    }
  },
  180_000,
);

const SEEDS = FULL_PROOF ? 60 : 4;
const MIXED = [
  'html',
  'half_json',
  'cut',
  'empty_page',
  'reversed',
  'duplicates',
  'conflicting_duplicates',
  'server_error',
  'poison',
  'page_cap',
  'shuffled',
  'null_body',
  'one_row_short',
];

test(
  `${SEEDS} seeded mixtures of faults end with the truth`,
  async () => {
    const mixture = outcomeTable('market-mixtures', MIXED);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const mixed = await HostileMarket.start(`mixed ${seed}`);
      try {
        const truth = mixed.truth(BTC);
        for (const [place, fault] of MIXED.entries()) {
          mixed.befall({ fault, path: 'klines', probability: 0.02 + ((seed * 7 + place * 5) % 10) / 100 });
        }
        const ingest = await mixed.ingest();
        let attempts = 0;
        while (attempts < 40 && (await attempt(ingest, BTC)) !== 'stored') {
          attempts += 1;
          expect([seed, await wrongCandles(ingest, BTC, truth)]).toEqual([seed, []]);
        }
        for (const { rule, fired } of mixed.market.faults.list())
          if (fired > 0) mixture.fired(rule.fault, 'survived', fired);
        expect([seed, await heal(mixed, ingest, BTC)]).toEqual([seed, HEALED]);
        expect([seed, await wrongCandles(ingest, BTC, truth)]).toEqual([seed, []]);
        expect([seed, await lostCandles(ingest, BTC, truth)]).toEqual([seed, []]);
      } finally {
        await mixed.stop();
      }
    }
    expect(mixture.finish()).toEqual([]);
  },
  FULL_PROOF ? 20 * 60_000 : 120_000,
);

test('no fault stayed silent', () => expect(table.finish()).toEqual([]));
