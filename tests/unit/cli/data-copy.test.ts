import { parseTimeframe, shiftSlots } from '../../../src/domain/timeframe';
import { NOW, World, candlesFrom, pairOf } from './test-wiring';

const BTC = pairOf('BTC/USDT', '1h');
const ETH = pairOf('ETH/USDT', '1d');
const START = Date.parse('2020-05-01T00:00:00Z');

let world: World;
beforeEach(async () => {
  world = new World();
  await world.candles.write(BTC, candlesFrom(BTC, START, 12_000), NOW);
  await world.candles.write(ETH, candlesFrom(ETH, START, 3), NOW);
});

const copied = (...counts: number[]) => ({
  pairs: counts.map((count) =>
    expect.objectContaining({ copied: count, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }),
  ),
});

test('all pairs are copied page by page, with progress, and are the same by hash', async () => {
  expect(await world.run('data copy --from sqlite --to influx --json')).toBe(0);
  expect(world.json()).toMatchObject(copied(12_000, 3));
  expect(world.stderr).toContain('83 %  BTC/USDT 1h to');
  expect(world.stderr.trim().split('\n').at(-1)).toMatch(/^100 % {2}ETH\/USDT 1d to 2020-05-03/);
  expect(await world.otherCandles.read(BTC, { limit: Infinity })).toEqual(candlesFrom(BTC, START, 12_000));
});

test('a copy that was stopped goes on, one that is done changes nothing, and the way back is the same', async () => {
  await world.otherCandles.write(BTC, candlesFrom(BTC, START, 7000), 0);
  await world.run('data copy --from sqlite --to influx --json');
  expect(world.json()).toMatchObject(copied(5000, 3));
  await world.run('data copy --from sqlite --to influx --json');
  expect(world.json()).toMatchObject(copied(0, 0));
  expect(await world.run('data copy --from influx --to sqlite --json')).toBe(0);
  expect(world.json()).toMatchObject(copied(0, 0));
});

test('what the other store has from the exchange stays, is said, and ends with 5', async () => {
  const slot = shiftSlots(parseTimeframe('1h'), START, 50);
  const theirs = candlesFrom(BTC, slot, 1);
  await world.otherCandles.write(BTC, theirs, NOW);
  expect(await world.run('data copy --from sqlite --to influx')).toBe(5);
  expect(world.stdout).toMatch(/BTC\/USDT 1h .*DIFFERENT/);
  expect(world.stdout).toContain('influx has other values in 1 of 2 pairs');
  expect(await world.otherCandles.read(BTC, { from: slot, to: slot })).toEqual(theirs);
});

test('a store without a candle is said so, and ends with 5: it is the wrong folder', async () => {
  expect(await new World().run('data copy --from sqlite --to influx')).toBe(5);
  const empty = new World();
  empty.environment = { DATA_DIR: '/nowhere' };
  expect(await empty.run('data copy --from sqlite --to influx')).toBe(5);
  expect(empty.stderr).toContain('sqlite of /nowhere holds no candle, so nothing was copied: check DATA_DIR.');
  expect(empty.stdout).toBe('');
});

test.each(['--from sqlite --to sqlite', '--from sqlite', '--from sqlite --to redis'])(
  '"data copy %s" is a usage error',
  async (args) => {
    expect(await world.run(`data copy ${args}`)).toBe(2);
  },
);
