import { canary } from '../../../src/ingest/canary';
import { after, BTC, candle, exchangeThat, rowOf, SETTLE_MS, slot } from './ingest-under-test';

const look = (rows: readonly (readonly number[])[]) =>
  canary(
    exchangeThat(() => rows),
    { pair: BTC, asOf: after(0), wanted: 1, settleMs: SETTLE_MS },
  );

test('a symbol that was listed a moment ago, with a candle that is forming, is fit', async () => {
  expect(await look([rowOf(candle(1))])).toBeNull();
});

test('a symbol whose only closed candle is bad is not fit, although its next one is forming', async () => {
  expect(await look([[slot(0), 1, 2, 3, 4, 5], rowOf(candle(1))])).toMatch(/BTC\/USDT 1h/);
});
