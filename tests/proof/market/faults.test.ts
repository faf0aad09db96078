/**
 * Every fault of the market against the real ingest: nothing wrong is ever stored, nothing is lost once the fault is over,
 * nobody asks inside a ban, and no fault makes requests without end.
 */
import type { FaultRuleInput } from '../../../src/market/faults/fault-rules';
import { FAULT_NAMES } from '../../../src/market/faults/fault-rules';
import { FULL_PROOF, outcomeTable } from '../outcome-table';
import { attempt, HostileMarket, lostCandles, NOW, pairOf, wrongCandles } from './hostile-market';

const HOUR = 3_600_000;
const BTC = pairOf('BTC/USDT', '1h');

interface Case {
  /** As in the table. */
  readonly name: string;
  readonly rule: FaultRuleInput;
  /** Outcome of each attempt while the fault lasts, repeats left out. */
  readonly outcome: readonly string[];
  readonly pair?: typeof BTC;
  /** The fault only shows in values that settle: then stored ones may differ until it is over, and are audited. */
  readonly settles?: true;
}

const klines = (fault: string, given: Partial<FaultRuleInput> = {}): FaultRuleInput => ({
  fault,
  path: 'klines',
  ...given,
});

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
  { name: 'hang', rule: klines('hang', { times: 2 }), outcome: ['exchange_timeout', 'stored'] },
  { name: 'trickle', rule: klines('trickle', { times: 2 }), outcome: ['exchange_timeout', 'stored'] },
  { name: 'cut', rule: klines('cut'), outcome: ['exchange_unreachable'] },
  { name: 'reset', rule: klines('reset'), outcome: ['exchange_unreachable'] },
  { name: 'clock_offset', rule: { fault: 'clock_offset', with: { milliseconds: -90_000 } }, outcome: ['stored'] },
  {
    name: 'outage',
    rule: { fault: 'outage', from: NOW - 50 * HOUR, until: NOW - 40 * HOUR },
    outcome: ['stored'],
  },
  {
    name: 'delisted',
    rule: { fault: 'delisted', with: { symbol: 'BTC/USDT' }, from: NOW - 9 * HOUR },
    outcome: ['stored'],
  },
  { name: 'unknown_symbol', rule: { fault: 'unknown_symbol', with: { symbol: 'BTC/USDT' } }, outcome: ['bad_symbol'] },
  { name: 'hostile_names', rule: { fault: 'hostile_names' }, outcome: ['stored'] },
  { name: 'empty_page', rule: klines('empty_page', { after: 3 }), outcome: ['empty_response'] },
  { name: 'reversed', rule: klines('reversed'), outcome: ['stored'] },
  { name: 'shuffled', rule: klines('shuffled'), outcome: ['stored'] },
  { name: 'duplicates', rule: klines('duplicates'), outcome: ['stored'] },
  { name: 'conflicting_duplicates', rule: klines('conflicting_duplicates'), outcome: ['stored'] },
  { name: 'since_ignored', rule: klines('since_ignored', { after: 3 }), outcome: ['stored', 'bad_response'] },
  { name: 'same_page', rule: klines('same_page', { after: 2 }), outcome: ['no_progress'] },
  { name: 'page_cap', rule: klines('page_cap', { with: { rows: 37 } }), outcome: ['stored'] },
  { name: 'one_row_short', rule: klines('one_row_short'), outcome: ['stored'] },
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
  { name: 'poison', rule: klines('poison', { with: { value: 'negative' } }), outcome: ['stored'] },
  {
    name: 'wrong_timeframe',
    rule: klines('wrong_timeframe', { with: { timeframe: '1d' } }),
    outcome: ['bad_response'],
  },
  { name: 'lag', rule: klines('lag', { with: { seconds: 7200 } }), outcome: ['stored'] },
  { name: 'revised', rule: klines('revised', { with: { seconds: 7200 } }), outcome: ['stored'], settles: true },
  {
    name: 'hole',
    rule: klines('hole', { with: { first: NOW - 300 * HOUR, last: NOW - 290 * HOUR } }),
    outcome: ['stored'],
  },
  { name: 'without_newest', rule: klines('without_newest', { with: { slots: 2 } }), outcome: ['stored'] },
];

/** Klines carry no name of their symbol: only a comparison with the exchange at another time can find these out. */
const NOT_TOLD_FROM_THE_ANSWER = ['wrong_symbol'];
/** Attempts while a fault lasts, as an activity's retries. */
const ATTEMPTS = 3;

const IN_BAN = 'I60 asked for while a ban is in force';
const table = outcomeTable('market-faults', [...CASES.map(({ name }) => name), IN_BAN]);
let hostile: HostileMarket;
beforeEach(async () => {
  hostile = await HostileMarket.start();
});
afterEach(async () => hostile.stop());

test('every fault there is has its case', () => {
  expect([...CASES.map(({ name }) => name), ...NOT_TOLD_FROM_THE_ANSWER].toSorted()).toEqual(FAULT_NAMES.toSorted());
});

test.each(CASES)('$name: nothing wrong stored while it lasts, nothing lost when it is over', async (given) => {
  const { name, rule, outcome, pair = BTC } = given;
  const ingest = await hostile.ingest();
  const truth = hostile.truth(pair);
  expect(truth.length).toBeGreaterThan(pair === BTC ? 900 : 0);
  hostile.befall(rule);
  const seen: string[] = [];
  for (let k = 0; k < ATTEMPTS; k++) {
    const before = hostile.market.requests().length;
    const result = await attempt(ingest, pair);
    const code = result === 'stored' ? result : result.code;
    if (seen.at(-1) !== code) seen.push(code);
    // I62: a page of 37 rows is the smallest; each hole may cost three more, and the markets and the clock are asked too.
    expect(hostile.market.requests().length - before).toBeLessThanOrEqual(Math.ceil(truth.length / 37) * 2 + 60);
    if (given.settles !== true) expect(await wrongCandles(ingest, pair, truth)).toEqual([]);
  }
  expect(seen).toEqual(outcome);
  const fired = hostile.fired();
  expect(fired).toBeGreaterThan(0);
  hostile.market.faults.clear();
  hostile.clock.forward(HOUR);
  // What the market did not give stays asked for, once now and once when half a day has passed.
  for (let day = 0; day < 2; day++) {
    expect(await attempt(ingest, pair, NOW + day * 13 * HOUR)).toBe('stored');
    hostile.clock.forward(13 * HOUR);
  }
  expect(await wrongCandles(ingest, pair, truth)).toEqual([]);
  const lost = await lostCandles(ingest, pair, truth);
  const explained = ['outage', 'hole'].includes(name);
  if (!explained) expect(lost).toEqual([]);
  const checked = hostile.checked();
  // An exchange that says it has nothing where it had something is believed after its second answer.
  expect(checked.breaches.filter((breach) => !explained || !breach.startsWith('I61 empty'))).toEqual([]);
  expect(checked.tried['I12 equal']).toBeGreaterThan(0);
  table.fired(name, `${seen.join(', then ')}; ${explained ? 'hole in the ledger' : 'complete'} afterwards`, fired);
});

test.each(['too_many_requests', 'banned', 'blocked'])(
  'F58 F59 F60 I60 after %s nobody asks until it is over: not this process, not another one, not after a restart',
  async (fault) => {
    const [first, second] = [await hostile.ingest(), await hostile.ingest()];
    const long = fault === 'blocked' ? {} : { with: { seconds: 300 } };
    hostile.befall({ fault, times: 1, path: 'klines', ...long });
    expect(await attempt(first, BTC)).not.toBe('stored');
    const { length } = hostile.market.requests();
    for (const ingest of [first, second, await hostile.ingest()]) expect(await attempt(ingest, BTC)).not.toBe('stored');
    expect(hostile.market.requests()).toHaveLength(length);
    table.fired(IN_BAN, 'no request in the log of the market', 3);
    hostile.clock.forward(16 * 60_000);
    expect(await attempt(second, BTC)).toBe('stored');
  },
);

test('F61 I61 an empty or broken page in mid-history moves no cursor: the same page is asked for again', async () => {
  for (const fault of ['empty_page', 'html', 'null_body']) {
    const ingest = await hostile.ingest();
    hostile.befall(klines(fault, { after: 4, times: 2 }));
    await attempt(ingest, BTC);
    const asked = hostile.market
      .requests()
      .filter(({ path, fault: befell }) => path.endsWith('klines') && befell !== null)
      .map(({ query }) => new URLSearchParams(query).get('startTime'));
    expect(new Set(asked).size).toBe(1);
    hostile.market.faults.clear();
    await attempt(ingest, BTC);
    expect(await lostCandles(ingest, BTC, hostile.truth(BTC))).toEqual([]);
  }
});

const POISONS = [
  'nan',
  'null',
  'empty',
  'infinite',
  'huge',
  'negative',
  'zero',
  'high_below_low',
  'words',
  'short',
  'time_zero',
  'year_2099',
];

test.each(POISONS)('F77 I09 poison %s is refused with its reason and takes no good row with it', async (value) => {
  const ingest = await hostile.ingest();
  const truth = hostile.truth(BTC);
  hostile.befall(klines('poison', { with: { value }, after: 2 }));
  for (let k = 0; k < ATTEMPTS; k++) {
    await attempt(ingest, BTC);
    expect(await wrongCandles(ingest, BTC, truth)).toEqual([]);
  }
  expect(hostile.fired()).toBeGreaterThan(3);
  expect((await ingest.pairState.quarantined(BTC)).length).toBeGreaterThan(0);
  hostile.market.faults.clear();
  expect(await attempt(ingest, BTC)).toBe('stored');
  expect(await lostCandles(ingest, BTC, truth)).toEqual([]);
});

const CAPS = FULL_PROOF ? [1, 2, 3, 7, 50, 99, 100, 101, 150, 199, 200, 201, 300, 500, 720, 999, 1000] : [7, 100, 720];

test.each(CAPS)(
  'F70 I03 a cap of %i rows a page gives the same complete history',
  async (rows) => {
    const ingest = await hostile.ingest();
    hostile.befall(klines('page_cap', { with: { rows } }));
    expect(await attempt(ingest, BTC)).toBe('stored');
    expect(await lostCandles(ingest, BTC, hostile.truth(BTC))).toEqual([]);
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
        mixed.market.faults.clear();
        for (let day = 0; day < 2; day++) {
          expect([seed, await attempt(ingest, BTC, NOW + day * 13 * HOUR)]).toEqual([seed, 'stored']);
          mixed.clock.forward(13 * HOUR);
        }
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
