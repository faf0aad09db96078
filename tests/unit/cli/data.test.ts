import { gunzipSync, gzipSync } from 'node:zlib';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import * as fc from 'fast-check';
import { CSV_HEADER, decimalText } from '../../../src/cli/candle-csv';
import { HOUR } from '../../../src/domain/timeframe';
import { testOnCandles } from '../../candles';
import { NOW, World, candlesFrom, pairOf } from './test-wiring';

const RUNS = Number(process.env.FC_RUNS ?? 200);
const BTC = pairOf('BTC/USDT', '1h');
const START = Date.parse('2024-05-01T00:00:00Z');

let folder: string;
let world: World;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'data-'));
  world = new World();
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Stores 14 candles to 13:00, of which those at 03:00, 04:00 and 08:00 are left out. */
async function storeWithHoles(state: 'confirmed_empty' | 'suspect' = 'confirmed_empty'): Promise<void> {
  const candles = candlesFrom(BTC, START, 14).filter((candle) => ![3, 4, 8].includes((candle.openTime - START) / HOUR));
  await world.candles.write(BTC, candles, NOW);
  await world.pairState.setEarliest(BTC, { openTime: START, provenAt: NOW });
  await world.gapLedger.record(BTC, [
    { from: START + 3 * HOUR, to: START + 4 * HOUR, state, asks: 2, firstAskedAt: START, lastAskedAt: NOW - HOUR },
  ]);
}

describe('coverage', () => {
  test('holes are told apart: explained by the exchange, or not', async () => {
    await storeWithHoles();
    expect(await world.run('data coverage --json')).toBe(0);
    expect(world.json()).toEqual({
      source: 'simulated',
      pairs: [
        {
          symbol: 'BTC/USDT',
          timeframe: '1h',
          first: '2024-05-01T00:00:00Z',
          last: '2024-05-01T13:00:00Z',
          count: 11,
          slots: 14,
          holes_explained: 2,
          holes_outage: 0,
          holes_suspect: 0,
          holes_unexplained: 1,
          exchange_earliest: '2024-05-01T00:00:00Z',
          missing_before: 0,
          behind: 0,
          covered: 13 / 14,
          state: '1 missing',
        },
      ],
    });
  });

  test('a gap that is only suspected explains nothing', async () => {
    await storeWithHoles('suspect');
    await world.run('data coverage --json');
    expect(world.json()).toMatchObject({ pairs: [{ holes_explained: 0, holes_unexplained: 3 }] });
  });

  test('candles before the first and after the last are counted', async () => {
    await world.candles.write(BTC, candlesFrom(BTC, START, 10), NOW);
    await world.pairState.setEarliest(BTC, { openTime: START - 5 * HOUR, provenAt: NOW });
    await world.run('data coverage --json');
    expect(world.json()).toMatchObject({
      pairs: [{ missing_before: 5, behind: 4, state: '5 older to fetch, 4 behind' }],
    });
  });

  test('a pair without candles says so', async () => {
    await world.run('data coverage');
    expect(world.stdout).toMatch(/BTC\/USDT 1h\s+-\s+-\s+0\s+0\+0\s+-\s+no candles/);
  });

  test('the table of the default pairs fits 100 columns', async () => {
    world.environment = {};
    await storeWithHoles();
    await world.run('data coverage');
    expect(Math.max(...world.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });
});

test('gaps lists what the ledger knows and what nobody has asked for, and the refused rows by reason', async () => {
  await storeWithHoles();
  const refused = ['[]', '[1]'].map((raw) => ({ reason: 'misaligned' as const, openTime: null, raw }));
  await world.pairState.quarantine(BTC, refused, NOW);
  expect(await world.run('data gaps --json')).toBe(0);
  expect(world.json()).toMatchObject({
    gaps: [
      { from: '2024-05-01T03:00:00Z', to: '2024-05-01T04:00:00Z', slots: 2, state: 'confirmed_empty', asks: 2 },
      { from: '2024-05-01T08:00:00Z', to: '2024-05-01T08:00:00Z', slots: 1, state: 'not asked yet', asks: 0 },
    ],
    quarantined: [{ reason: 'misaligned', rows: 2, last_at: '2024-05-01T14:30:00Z' }],
  });
});

test('a slot that has closed and that nobody has asked for yet names no time of asking', async () => {
  const due = { from: NOW - 2 * HOUR, to: NOW - 2 * HOUR, state: 'suspect', asks: 0 } as const;
  await world.gapLedger.record(BTC, [{ ...due, firstAskedAt: NOW, lastAskedAt: NOW }]);
  await world.run('data gaps --json');
  expect(world.json()).toMatchObject({ gaps: [{ state: 'not asked yet', asks: 0, last_asked_at: null }] });
});

test('status shows the store even when Temporal does not answer', async () => {
  await storeWithHoles();
  world.temporalAnswers = false;
  expect(await world.run('data status --json')).toBe(0);
  expect(world.json()).toMatchObject({ source: 'simulated', pairs: 1, candles: 11, level: 'ok', fills: null });
});

test('audit tells old and new values of changed candles, and what comparisons found', async () => {
  await storeWithHoles();
  const [before] = candlesFrom(BTC, START, 1);
  if (before === undefined) throw new Error('no candle');
  await world.pairState.recordRevisions(BTC, [{ before, after: { ...before, volume: 6 } }], NOW);
  await world.dataQuality.recordComparison(
    BTC,
    { from: START, to: NOW },
    [{ openTime: START, kind: 'different' }],
    NOW,
  );
  expect(await world.run('data audit --json')).toBe(0);
  expect(world.json()).toMatchObject({
    changes: [{ symbol: 'BTC/USDT', open_time: '2024-05-01T00:00:00Z', before: { volume: 5 }, after: { volume: 6 } }],
    mismatches: [{ kind: 'different', severity: 'warning', times_running: 1 }],
  });
  await world.run('data audit');
  expect(world.stdout).toMatch(/BTC\/USDT 1h +2024-05-01 00:00 +2024-05-01 14:30 +volume 5\.000000 -> 6\.000000/);
});

describe('storage', () => {
  test('level, growth, days left and what each setting would buy are told', async () => {
    await storeWithHoles();
    world.environment = { SYMBOLS: 'BTC/USDT,ETH/USDT', TIMEFRAMES: '1h,1m', RETENTION_1M_DAYS: '28' };
    await world.candles.write(pairOf('BTC/USDT', '1m'), candlesFrom(pairOf('BTC/USDT', '1m'), START, 100), NOW);
    world.usage = { usedBytes: 36e9, budgetBytes: 50e9 };
    for (let hour = 0; hour <= 24; hour++) {
      const at = NOW - (24 - hour) * HOUR;
      await world.dataQuality.recordStorage({
        at,
        level: hour < 20 ? 'ok' : 'warn',
        usedBytes: 36e9 - (24 - hour) * 1e7,
        budgetBytes: 50e9,
      });
    }
    expect(await world.run('data storage --json')).toBe(0);
    expect(world.json()).toMatchObject({
      level: 'warn',
      bytes_per_day: expect.closeTo(24e7, -3),
      growth_measured: true,
      days_until_block: expect.closeTo(37.5),
      options: [
        { setting: 'TIMEFRAMES without 1m', frees_bytes: 6400 },
        { setting: '1m kept 14 days instead of 28', frees_bytes: 3200 },
        { setting: 'twice the budget', days_until_block: expect.closeTo(225) },
        { setting: 'one symbol fewer (its candles stay)', days_until_block: expect.closeTo(75) },
      ],
      level_changes: [{ level: 'warn' }],
    });
    await world.run('data storage');
    expect(world.stdout).toMatch(/days until block +37/);
  });

  test('usage that can not be read counts as full, and is said so', async () => {
    world.usage = { usedBytes: null, budgetBytes: 50e9 };
    await world.run('data storage');
    expect(world.stdout).toMatch(/level +block: usage or budget can not be read/);
  });
});

test('what discovery follows counts in the growth that is reckoned, and in what is followed', async () => {
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', DISCOVER_TOP: '3' };
  const growth = async (): Promise<number> => {
    await world.run('data storage --json');
    return (world.json() as { bytes_per_day: number }).bytes_per_day;
  };
  const alone = await growth();
  world.chosen = ['TOP/USDT', 'NEW/USDT'].map((symbol, k) => {
    return { symbol: pairOf(symbol, '1h').symbol, since: START, misses: 0, rank: k + 1 };
  });
  expect(alone).toBeGreaterThan(0);
  expect(await growth()).toBeCloseTo(3 * alone, 6);
  await world.run('data status');
  expect(world.stdout).toContain('0 stored, 3 followed');
});

describe('import', () => {
  function file(rows: readonly string[], name = 'BTC_USDT-1h.csv'): string {
    const path = join(folder, name);
    const text = `${[CSV_HEADER, ...rows].join('\n')}\n`;
    writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
    return path;
  }
  const row = (hour: number, rest = '1,2,0.5,1.5,10'): string => `${START + hour * HOUR},${rest}`;

  test('rows of a plain or a compressed file are stored', async () => {
    expect(await world.run(`data import ${file([row(0), row(1)], 'BTC_USDT-1h.csv.gz')} --json`)).toBe(0);
    expect(world.json()).toMatchObject({ files: [{ symbol: 'BTC/USDT', timeframe: '1h', stored: 2, refused: {} }] });
    expect(await world.candles.extent(BTC)).toMatchObject({ first: START, count: 2 });
  });

  test('importing twice changes nothing', async () => {
    const path = file([row(0), row(1)]);
    await world.run(`data import ${path}`);
    expect(await world.run(`data import ${path} --json`)).toBe(0);
    expect(world.json()).toMatchObject({ files: [{ stored: 0, unchanged: 2 }] });
  });

  test('a slot that gets a candle is no longer a gap', async () => {
    await storeWithHoles();
    await world.run(`data import ${file([row(3)])}`);
    expect(await world.gapLedger.list(BTC)).toMatchObject([{ from: START + 4 * HOUR, to: START + 4 * HOUR }]);
  });

  test('the value that came from the exchange is kept', async () => {
    await world.candles.write(BTC, candlesFrom(BTC, START, 1), NOW);
    await world.run(`data import ${file([row(0)])} --json`);
    expect(world.json()).toMatchObject({ files: [{ stored: 0, kept: 1 }] });
    expect(await world.candles.read(BTC, {})).toEqual(candlesFrom(BTC, START, 1));
  });

  test.each<[string, string[], Record<string, number>]>([
    ['a stamp off the grid', [`${START + 1},1,2,0.5,1.5,10`], { misaligned: 1 }],
    ['seconds instead of milliseconds', [`${START / 1000},1,2,0.5,1.5,10`], { misaligned: 1 }],
    ['a field too few', [`${START},1,2,0.5,1.5`], { malformed: 1 }],
    ['an empty field', [`${START},1,2,,1.5,10`], { malformed: 1 }],
    ['a word', [`${START},1,2,low,1.5,10`], { malformed: 1 }],
    ['a number in hex', [`${START},0x1,2,0.5,1.5,10`], { malformed: 1 }],
    ['a price of nothing', [row(1, '0,2,0,1,10')], { non_positive_price: 1 }],
    ['a high below the body', [row(1, '1,1.2,0.5,1.5,10')], { high_below_body: 1 }],
    ['a negative volume', [row(1, '1,2,0.5,1.5,-1')], { negative_volume: 1 }],
    ['a candle that is not closed', [row(14)], { not_closed: 1 }],
    ['a candle of the future', [row(40)], { in_future: 1 }],
    ['a row that goes back', [row(5), row(4)], { out_of_order: 1 }],
    [
      'two candles for one slot, neither of which is right',
      [row(5), row(5, '1,3,0.5,1.5,10')],
      { conflicting_duplicate: 2 },
    ],
    ['a third for that slot', [row(5), row(5, '1,3,0.5,1.5,10'), row(5)], { conflicting_duplicate: 3 }],
  ])('%s is refused and counted by reason; the good rows are stored', async (_, rows, refused) => {
    expect(await world.run(`data import ${file([row(0), ...rows])} --json`)).toBe(8);
    expect(world.json()).toMatchObject({ files: [{ refused }] });
    expect((await world.candles.read(BTC, {}))[0]?.openTime).toBe(START);
  });

  test('an identical repeat is dropped and counted, and nothing is wrong with it', async () => {
    expect(await world.run(`data import ${file([row(0), row(0)])} --json`)).toBe(0);
    expect(world.json()).toMatchObject({ files: [{ stored: 1, duplicates: 1 }] });
  });

  test('a file whose columns can not be known is refused whole, with exit 5', async () => {
    const path = join(folder, 'BTC_USDT-1h.csv');
    writeFileSync(path, 'date,open\n1,2\n');
    expect(await world.run(`data import ${path}`)).toBe(5);
    expect(world.stdout).toMatch(/no column is named as the high/);
    expect(await world.candles.extent(BTC)).toBeNull();
  });

  /** Rows that hardly compress, so that a fault comes after thousands of them have been read. */
  const manyRows = (count: number): string[] =>
    Array.from({ length: count }, (_, k) => {
      const open = 1 + ((k * 7919) % 9973) / 9973;
      return `${START - (count - k) * HOUR},${open},2,0.5,1.5,10`;
    });
  const cut = (packed: Buffer): Buffer => packed.subarray(0, Math.floor(packed.length * 0.8));
  const changed = (packed: Buffer): Buffer => Buffer.from(packed).fill(0x55, packed.length - 8, packed.length - 4);
  const write =
    (header: string, rows: number, spoil: (packed: Buffer) => Buffer) =>
    (path: string): void =>
      writeFileSync(path, spoil(gzipSync([header, ...manyRows(rows), ''].join('\n'))));
  const FOREIGN_HEADER = 'time,open,high,low,close,vol';

  test.each([
    ['that is not there', () => {}, /there is no such file/],
    ['that is empty', (path: string) => writeFileSync(path, ''), /is cut off; nothing|the file is empty/],
    ['that is not gzip', (path: string) => writeFileSync(path, 'text'), /is not gzip, though .* nothing of it was/],
    ['that is cut off', write(CSV_HEADER, 20, cut), /is cut off; nothing of it was stored: get the file again/],
    ['that is long and cut off', write(CSV_HEADER, 20_000, cut), /is cut off; nothing of it was stored/],
    ['that is long and changed', write(CSV_HEADER, 20_000, changed), /is damaged .* nothing of it was stored/],
    ['of others that is cut off', write(FOREIGN_HEADER, 20_000, cut), /is cut off; nothing of it was stored/],
    ['of others that is changed', write(FOREIGN_HEADER, 20, changed), /is damaged .* nothing of it was stored/],
  ])('a compressed file %s is told in one sentence, and no row of it is believed', async (_, make, sentence) => {
    const path = join(folder, 'BTC_USDT-1h.csv.gz');
    make(path);
    expect(await world.run(`data import ${path} --apply`)).toBe(5);
    expect(world.stdout).toMatch(sentence);
    expect(await world.candles.extent(BTC)).toBeNull();
  });

  test('one bad file of two leaves the other, and the exit code is 8', async () => {
    const good = file([row(0)]);
    expect(await world.run(`data import ${good} ${join(folder, 'ETH_USDT-1h.csv')} --json`)).toBe(8);
    expect(world.json()).toMatchObject({ files: [{ stored: 1 }, { error: expect.stringMatching(/no such file/) }] });
  });

  test('symbol and timeframe can be given when the name does not tell them', async () => {
    expect(await world.run(`data import ${file([row(0)], 'x.csv')} --symbol BTC/USDT --timeframe 1h`)).toBe(0);
  });
});

describe('export', () => {
  test('one pair goes to stdout as CSV, and a range can be chosen', async () => {
    await world.candles.write(BTC, candlesFrom(BTC, START, 5), NOW);
    expect(await world.run('data export BTC/USDT 1h --from 2024-05-01T01:00Z --until 2024-05-01T02:00Z')).toBe(0);
    const rows = [1, 2].map(
      (index) => `${START + index * HOUR},${100 + index},${102 + index},${99 + index},${101 + index},5`,
    );
    expect(world.stdout).toBe(`${CSV_HEADER}\n${rows.join('\n')}\n`);
  });

  test('a pair that is not stored ends with 5', async () => {
    expect(await world.run('data export BTC/USDT 1h')).toBe(5);
  });

  test('all pairs go into a folder, and import takes them back unchanged', async () => {
    await world.candles.write(BTC, candlesFrom(BTC, START, 5), NOW);
    expect(await world.run(`data export --to ${folder}`)).toBe(0);
    expect(readdirSync(folder)).toEqual(['BTC_USDT-1h.csv.gz']);
    const before = await world.candles.read(BTC, {});
    world = new World();
    expect(await world.run(`data import ${join(folder, 'BTC_USDT-1h.csv.gz')}`)).toBe(0);
    expect(await world.candles.read(BTC, {})).toEqual(before);
  });

  test.each(['one', 'all'])('Parquet has the same values, times in UTC to the millisecond: %s', async (which) => {
    const written = candlesFrom(BTC, START, 5);
    await world.candles.write(BTC, written, NOW);
    const path = join(folder, 'BTC_USDT-1h.parquet');
    const line =
      which === 'one' ? `data export BTC/USDT 1h --to ${path}` : `data export --to ${folder} --format parquet`;
    expect(await world.run(line)).toBe(0);
    const { asyncBufferFromFile, parquetReadObjects, parquetMetadataAsync } = await import('hyparquet');
    const read = await asyncBufferFromFile(path);
    const rows = await parquetReadObjects({ file: read });
    expect(rows.map(({ timestamp, ...values }) => ({ openTime: Number(timestamp as Date), ...values }))).toEqual(
      written,
    );
    const { schema } = await parquetMetadataAsync(read);
    expect(schema[1]).toMatchObject({ name: 'timestamp', logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true } });
  });

  test('numbers are written without an exponent and read back as the same number', () => {
    expect([decimalText(1e-7), decimalText(1.25e-9), decimalText(1e21), decimalText(1.5e22)]).toEqual([
      '0.0000001',
      '0.00000000125',
      '1000000000000000000000',
      '15000000000000000000000',
    ]);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(decimalText(number)).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(decimalText(number))).toBe(Object.is(number, -0) ? 0 : number);
      }),
      { numRuns: RUNS },
    );
  });
});

testOnCandles('a file of real candles goes in and comes out byte by byte the same', async (candles) => {
  const original = join(candles, 'BTC_USDT-1d.csv.gz');
  const now = Date.parse('2025-06-01T00:00:00Z');
  world.overrides = { clock: { now: () => now, monotonic: () => 0 } };
  expect(await world.run(`data import ${original} --json`)).toBe(0);
  expect(world.json()).toMatchObject({ files: [{ stored: 2694, refused: {}, duplicates: 0 }] });
  await world.run(`data export --to ${folder}`);
  const copy = join(folder, basename(original));
  expect(gunzipSync(readFileSync(copy)).equals(gunzipSync(readFileSync(original)))).toBe(true);
});
