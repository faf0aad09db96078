import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provenOrder, readTime } from '../../../src/cli/csv-time';
import { HOUR } from '../../../src/domain/timeframe';
import { testOnCandles } from '../../candles';
import { World, pairOf } from './test-wiring';

const BTC = pairOf('BTC/USDT', '1h');
const START = Date.parse('2024-05-01T00:00:00Z');

let folder: string;
let world: World;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'foreign-'));
  world = new World();
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' };
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(lines: readonly string[], name = 'BTC_USDT-1h.csv'): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

interface Told {
  readonly applied: boolean;
  readonly files: readonly {
    readonly stored: number;
    readonly error: string | null;
    readonly refused: Record<string, number>;
    readonly understood?: Record<string, unknown>;
  }[];
}

async function told(line: string): Promise<{ code: number; applied: boolean; file: Told['files'][number] }> {
  const code = await world.run(`data import ${line} --json`);
  const { applied, files } = world.json() as Told;
  const [first] = files;
  if (first === undefined) throw new Error('no file was told of');
  return { code, applied, file: first };
}

const unix = (hour: number, unit = 1000): number => (START + hour * HOUR) / (1000 / unit);

describe('times', () => {
  test.each([
    ['1714521600', 'seconds', START],
    ['1714521600.0', 'seconds', START],
    ['1714521600000', 'milliseconds', START],
    ['1714521600000000', 'microseconds', START],
    ['1714521600000000000', 'nanoseconds', START],
    ['2024-05-01 00:00:00', 'YYYY-MM-DD hh:mm', START],
    ['2024-05-01T02:00:00+02:00', 'YYYY-MM-DD hh:mm', START],
    ['2024-04-30T18:30:00-05:30', 'YYYY-MM-DD hh:mm', START],
    ['2024-05-01', 'YYYY-MM-DD hh:mm', START],
    ['2024-05-01 12-AM', 'YYYY-MM-DD hh-AM/PM', START],
    ['2024-05-01 12-PM', 'YYYY-MM-DD hh-AM/PM', START + 12 * HOUR],
    ['01/05/2024 00:00', 'DD/MM/YYYY hh:mm or MM/DD/YYYY hh:mm', START],
    ['2021-02-30 21:00:00', 'YYYY-MM-DD hh:mm', null],
    ['2024-05-01 13-PM', 'YYYY-MM-DD hh-AM/PM', null],
    ['31/04/2024 00:00', 'DD/MM/YYYY hh:mm or MM/DD/YYYY hh:mm', null],
  ])('%s is read as %s', (text, format, time) => {
    expect(readTime(text, 'day-first')).toEqual({ format, time });
  });

  test.each(['', 'yesterday', '12', '99999999', '1e9', '-5', '2024-05'])('"%s" is no time', (text) => {
    expect(readTime(text, 'day-first')).toBeNull();
  });

  test('which of day and month comes first is proven by a number over twelve alone', () => {
    expect(['13/04/2021 00:00', '04/13/2021', '03/04/2021', '2021-04-13'].map(provenOrder)).toEqual([
      'day-first',
      'month-first',
      null,
      null,
    ]);
    expect(readTime('03/04/2021', 'month-first')?.time).toBe(Date.UTC(2021, 2, 4));
    expect(readTime('03/04/2021', null)?.time).toBeNull();
  });
});

describe('a foreign file', () => {
  const header = 'unix,date,symbol,open,high,low,close,Volume BTC,Volume USDT';
  const row = (hour: number, rest = '1,2,0.5,1.5,10,15'): string =>
    `${unix(hour)},${new Date(START + hour * HOUR).toISOString()},BTCUSDT,${rest}`;

  test('is only understood at first: what was found is told and nothing is stored', async () => {
    const { code, applied, file: found } = await told(file([header, row(1), row(0)]));
    expect([code, applied, found.stored]).toEqual([0, false, 0]);
    expect(found.understood).toMatchObject({
      columns: { time: 'unix', open: 'open', high: 'high', low: 'low', close: 'close', volume: 'Volume BTC' },
      not_used: ['date', 'symbol', 'Volume USDT'],
      times: { milliseconds: 2 },
      order: 'newest first',
      step_seconds: 3600,
      candles: 2,
      first: '2024-05-01T00:00:00Z',
      dates_that_differ: 0,
    });
    expect(await world.candles.extent(BTC)).toBeNull();
    await world.run(`data import ${join(folder, 'BTC_USDT-1h.csv')}`);
    expect(world.stdout).toMatch(/run it again with --apply/);
  });

  test('is stored with --apply, oldest first, and a second time changes nothing', async () => {
    const path = file(['http://www.example.org', header, row(2), row(1), row(0)]);
    expect(await told(`${path} --apply`)).toMatchObject({ code: 0, applied: true, file: { stored: 3 } });
    expect(await told(`${path} --apply`)).toMatchObject({ file: { stored: 0, unchanged: 3 } });
    expect((await world.candles.read(BTC, {})).map(({ openTime }) => (openTime - START) / HOUR)).toEqual([0, 1, 2]);
  });

  test('seconds and milliseconds may be mixed: a number says by its size which it is', async () => {
    const seconds = (hour: number): string => row(hour).replace(String(unix(hour)), `${unix(hour, 1)}.0`);
    const { file: found } = await told(`${file([header, row(0), seconds(1), row(2)])} --apply`);
    expect(found.understood).toMatchObject({ times: { milliseconds: 2, seconds: 1 }, candles: 3 });
  });

  test('rows of one slot with different values are all refused, or one counts when that is said', async () => {
    const path = file([header, row(0), row(1), row(1, '1,3,0.5,1.5,10,15'), row(2)]);
    expect(await told(`${path} --apply`)).toMatchObject({
      code: 8,
      file: { stored: 2, refused: { conflicting_duplicate: 2 }, understood: { conflicts: 1 } },
    });
    const highs = async (): Promise<number | undefined> =>
      (await world.candles.read(BTC, { from: START + HOUR }))[0]?.high;
    await told(`${path} --apply --conflicts last`);
    expect(await highs()).toBe(3);
  });

  test.each<[string, string, Record<string, number>]>([
    ['an impossible date', '2024-02-30 00:00', { impossible_date: 1 }],
    ['no time at all', 'soon', { unreadable_time: 1 }],
    ['a time off the grid', '2024-05-01 00:30', { misaligned: 1 }],
  ])('%s is refused and counted', async (_, time, refused) => {
    const rows = [0, 1, 2, 3].map((hour) => `2024-05-01 0${hour}:00,1,2,0.5,1.5,10`);
    const path = file(['date,open,high,low,close,volume', ...rows, `${time},1,2,0.5,1.5,10`]);
    expect(await told(`${path} --apply`)).toMatchObject({ code: 8, file: { stored: 4, refused } });
  });

  test('NULL, NaN and empty values are refused, never replaced', async () => {
    const rows = ['NULL', 'NaN', ''].map((value, hour) => row(hour, `1,2,0.5,${value},10,15`));
    expect(await told(`${file([header, ...rows, row(3)])} --apply`)).toMatchObject({
      file: { stored: 1, refused: { malformed: 3 } },
    });
  });

  test.each<[string, string[], string, RegExp]>([
    ['without a header', ['1714521600,1,2,0.5,1.5,10'], '', /it has no header: say what its columns are/],
    ['without a volume', ['date,open,high,low,close', '2024-05-01,1,2,0.5,1.5'], '', /volume in BTC/],
    [
      'with two times',
      ['unix,timestamp,open,high,low,close,volume', '1,1,1,2,0.5,1.5,10'],
      '',
      /2 columns could be the time: "unix", "timestamp"/,
    ],
    [
      'whose volume is of the quote alone',
      ['date,open,high,low,close,Volume USDT', '2024-05-01,1,2,0.5,1.5,3'],
      '',
      /no column is named as the volume in BTC/,
    ],
    [
      'of dates that could be both',
      ['date,open,high,low,close,volume', '03/04/2021 00:00,1,2,0.5,1.5,3'],
      '',
      /say --dates day-first or month-first/,
    ],
    [
      'of dates that contradict each other',
      ['date,open,high,low,close,volume', '13/04/2021 00:00,1,2,1,1,3', '04/13/2021 01:00,1,2,1,1,3'],
      '',
      /some dates have the day first, others the month/,
    ],
    [
      'of dates that contradict what is said',
      ['date,open,high,low,close,volume', '13/04/2021 00:00,1,2,1,1,3'],
      '--dates month-first',
      /is contradicted/,
    ],
    [
      'of another symbol',
      ['date,symbol,open,high,low,close,volume', '2024-05-01,ETHUSDT,1,2,1,1,3'],
      '',
      /its rows are of ETHUSDT, not of BTC\/USDT/,
    ],
    [
      'of another timeframe',
      ['date,open,high,low,close,volume', '2024-05-01,1,2,1,1,3', '2024-05-02,1,2,1,1,3'],
      '',
      /most rows lie 1440 minutes apart, those of 1h lie 60 minutes apart/,
    ],
  ])('%s is refused whole, with how to say it', async (_, lines, options, sentence) => {
    const { code, file: found } = await told(`${file(lines)} --apply ${options}`);
    expect([code, found.stored]).toEqual([5, 0]);
    expect(found.error).toMatch(sentence);
    expect(await world.candles.extent(BTC)).toBeNull();
  });

  test('columns can be named where there is no header', async () => {
    const path = file([`${unix(0, 1)},x,1,0.5,2,1.5,10`, `${unix(1, 1)},x,1,0.5,2,1.5,10`]);
    const { file: found } = await told(`${path} --columns unix,note,open,low,high,close,volume --apply`);
    expect(found).toMatchObject({ stored: 2, understood: { header: null, times: { seconds: 2 } } });
  });
});

describe('the odd files', () => {
  const NOW = Date.parse('2024-06-01T00:00:00Z');
  const imported = (path: string, rest: string) => {
    world.overrides = { clock: { now: () => NOW, monotonic: () => 0 } };
    return told(`${path} --timeframe 1h ${rest}`);
  };

  testOnCandles('newest first, two date formats, no unix column: BTC of a data provider', async (candles) => {
    const path = join(candles, 'odd', 'BTC_USDT-1h.cdd-raw.csv.gz');
    const { file: found } = await imported(path, '--symbol BTC/USDT');
    expect(found.understood).toMatchObject({
      rows: 34_674,
      candles: 29_376,
      conflicts: 2_649,
      day_order: 'day-first',
      order: 'newest first',
      not_used: ['symbol', 'Volume USDT', 'tradecount'],
      columns: { volume: 'Volume BTC' },
      first: '2017-08-17T05:00:00Z',
    });
    expect(Object.keys(found.refused)).toEqual(['conflicting_duplicate']);
  });

  testOnCandles('seconds and milliseconds mixed, hours twice with other values: ETH', async (candles) => {
    const path = join(candles, 'odd', 'ETH_USDT-1h.cdd-raw.csv.gz');
    const { file: found } = await imported(path, '--symbol ETH/USDT --apply');
    expect(found.understood).toMatchObject({
      times: { seconds: 28_584, milliseconds: 7_478 },
      // The first hour: an open of 652 where the next one is 303.
      wide: expect.arrayContaining(['2017-08-17T04:00:00Z']),
    });
    const { conflicts, duplicates } = found.understood as { conflicts: number; duplicates: number };
    expect(conflicts + duplicates).toBe(2_649);
    expect(found.stored).toBe(36_062 - 2_649 - conflicts);
  });

  testOnCandles('no header, impossible dates in a second column: ETH/USD of another exchange', async (candles) => {
    const path = join(candles, 'odd', 'ETH_USD-1h.gemini-raw.csv.gz');
    expect((await imported(path, '--symbol ETH/USD')).file.error).toMatch(/no header/);
    const named = '--columns unix,date,symbol,open,high,low,close,volume';
    const { file: found } = await imported(path, `--symbol ETH/USD ${named}`);
    const { conflicts, duplicates } = found.understood as { conflicts: number; duplicates: number };
    expect(conflicts + duplicates).toBe(168);
    expect(found.understood).toMatchObject({
      candles: 35_061,
      dates_that_differ: 168,
      header: null,
      times: { seconds: 11_651, milliseconds: 23_578 },
    });
  });
});
