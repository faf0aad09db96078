/** Each fault of the market does what its meaning says, to the requests it is for and to no others. */
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HOUR } from '../../../src/domain/timeframe';
import { FAULTS, parseRule, parseScenario, readScenario } from '../../../src/market/faults/fault-rules';
import type { FaultRuleInput } from '../../../src/market/faults/fault-rules';
import { POISONS } from '../../../src/market/faults/row-faults';
import { startMarket } from '../../../src/market/market-server';
import type { MarketServer } from '../../../src/market/market-server';

const NOW = Date.parse('2024-06-13T07:30:00Z');
const LAST = Date.parse('2024-06-13T06:00:00Z');
let market: MarketServer;
beforeEach(async () => {
  market = await startMarket({ seed: 'faults', clock: { fixed: NOW } });
});
afterEach(async () => market.close());

const add = (rule: FaultRuleInput) => market.faults.add({ faults: [parseRule(rule, 'the test')] });
const ask = (path: string) => fetch(`${market.url}/api/v3/${path}`);
const KLINES = `klines?symbol=BTCUSDT&interval=1h&startTime=${LAST - 9 * HOUR}&limit=100`;
type Row = readonly [number, string, string, string, string, string, ...unknown[]];
const rows = async (path = KLINES): Promise<Row[]> => (await ask(path)).json() as Promise<Row[]>;
const opens = async (path?: string) => (await rows(path)).map(([openTime]) => (openTime - LAST) / HOUR);
/** Nine closed hours before the last, it, and the forming one. */
const TRUE_OPENS = [-9, -8, -7, -6, -5, -4, -3, -2, -1, 0, 1];

test('without a fault the true rows are answered, the forming one last', async () => {
  expect(await opens()).toEqual(TRUE_OPENS);
  expect(market.faults.list()).toEqual([]);
});

test.each<[string, FaultRuleInput, number, string | null, RegExp]>([
  ['too_many_requests', { fault: 'too_many_requests', with: { seconds: 7 } }, 429, '7', /"code":-1003/],
  ['banned', { fault: 'banned', with: { seconds: 60 } }, 418, '60', new RegExp(`banned until ${NOW + 60_000}`)],
  ['blocked', { fault: 'blocked' }, 451, null, /restricted location/],
  ['server_error', { fault: 'server_error', with: { status: 502 } }, 502, null, /unknown error/],
  ['html', { fault: 'html' }, 200, null, /^<!doctype html>/],
  ['half_json', { fault: 'half_json' }, 200, null, /^\[\[\d+,(?!.*\]\]$)/],
  ['empty_body', { fault: 'empty_body' }, 200, null, /^$/],
  ['null_body', { fault: 'null_body' }, 200, null, /^null$/],
  ['error_object', { fault: 'error_object' }, 200, null, /^\{"code":0,"data":null\}$/],
  ['empty_page', { fault: 'empty_page' }, 200, null, /^\[\]$/],
])('%s answers its status, Retry-After and body, and is in the log', async (name, rule, status, retryAfter, body) => {
  add(rule);
  const answer = await ask(KLINES);
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([status, retryAfter]);
  expect(await answer.text()).toMatch(body);
  expect(market.requests().at(-1)).toMatchObject({
    fault: name,
    status,
    retryAfterMs: retryAfter === null ? null : Number(retryAfter) * 1000,
  });
  expect(market.faults.list()).toMatchObject([{ matched: 1, fired: 1 }]);
});

test('cut and reset end the connection, hang holds it, trickle sends slowly but all', async () => {
  add({ fault: 'cut', times: 1 });
  await expect(ask(KLINES).then((answer) => answer.text())).rejects.toThrow();
  add({ fault: 'reset', times: 1 });
  await expect(ask(KLINES)).rejects.toThrow();
  add({ fault: 'hang', times: 1 });
  await expect(fetch(`${market.url}/api/v3/${KLINES}`, { signal: AbortSignal.timeout(150) })).rejects.toThrow(
    /timeout|abort/i,
  );
  add({ fault: 'trickle', with: { bytes_per_second: 4000 }, times: 1 });
  const started = performance.now();
  expect(await opens()).toEqual(TRUE_OPENS);
  expect(performance.now() - started).toBeGreaterThan(200);
  expect(await opens()).toEqual(TRUE_OPENS);
});

test.each<[FaultRuleInput, readonly number[]]>([
  [{ fault: 'reversed' }, TRUE_OPENS.toReversed()],
  [{ fault: 'duplicates' }, [-9, -9, -8, -7, -6, -6, -5, -4, -3, -3, -2, -1, 0, 0, 1]],
  [{ fault: 'conflicting_duplicates', with: { every: 5 } }, [-9, -9, -8, -7, -6, -5, -4, -4, -3, -2, -1, 0, 1, 1]],
  [{ fault: 'page_cap', with: { rows: 4 } }, [-9, -8, -7, -6]],
  [{ fault: 'lag', with: { seconds: 3600 } }, [-9, -8, -7, -6, -5, -4, -3, -2, -1]],
  [{ fault: 'without_newest', with: { slots: 2 } }, [-9, -8, -7, -6, -5, -4, -3, -2]],
  [{ fault: 'hole', with: { first: LAST - 3 * HOUR, last: LAST - HOUR } }, [-9, -8, -7, -6, -5, -4, 0, 1]],
  [
    { fault: 'hole', with: { first: '2024-06-13T03:00:00Z', last: '2024-06-13T05:00:00Z' } },
    [-9, -8, -7, -6, -5, -4, 0, 1],
  ],
  [{ fault: 'off_by', with: { seconds: -1 } }, TRUE_OPENS.map((hour) => hour - 1 / 3600)],
  [{ fault: 'close_times' }, TRUE_OPENS.map((hour) => hour + 1 - 1 / HOUR)],
  [{ fault: 'wrong_timeframe', with: { timeframe: '1d' } }, [-6]],
])('%j moves, repeats or leaves out rows', async (rule, expected) => {
  add(rule);
  const answered = await opens();
  expect(answered.map((hour) => Number(hour.toFixed(6)))).toEqual(expected.map((hour) => Number(hour.toFixed(6))));
  expect(market.faults.list()[0]?.fired).toBe(1);
});

test('since_ignored answers the newest, one_row_short one fewer, shuffled all in another order', async () => {
  add({ fault: 'since_ignored', times: 1 });
  expect(await opens(`klines?symbol=BTCUSDT&interval=1h&startTime=${LAST - 900 * HOUR}&limit=2`)).toEqual([0, 1]);
  add({ fault: 'one_row_short', times: 1 });
  expect(await opens(`klines?symbol=BTCUSDT&interval=1h&startTime=${LAST - 9 * HOUR}&limit=3`)).toEqual([-9, -8]);
  add({ fault: 'shuffled', times: 1 });
  const shuffled = await opens();
  expect(shuffled).not.toEqual(TRUE_OPENS);
  expect(shuffled.toSorted((a, b) => a - b)).toEqual(TRUE_OPENS);
});

test('same_page answers the first page for ever, and counts only the wrong ones', async () => {
  add({ fault: 'same_page' });
  const first = await opens();
  expect(await opens(`klines?symbol=BTCUSDT&interval=1h&startTime=${LAST}&limit=5`)).toEqual(first);
  expect(market.faults.list()[0]).toMatchObject({ matched: 2, fired: 1 });
});

test.each<FaultRuleInput>([
  { fault: 'page_cap', with: { rows: 100 } },
  { fault: 'page_cap', with: { rows: TRUE_OPENS.length } },
  { fault: 'one_row_short' },
  { fault: 'since_ignored' },
  { fault: 'same_page' },
  { fault: 'hole', with: { first: LAST - 30 * HOUR, last: LAST - 20 * HOUR } },
  { fault: 'delisted', with: { symbol: 'ETH/USDT' } },
  { fault: 'wrong_symbol', with: { symbol: 'BTC/USDT' } },
  { fault: 'wrong_timeframe', with: { timeframe: '1h' } },
])('%j is not counted where it changes nothing', async (rule) => {
  // Without a start the newest are answered anyway.
  const path = rule.fault === 'since_ignored' ? 'klines?symbol=BTCUSDT&interval=1h&limit=9' : KLINES;
  const truth = await rows(path);
  add(rule);
  expect(await rows(path)).toEqual(truth);
  expect(market.faults.list()).toMatchObject([{ fired: 0 }]);
});

test('weeks from Thursday and months of thirty days have their stamps, and seconds are a thousandth', async () => {
  for (const fault of ['thursday_weeks', 'thirty_day_months', 'in_seconds']) add({ fault, times: 1 });
  const week = await rows('klines?symbol=BTCUSDT&interval=1w&limit=3');
  expect(week.map(([openTime]) => new Date(openTime).getUTCDay())).toEqual([4, 4, 4]);
  const months = await rows('klines?symbol=BTCUSDT&interval=1M&limit=3');
  expect(months.every(([openTime]) => openTime % (30 * 24 * HOUR) === 0)).toBe(true);
  expect((await rows()).at(-2)?.[0]).toBe(LAST / 1000);
});

test.each([
  ['nan', (row: Row) => row[4] === 'NaN'],
  ['null', (row: Row) => row[2] === null],
  ['empty', (row: Row) => row[1] === ''],
  ['infinite', (row: Row) => row[2] === '1e999'],
  ['huge', (row: Row) => row[2] === '1e308'],
  ['negative', (row: Row) => Number(row[3]) < 0],
  ['zero', (row: Row) => Number(row[4]) === 0],
  ['high_below_low', (row: Row) => Number(row[2]) < Number(row[3])],
  ['words', (row: Row) => row[4] === 'unknown'],
  ['short', (row: Row) => row.length === 4],
  ['time_zero', (row: Row) => row[0] === 0],
  ['year_2099', (row: Row) => row[0] === Date.UTC(2099, 0, 1)],
])('F77 poison %s spoils one row of the page', async (value, isSpoiled) => {
  add({ fault: 'poison', with: { value } });
  expect((await rows()).filter(isSpoiled)).toHaveLength(1);
});

test('a revised candle has other values until it has settled, a wrong symbol those of another', async () => {
  const truth = await rows();
  add({ fault: 'revised', with: { seconds: 1801 }, times: 1 });
  const early = await rows();
  expect(early.slice(0, -2)).toEqual(truth.slice(0, -2));
  expect(early.at(-2)?.[5]).not.toBe(truth.at(-2)?.[5]);
  add({ fault: 'revised', with: { seconds: 1799 } });
  expect(await rows()).toEqual(truth);
  market.faults.clear();
  add({ fault: 'wrong_symbol', with: { symbol: 'ETH/USDT' } });
  expect(await rows()).toEqual(await rows(KLINES.replace('BTCUSDT', 'ETHUSDT')));
});

test('an outage answers 503 while it lasts and leaves its hole for ever', async () => {
  add({ fault: 'outage', from: NOW + HOUR, until: NOW + 3 * HOUR });
  expect((await ask(KLINES)).status).toBe(200);
  market.clock.set(NOW + 2 * HOUR);
  expect((await ask(KLINES)).status).toBe(503);
  market.clock.set(NOW + 5 * HOUR);
  expect(await opens()).toEqual([...TRUE_OPENS, 2, 5, 6]);
});

test('the market tells a wrong time, takes a symbol off, breaks one, and lists hostile names', async () => {
  add({ fault: 'clock_offset', with: { milliseconds: -90_000 } });
  expect(await (await ask('time')).json()).toEqual({ serverTime: NOW - 90_000 });
  add({ fault: 'delisted', with: { symbol: 'ETH/USDT' }, from: NOW - 2 * HOUR });
  const listed = async () =>
    ((await (await ask('exchangeInfo')).json()) as { symbols: { symbol: string; status: string }[] }).symbols;
  expect((await listed()).find(({ symbol }) => symbol === 'ETHUSDT')?.status).toBe('BREAK');
  expect((await opens(KLINES.replace('BTC', 'ETH'))).at(-1)).toBe(-1);
  market.faults.clear();
  add({ fault: 'unknown_symbol', with: { symbol: 'ETH/USDT' } });
  expect((await listed()).map(({ symbol }) => symbol)).not.toContain('ETHUSDT');
  expect(await (await ask(KLINES.replace('BTC', 'ETH'))).json()).toEqual({ code: -1121, msg: 'Invalid symbol.' });
  market.faults.clear();
  add({ fault: 'hostile_names' });
  expect((await listed()).map(({ symbol }) => symbol)).toEqual(expect.arrayContaining(['../../ETCUSDT', 'BTCUSDT']));
});

describe('a rule', () => {
  test('is for its symbol, timeframe and path only, lets some pass, and ends after its times', async () => {
    add({ fault: 'html', symbol: 'ETH/USDT', timeframe: '1h', path: 'klines', after: 1, times: 1 });
    const ethereum = KLINES.replace('BTC', 'ETH');
    const types = [];
    for (const path of [KLINES, ethereum, ethereum.replace('1h', '1d'), ethereum, ethereum])
      types.push((await ask(path)).headers.get('content-type')?.includes('html') === true);
    expect(types).toEqual([false, false, false, true, false]);
  });

  test('holds in its time of the market', async () => {
    add({ fault: 'empty_page', from: NOW + HOUR, until: NOW + 2 * HOUR });
    const counts = [];
    for (const hours of [0, 1, 2]) {
      market.clock.set(NOW + hours * HOUR);
      counts.push((await rows()).length > 0);
    }
    expect(counts).toEqual([true, false, true]);
  });

  test('with a probability befalls about that share, the same ones for the same seed', async () => {
    const fired = async (seed: string): Promise<string> => {
      const other = await startMarket({
        seed: 'faults',
        clock: { fixed: NOW },
        scenario: parseScenario({ seed, faults: [{ fault: 'empty_body', probability: 0.3 }] }, 'the test'),
      });
      let marks = '';
      for (let k = 0; k < 60; k++) marks += (await (await fetch(`${other.url}/api/v3/ping`)).text()) === '' ? 'x' : '.';
      await other.close();
      return marks;
    };
    const one = await fired('a');
    expect(one.split('x').length - 1).toBeGreaterThan(8);
    expect(one.split('x').length - 1).toBeLessThan(30);
    expect(await fired('a')).toBe(one);
    expect(await fired('b')).not.toBe(one);
  });

  test.each<[unknown, string]>([
    [{ fault: 'nonsense' }, 'the test: there is no fault "nonsense"; there are too_many_requests, banned'],
    [{ fault: 'html', probability: 2 }, 'the test, probability: '],
    [{ fault: 'html', often: true }, 'the test: Unrecognized key: "often"'],
    [{ fault: 'page_cap', with: { rows: 0 } }, 'the test, with, rows: '],
    [{ fault: 'html', with: { rows: 1 } }, 'the test, with: Unrecognized key: "rows"'],
    ['html', 'the test: '],
  ])('that is wrong is refused with what and where: %j', (rule, sentence) => {
    expect(() => parseRule(rule, 'the test')).toThrow(expect.objectContaining({ code: 'invalid_input' }));
    expect(() => parseRule(rule, 'the test')).toThrow(sentence);
  });
});

async function control(method: string, body?: unknown) {
  const answer = await fetch(`${market.url}/_control/faults`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json() };
}

test('faults are added, listed with their counts and cleared over the control endpoint', async () => {
  expect((await control('POST', { fault: 'empty_page', times: 1 })).status).toBe(200);
  expect((await control('POST', { faults: [{ fault: 'html', path: 'time' }] })).body).toHaveLength(2);
  await ask(KLINES);
  expect((await control('GET')).body).toMatchObject([
    { rule: { fault: 'empty_page' }, matched: 1, fired: 1 },
    { rule: { fault: 'html' }, matched: 0, fired: 0 },
  ]);
  expect(await control('POST', { fault: 'x' })).toMatchObject({
    status: 400,
    body: { error: /there is no fault "x"/ },
  });
  expect(await control('POST', 'no json')).toMatchObject({ status: 400 });
  expect((await control('DELETE')).body).toEqual([]);
  expect(await opens()).toEqual(TRUE_OPENS);
});

test('rules posted with a seed draw by it, and draw the same again once they were cleared and posted anew', async () => {
  const marks = async (scenario: object): Promise<string> => {
    await control('DELETE');
    await control('POST', scenario);
    let told = '';
    for (let k = 0; k < 40; k++) told += (await (await ask('ping')).text()) === '' ? 'x' : '.';
    return told;
  };
  const faults = [{ fault: 'empty_body', probability: 0.5 }];
  const seven = await marks({ seed: 7, faults });
  expect(await marks({ seed: 7, faults })).toBe(seven);
  expect(await marks({ seed: 8, faults })).not.toBe(seven);
  const without = await marks({ faults });
  expect(without).not.toBe(seven);
  expect(await marks({ seed: 1, faults })).toBe(without);
  expect(await marks(faults[0] ?? {})).toBe(without);
});

test('a scenario file is read, or refused by name', () => {
  const folder = mkdtempSync(join(tmpdir(), 'coin-predict-scenario-'));
  const file = join(folder, 'scenario.json');
  writeFileSync(
    file,
    '{"seed": 7, "faults": [{"fault": "banned", "with": {"seconds": 5}, "until": "2024-01-01T00:00:00Z"}]}',
  );
  expect(readScenario(file)).toMatchObject({ seed: '7', faults: [{ fault: 'banned', until: Date.UTC(2024, 0, 1) }] });
  writeFileSync(file, '{"faults": [{"fault": "banned"}, {"fault": "bannned"}]}');
  expect(() => readScenario(file)).toThrow(`${file}, faults.1: there is no fault "bannned"`);
  expect(() => readScenario(join(folder, 'none.json'))).toThrow('none.json can not be read as JSON');
  rmSync(folder, { recursive: true });
});

test('the documentation names every fault with its meaning', () => {
  const text = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'market-simulator.md'), 'utf8');
  const rows = Object.entries(FAULTS).map(([name, { meaning }]) => `| \`${name}\` | ${meaning} |`);
  expect(rows.filter((row) => !text.includes(row))).toEqual([]);
});

test('the documentation names every value that poisons a row', () => {
  const text = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'market-simulator.md'), 'utf8');
  const [, values = ''] = /^The `value` of `poison`: ([^]*?)\n\n/m.exec(text) ?? [];
  expect([...values.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual(POISONS);
});
