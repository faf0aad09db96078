/** `data backfill`: which pairs are filled, and what a dry run says of it. */
import { EXIT_CODES } from '../../../src/cli/exit-codes';
import { PipelineError } from '../../../src/domain/errors';
import { HOUR, MINUTE } from '../../../src/domain/timeframe';
import { NOW, World, candlesFrom, pairOf } from './test-wiring';

const BTC = pairOf('BTC/USDT', '1h');
const START = Date.parse('2024-05-01T00:00:00Z');

let world: World;
beforeEach(() => {
  world = new World();
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h' };
});

test('a dry run says requests, minutes and megabytes, and starts nothing', async () => {
  await world.pairState.setEarliest(BTC, { openTime: NOW - 5000 * HOUR, provenAt: NOW });
  const startFill = jest.fn();
  world.control = { startFill };
  expect(await world.run('data backfill --dry-run --json')).toBe(0);
  expect(world.json()).toMatchObject({
    dry_run: true,
    pairs: [{ symbol: 'BTC/USDT', candles: 5000, requests: 7, why: 'no candles' }],
    total: { requests: 7, megabytes: 0.32 },
  });
  expect(startFill).not.toHaveBeenCalled();
});

test('where history begins is asked of the exchange when it is not known', async () => {
  world.exchange = { source: 'simulated', fetchPage: async () => ({ candles: candlesFrom(BTC, START, 1) }) as never };
  await world.run('data backfill --dry-run --json');
  expect(world.json()).toMatchObject({ pairs: [{ from: '2024-05-01T00:00:00Z', candles: 14 }] });
  expect(world.stderr).toMatch(/asking the exchange for the first candle of BTC\/USDT 1h/);
});

test('a pair without a closed candle, and one that the exchange does not know, are told; the plan of the others stands', async () => {
  world.environment = { SYMBOLS: 'BTC/USDT,YOUNG/USDT,GONE/USDT', TIMEFRAMES: '1h' };
  const fetchPage = async ({ symbol }: { symbol: string }) => {
    if (symbol === 'GONE/USDT') throw new PipelineError('bad_symbol', 'simulated does not know GONE/USDT');
    return { candles: symbol === 'BTC/USDT' ? candlesFrom(BTC, START, 1) : [] } as never;
  };
  world.exchange = {
    source: 'simulated',
    fetchPage,
    supports: (timeframe) => ({ timeframe, offered: false, reason: null }),
  };
  expect(await world.run('data backfill --dry-run --json')).toBe(EXIT_CODES.partial);
  expect(world.json()).toMatchObject({
    pairs: [
      { symbol: 'BTC/USDT', candles: 14, error: null },
      {
        symbol: 'YOUNG/USDT',
        from: null,
        candles: 0,
        why: 'the exchange has no closed candle of it yet',
        error: null,
      },
      { symbol: 'GONE/USDT', from: null, candles: 0, error: 'simulated does not know GONE/USDT' },
    ],
  });
  await world.run('data backfill --dry-run');
  expect(world.stdout).toMatch(/YOUNG\/USDT 1h +- +0 .*the exchange has no closed candle of it yet\n/);
  expect(world.stdout).toMatch(/GONE\/USDT 1h +- +0 .*simulated does not know GONE\/USDT\n/);
});

test('what is known to be still forming is not missing', async () => {
  await world.pairState.setEarliest(BTC, { openTime: NOW - MINUTE, provenAt: NOW });
  await world.run('data coverage');
  expect(world.stdout).toContain('first candle not closed yet');
  expect(await world.run('data backfill')).toBe(0);
  expect(world.stdout).toContain('nothing to fill\n');
});

test('a complete pair is not fetched again', async () => {
  await world.candles.write(BTC, candlesFrom(BTC, START, 14), NOW);
  await world.pairState.setEarliest(BTC, { openTime: START, provenAt: NOW });
  expect(await world.run('data backfill')).toBe(0);
  expect(world.stdout).toBe('nothing to fill\n');
});

test('what is kept for some days only needs no known start, and more than a cycle fetches is missing', async () => {
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h,1m' };
  const minutes = pairOf('BTC/USDT', '1m');
  await world.candles.write(BTC, candlesFrom(BTC, START, 14), NOW);
  await world.pairState.setEarliest(BTC, { openTime: START, provenAt: NOW });
  const first = NOW - 13 * 24 * HOUR;
  // The newest closed minute has not settled.
  const all = (NOW - first) / MINUTE - 1;
  // A cycle brings the last 100 by itself; the 101st needs a fill.
  await world.candles.write(minutes, candlesFrom(minutes, first, all - 101), NOW);
  expect(await world.run('data backfill --dry-run --json')).toBe(0);
  expect(world.json()).toMatchObject({ pairs: [{ timeframe: '1m', why: '101 behind' }] });
  await world.candles.write(minutes, candlesFrom(minutes, first, all - 100), NOW);
  expect(await world.run('data backfill')).toBe(0);
  expect(world.stdout).toBe('nothing to fill\n');
});

test('only failed chooses the pairs whose fill failed', async () => {
  world.environment = { SYMBOLS: 'BTC/USDT,ETH/USDT', TIMEFRAMES: '1h' };
  const started: string[] = [];
  world.control = {
    fills: async () => [
      {
        ...pairOf('ETH/USDT', '1h'),
        workflowId: 'f',
        status: 'failed',
        stored: 0,
        candlesASecond: null,
        reached: null,
        progress: null,
        etaMs: null,
      },
    ],
    startFill: async (symbol) => {
      started.push(symbol);
      return { kind: 'started', workflowId: 'fill-1h-ETH_USDT', runId: 'r' };
    },
  };
  expect(await world.run('data backfill --only failed')).toBe(0);
  expect(started).toEqual(['ETH/USDT']);
  expect(world.stdout).toMatch(/ETH\/USDT 1h\s+started\s+fill-1h-ETH_USDT/);
});

test('a fill that can not be started leaves the others, and the exit code is 8', async () => {
  world.environment = { SYMBOLS: 'BTC/USDT,ETH/USDT', TIMEFRAMES: '1h' };
  world.control = {
    startFill: async (symbol) => {
      if (symbol === 'BTC/USDT') throw new Error('no');
      return { kind: 'started', workflowId: 'w', runId: 'r' };
    },
  };
  expect(await world.run('data backfill --json')).toBe(8);
  expect(world.json()).toMatchObject({ fills: [{ outcome: 'failed', error: 'no' }, { outcome: 'started' }] });
});
