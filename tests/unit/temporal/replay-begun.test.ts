import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { CsvFeed } from '../../../src/market/csv-feed';
import { candlesHash, replayedPairs, sameReplay } from '../../../temporal/replay-begun';
import type { ReplayBegun } from '../../../temporal/replay-begun';
import { sourceFolder } from '../../../temporal/source';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'coin-predict-begun-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const folder = () => ({ ...sourceFolder(root, 'replay'), root });
const file = () => join(root, 'replay.json');
const BEGUN: ReplayBegun = {
  from: '2024-01-01T00:00:00.000Z',
  store: 'sqlite',
  symbols: ['ETH/USDT'],
  timeframes: ['1h', '1d'],
  champions: ['naive', 'naive'],
};

describe('what a replay was begun with', () => {
  test('is written whole or not at all, and goes on with the same', async () => {
    await sameReplay(folder(), BEGUN, 'a');
    expect(readdirSync(root)).toEqual(['replay.json']);
    await expect(sameReplay(folder(), BEGUN, 'a')).resolves.toBeUndefined();
  });

  test('another one is refused, and says which is there', async () => {
    await sameReplay(folder(), BEGUN, 'a');
    await expect(sameReplay(folder(), { ...BEGUN, symbols: ['BTC/USDT'] }, 'a')).rejects.toThrow(
      `${root} holds another replay, ${JSON.stringify(BEGUN)}: set DATA_DIR to another folder`,
    );
  });

  test('other candles are refused with what to do', async () => {
    await sameReplay(folder(), BEGUN, 'a');
    await expect(sameReplay(folder(), BEGUN, 'b')).rejects.toThrow(
      `${root} was replayed from other candles: give --data the files it was begun with, or set DATA_DIR to another folder`,
    );
  });

  test('one that was begun before candles were recorded goes on', async () => {
    writeFileSync(file(), JSON.stringify(BEGUN));
    await expect(sameReplay(folder(), BEGUN, 'a')).resolves.toBeUndefined();
  });

  test('its pairs are told to whoever looks; none where nothing was replayed', async () => {
    expect(replayedPairs(folder())).toBeNull();
    await sameReplay(folder(), BEGUN, 'a');
    expect(replayedPairs(folder())).toEqual({ SYMBOLS: 'ETH/USDT', TIMEFRAMES: '1h,1d' });
  });

  test.each([
    ['empty', ''],
    ['cut', '{"from":"2024-01-01T0'],
    ['of another form', '[]'],
    ['null', 'null'],
  ])('a file that is %s is one sentence with what to do, and stays as it is', async (_, text) => {
    writeFileSync(file(), text);
    const sentence = `${file()} is damaged and does not say which replay the folder holds: delete ${root} and replay anew`;
    expect(() => replayedPairs(folder())).toThrow(sentence);
    await expect(sameReplay(folder(), BEGUN, 'a')).rejects.toThrow(sentence);
    expect(readFileSync(file(), 'utf8')).toBe(text);
  });
});

describe('candle files are told apart', () => {
  const START = Date.UTC(2024, 0, 1);
  const FROM = START + 5 * HOUR;
  const PAIRS = [{ symbol: parseSymbol('ETH/USDT'), timeframe: parseTimeframe('1h') }];

  /** The hash over `count` hours of candles at `price`, in a folder of its own, the last one before the start at `lastPrice`. */
  function hashOf(count: number, price = 100, lastPrice = price, name = 'ETH_USDT-1h.csv.gz'): string {
    const data = mkdtempSync(join(root, 'data-'));
    const rows = Array.from({ length: count }, (_, k) => {
      const at = START + k * HOUR;
      const p = at + HOUR === FROM ? lastPrice : price;
      return `${at},${p},${p},${p},${p},1`;
    });
    writeFileSync(join(data, name), gzipSync(`timestamp_ms,open,high,low,close,volume\n${rows.join('\n')}\n`));
    return candlesHash(new CsvFeed(data, [parseSymbol('ETH/USDT')]), PAIRS, FROM);
  }

  test('in another folder, or with more candles at their end, they are the same', () => {
    expect(hashOf(10)).toBe(hashOf(10));
    expect(hashOf(20)).toBe(hashOf(10));
  });

  test('of another market, changed before the start, or without the file of a pair they are others', () => {
    const others = [hashOf(10), hashOf(10, 101), hashOf(10, 100, 101), hashOf(10, 100, 100, 'ETH_USDT-1d.csv.gz')];
    expect(new Set(others).size).toBe(4);
  });
});
