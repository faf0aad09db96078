import { NOW, World, candlesFrom, pairOf } from './test-wiring';

const START = Date.parse('2024-05-01T00:00:00Z');

test('every symbol that is or was followed is told with its state and why', async () => {
  const world = new World();
  world.environment = { SYMBOLS: 'BTC/USDT,NEW/USDT', TIMEFRAMES: '1h', DISCOVER_TOP: '3' };
  const [top, old] = [pairOf('TOP/USDT', '1h'), pairOf('OLD/USDT', '1h')];
  world.chosen = [{ symbol: top.symbol, since: START, misses: 0, rank: 1 }];
  const btc = pairOf('BTC/USDT', '1h');
  await world.candles.write(btc, candlesFrom(btc, START, 5), NOW);
  await world.pairState.setSymbolState({ symbol: btc.symbol, activation: 'ready', since: START, reason: null });
  await world.pairState.setSymbolState({
    symbol: top.symbol,
    activation: 'quarantined',
    since: START,
    reason: '3 candles',
  });
  await world.pairState.setSymbolState({
    symbol: old.symbol,
    activation: 'retired',
    since: START,
    reason: 'no longer in SYMBOLS',
  });
  expect(await world.run('symbol list --json')).toBe(0);
  expect(world.json()).toMatchObject({
    symbols: [
      { symbol: 'BTC/USDT', followed: 'named', state: 'ready', candles: 5 },
      { symbol: 'NEW/USDT', followed: 'named', state: 'not seen yet', since: null },
      { symbol: 'TOP/USDT', followed: 'discovered', rank: 1, state: 'quarantined', reason: '3 candles' },
      { symbol: 'OLD/USDT', followed: 'not any more', state: 'retired', reason: 'no longer in SYMBOLS' },
    ],
  });
  await world.run('symbol list');
  expect(world.stdout).toMatch(/TOP\/USDT +quarantined +2024-05-01 00:00 +discovered, rank 1 +0 +3 candles/);
});

test('a discovered symbol can be named like a configured one', async () => {
  const world = new World();
  world.environment = { SYMBOLS: 'BTC/USDT', TIMEFRAMES: '1h', DISCOVER_TOP: '3' };
  expect(await world.run('data coverage --symbol TOP/USDT')).toBe(2);
  world.chosen = [{ symbol: pairOf('TOP/USDT', '1h').symbol, since: START, misses: 0, rank: 1 }];
  expect(await world.run('data coverage --symbol TOP/USDT')).toBe(0);
});
