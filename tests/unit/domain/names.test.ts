import * as fc from 'fast-check';
import { fillWorkflowId, pairOfFill } from '../../../src/domain/names';
import { isSymbol } from '../../../src/domain/types';
import { pairOf } from '../publish/example';

test('S07 the ID of a fill says which pair it is of, whatever the symbol', () => {
  for (const symbol of ['BTC/USDT', 'BTC/USDT:USDT', 'BTC/USDT:USDT-240628']) {
    const pair = pairOf(symbol, '1h');
    expect(pairOfFill(fillWorkflowId(pair.symbol, pair.timeframe))).toEqual(pair);
  }
  const symbols = fc.stringMatching(/^[A-Z0-9]{1,20}\/[A-Z0-9]{1,20}(:[A-Z0-9-]{1,20})?$/).filter(isSymbol);
  fc.assert(
    fc.property(symbols, fc.constantFrom('1m', '4h', '1M'), (symbol, timeframe) => {
      const pair = pairOf(symbol, timeframe);
      expect(pairOfFill(fillWorkflowId(pair.symbol, pair.timeframe))).toEqual(pair);
    }),
  );
});

test.each(['fill-1h', 'fill-7h-BTC_USDT', 'fill-1h-btc', 'cycle-1h'])('%s is the ID of no fill', (id) => {
  expect(pairOfFill(id)).toBeNull();
});
