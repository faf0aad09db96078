/** A store that can not be asked, or not in time, costs one look of the monitor one question. */
import { StoreSight } from '../../activities/store-sight';
import { PipelineError } from '../../src/domain/errors';
import type { CandleStore } from '../../src/ports/candle-store';
import { pairOf } from '../integration/pipeline/pipeline';

const BTC = pairOf('BTC/USDT', '1h');
const ETH = pairOf('ETH/USDT', '1h');

function sightOf(extent: CandleStore['extent']) {
  const clock = { now: () => 0, monotonic: () => passed };
  let passed = 0;
  let asked = 0;
  const candles = { extent: (pair: typeof BTC) => (asked++, extent(pair)) } as CandleStore;
  const sight = new StoreSight({ candles, clock });
  return { sight, asked: () => asked, pass: (ms: number) => (passed += ms) };
}

test('each pair is asked for once, also one of which nothing is stored', async () => {
  const { sight, asked } = sightOf(async ({ symbol }) =>
    symbol === BTC.symbol ? { first: 1, last: 2, count: 2 } : null,
  );
  for (let twice = 0; twice < 2; twice++) {
    expect(await sight.extent(BTC)).toEqual({ first: 1, last: 2, count: 2 });
    expect(await sight.extent(ETH)).toBeNull();
  }
  expect(asked()).toBe(2);
  expect(sight.problem).toBeNull();
});

test('after the first failure nothing more is asked, and why is kept', async () => {
  const { sight, asked } = sightOf(async () => Promise.reject(new PipelineError('store_unavailable', 'no route')));
  expect([await sight.extent(BTC), await sight.extent(ETH)]).toEqual([undefined, undefined]);
  expect(asked()).toBe(1);
  expect(sight.problem).toBe('no route');
});

test('a store that hangs is waited for only as long as the look may last', async () => {
  const { sight, pass } = sightOf(async () => new Promise(() => {}));
  pass(20_000);
  expect(await sight.extent(BTC)).toBeUndefined();
  expect(sight.problem).toBe('the candle store does not answer in time');
});
