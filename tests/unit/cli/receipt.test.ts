import type { QuantileRow } from '../../../src/domain/quantiles';
import type { ForecastRecord } from '../../../src/ports/forecast-ledger';
import { pairOf, World } from './test-wiring';

const pair = pairOf('BTC/USDT', '1h');
const dataThrough = Date.parse('2024-05-01T12:00:00Z');
const row: QuantileRow = [90, 95, 98, 100, 102, 105, 110];
const record: ForecastRecord = {
  pair,
  role: 'champion',
  issuedAt: dataThrough + 5000,
  dataThrough,
  modelVersion: 'v1',
  family: 'naive',
  lastClose: 100,
  quantiles: [row, row],
};

async function worldWith(...records: ForecastRecord[]): Promise<World> {
  const world = new World();
  await world.forecastLedger.append(records);
  const score = {
    pair,
    dataThrough,
    step: 1,
    actual: 107,
    absoluteError: 7,
    symmetricError: 0.07,
    inside50: false,
    inside80: false,
    inside95: true,
    directionRight: null,
  };
  await world.forecastLedger.recordScores([
    { ...score, role: 'champion', modelVersion: 'v1', pinball: 0.01 },
    { ...score, role: 'naive', modelVersion: 'n', pinball: 0.02 },
  ]);
  return world;
}

describe('forecast receipt', () => {
  test('tells what was known, what was said, what happened, and the score', async () => {
    const world = await worldWith(record);
    expect(await world.run('forecast receipt BTC_USDT-1h-2024-05-01T12:00Z')).toBe(0);
    expect(world.stdout).toContain('candles through 2024-05-01T12:00:00Z, last close 100');
    expect(world.stdout).toContain("1 step of 2 scored, 0.00 % inside the 80 % band, loss 0.50 of naive's");
    expect(world.stdout).toMatch(/1\s+2024-05-01 13:00\s+100.*107\S*\s+7\S*\s+no/);
    expect(world.stdout).toMatch(/2\s+2024-05-01 14:00\s+100.*not yet/);
  });

  test('is JSON when asked, with null for what has not happened', async () => {
    const world = await worldWith(record);
    await world.run('forecast receipt BTC_USDT-1h-2024-05-01T12:00Z --json');
    expect(world.json()).toMatchObject([
      {
        receipt: 'BTC_USDT-1h-2024-05-01T12:00Z',
        model: { version: 'v1' },
        steps: [
          { actual: 107, pinball: 0.01, naive_pinball: 0.02 },
          { actual: null, inside: null },
        ],
      },
    ]);
  });

  test('forecast show names the receipt of what it shows', async () => {
    const world = await worldWith(record);
    await world.run('forecast show BTC/USDT 1h --json');
    expect(world.json()).toMatchObject({ receipt: 'BTC_USDT-1h-2024-05-01T12:00Z' });
  });

  test.each([
    [
      'that discovery follows',
      async (world: World) => {
        world.environment = { SYMBOLS: 'ETH/USDT', TIMEFRAMES: '1h', DISCOVER_TOP: '3' };
        world.chosen = [{ symbol: pair.symbol, since: 0, misses: 0, rank: 1 }];
      },
    ],
    [
      'that is followed no more',
      async (world: World) => {
        world.environment = { SYMBOLS: 'ETH/USDT', TIMEFRAMES: '1h' };
        await world.pairState.setSymbolState({ symbol: pair.symbol, activation: 'retired', since: 0, reason: null });
      },
    ],
  ])('of a symbol %s is given all the same', async (_, follow) => {
    const world = await worldWith(record);
    await follow(world);
    expect(await world.run('forecast receipt BTC_USDT-1h-2024-05-01T12:00Z')).toBe(0);
    expect(world.stdout).toContain('BTC/USDT 1h (simulated)');
    expect(await world.run('forecast receipt XYZ_USDT-1h-2024-05-01T12:00Z')).toBe(2);
  });

  test('what is no name of a forecast, or none that was issued, is told in a sentence', async () => {
    const world = await worldWith(record);
    expect(await world.run('forecast receipt whatever')).toBe(2);
    expect(world.stderr).toContain('write it like BTC_USDT-1h-2024-05-01T14:00Z');
    expect(await world.run(`forecast receipt BTC_USDT-1h-2024-05-01T11:00Z`)).toBe(5);
  });
});
