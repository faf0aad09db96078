/** What every store of facts about symbols and pairs must do. */
import type { QuarantinedRow } from '../../src/domain/candle';
import { DAY } from '../../src/domain/timeframe';
import { parseSymbol } from '../../src/domain/types';
import type { PairStateStore, SymbolState } from '../../src/ports/pair-state';
import { BTC_1H, ETH_1D, candle, slot } from './store-fixtures';

export function pairStateContract(name: string, make: () => Promise<PairStateStore>): void {
  describe(`pair state: ${name}`, () => {
    describe('symbols', () => symbols(make));
    describe('stages', () => stages(make));
    describe('quarantine', () => quarantine(make));
    describe('revisions', () => revisions(make));
  });
}

function symbols(make: () => Promise<PairStateStore>): void {
  const btc: SymbolState = { symbol: parseSymbol('BTC/USDT'), activation: 'registered', since: 1000, reason: null };
  const ada: SymbolState = { ...btc, symbol: parseSymbol('ADA/USDT'), activation: 'quarantined', reason: 'delisted' };

  test('a symbol is in the state that was set last', async () => {
    const store = await make();
    expect(await store.symbolStates()).toEqual([]);
    await store.setSymbolState({ ...btc, reason: 'new' });
    await store.setSymbolState({ ...btc, activation: 'ready', since: 2000 });
    await store.setSymbolState(ada);
    expect(await store.symbolStates()).toStrictEqual([ada, { ...btc, activation: 'ready', since: 2000 }]);
  });

  test('a state that was made from another one than stands by now is not set', async () => {
    const store = await make();
    const ready: SymbolState = { ...btc, activation: 'ready', since: 2000 };
    expect(await store.setSymbolState(btc, null)).toBe(true);
    expect(await store.setSymbolState(ready, null)).toBe(false);
    expect(await store.setSymbolState(ready, { ...btc, since: 999 })).toBe(false);
    expect(await store.setSymbolState(ready, btc)).toBe(true);
    expect(await store.setSymbolState({ ...btc, reason: 'no 1h candle is stored' }, btc)).toBe(false);
    expect(await store.setSymbolState(ada, btc)).toBe(false);
    expect(await store.symbolStates()).toStrictEqual([ready]);
  });

  test("the exchange's earliest candle is remembered for each timeframe", async () => {
    const store = await make();
    expect(await store.earliest(BTC_1H)).toBeNull();
    await store.setEarliest(BTC_1H, { openTime: 5, provenAt: 1000 });
    await store.setEarliest(BTC_1H, { openTime: 4, provenAt: 2000 });
    expect(await store.earliest(BTC_1H)).toStrictEqual({ openTime: 4, provenAt: 2000 });
    expect(await store.earliest(ETH_1D)).toBeNull();
  });
}

function stages(make: () => Promise<PairStateStore>): void {
  const never = { lastSuccessAt: null, lastFailureAt: null, lastCode: null, lastMessage: null };
  const nothing = { ...never, failureCount: 0, sameCodeCount: 0 };

  test('failures are counted since the last success, and the last one is told', async () => {
    const store = await make();
    await store.recordFailure(BTC_1H, 'ingest', 1000, 'bad_response', 'first');
    await store.recordFailure(BTC_1H, 'ingest', 2000, 'exchange_timeout', 'second');
    expect(await store.stages(BTC_1H)).toStrictEqual([
      {
        ...nothing,
        stage: 'ingest',
        lastFailureAt: 2000,
        failureCount: 2,
        sameCodeCount: 1,
        lastCode: 'exchange_timeout',
        lastMessage: 'second',
      },
    ]);
    await store.recordSuccess(BTC_1H, 'ingest', 3000);
    expect(await store.stages(BTC_1H)).toMatchObject([{ lastSuccessAt: 3000, lastFailureAt: 2000, failureCount: 0 }]);
    await store.recordFailure(BTC_1H, 'ingest', 4000, 'bad_response', 'third');
    expect(await store.stages(BTC_1H)).toMatchObject([{ lastSuccessAt: 3000, failureCount: 1, lastMessage: 'third' }]);
  });

  test('F74 of the failures running, those with the newest code are counted for themselves', async () => {
    const store = await make();
    const counts = async () => (await store.stages(BTC_1H)).map((each) => [each.failureCount, each.sameCodeCount]);
    for (const at of [1000, 2000, 3000]) {
      await store.recordFailure(BTC_1H, 'detect', at, 'exchange_unreachable', 'down');
    }
    expect(await counts()).toEqual([[3, 3]]);
    await store.recordFailure(BTC_1H, 'detect', 4000, 'bad_symbol', 'gone');
    expect(await counts()).toEqual([[4, 1]]);
    await store.recordFailure(BTC_1H, 'detect', 5000, 'bad_symbol', 'gone');
    expect(await counts()).toEqual([[5, 2]]);
    await store.recordSuccess(BTC_1H, 'detect', 6000);
    expect(await counts()).toEqual([[0, 0]]);
    await store.recordFailure(BTC_1H, 'detect', 7000, 'bad_symbol', 'gone');
    expect(await counts()).toEqual([[1, 1]]);
  });

  test('I10 a failure told twice is counted once', async () => {
    const store = await make();
    await store.recordFailure(BTC_1H, 'gate', 1000, 'insufficient_data', 'few');
    await store.recordFailure(BTC_1H, 'gate', 1000, 'insufficient_data', 'few');
    expect(await store.stages(BTC_1H)).toMatchObject([{ failureCount: 1 }]);
  });

  test('a success told late does not hide failures that came after it', async () => {
    const store = await make();
    await store.recordFailure(BTC_1H, 'export', 2000, 'disk_full', 'full');
    await store.recordSuccess(BTC_1H, 'export', 1000);
    expect(await store.stages(BTC_1H)).toMatchObject([{ lastSuccessAt: 1000, lastFailureAt: 2000, failureCount: 1 }]);
  });

  test('a failure told late does not stand for the newest, nor count against a later success', async () => {
    const store = await make();
    await store.recordSuccess(BTC_1H, 'export', 3000);
    await store.recordFailure(BTC_1H, 'export', 2000, 'disk_full', 'late');
    await store.recordFailure(BTC_1H, 'export', 1000, 'export_failed', 'later still');
    expect(await store.stages(BTC_1H)).toMatchObject([{ failureCount: 0, lastFailureAt: 2000, lastMessage: 'late' }]);
  });

  test('a success of the same run as the failure before it ends the count', async () => {
    const store = await make();
    await store.recordFailure(BTC_1H, 'detect', 1000, 'exchange_timeout', 'slow');
    await store.recordSuccess(BTC_1H, 'detect', 1000);
    expect(await store.stages(BTC_1H)).toMatchObject([{ failureCount: 0 }]);
  });

  test('F30 a failure told by a clock that was ahead hides no later one, and ends with the next success', async () => {
    const store = await make();
    await store.recordFailure(BTC_1H, 'export', 3 * DAY, 'export_failed', 'ahead');
    await store.recordFailure(BTC_1H, 'export', 1000, 'disk_full', 'full');
    expect(await store.stages(BTC_1H)).toMatchObject([{ lastFailureAt: 1000, failureCount: 2, lastMessage: 'full' }]);
    await store.recordFailure(BTC_1H, 'export', 3 * DAY, 'export_failed', 'ahead');
    await store.recordSuccess(BTC_1H, 'export', 2000);
    expect(await store.stages(BTC_1H)).toMatchObject([{ lastSuccessAt: 2000, failureCount: 0, sameCodeCount: 0 }]);
  });

  test('F30 a success told by a clock that was ahead keeps no failure from being counted', async () => {
    const store = await make();
    await store.recordSuccess(BTC_1H, 'detect', 3 * DAY);
    await store.recordFailure(BTC_1H, 'detect', 1000, 'bad_symbol', 'gone');
    await store.recordFailure(BTC_1H, 'detect', 2000, 'bad_symbol', 'gone');
    expect(await store.stages(BTC_1H)).toMatchObject([{ failureCount: 2, sameCodeCount: 2 }]);
    await store.recordSuccess(BTC_1H, 'detect', 3000);
    expect(await store.stages(BTC_1H)).toMatchObject([{ lastSuccessAt: 3000, failureCount: 0 }]);
  });

  test('stages and pairs do not mix', async () => {
    const store = await make();
    await store.recordSuccess(BTC_1H, 'predict', 1000);
    await store.recordSuccess(BTC_1H, 'export', 2000);
    expect(await store.stages(BTC_1H)).toStrictEqual([
      { ...nothing, stage: 'export', lastSuccessAt: 2000 },
      { ...nothing, stage: 'predict', lastSuccessAt: 1000 },
    ]);
    expect(await store.stages(ETH_1D)).toEqual([]);
  });
}

function quarantine(make: () => Promise<PairStateStore>): void {
  const row: QuarantinedRow = { reason: 'non_finite', openTime: slot(1), raw: '[1,"x"]' };

  test('a refused row is kept with its reason, and seen again it is counted, not repeated', async () => {
    const store = await make();
    await store.quarantine(BTC_1H, [row, { ...row, reason: 'malformed', openTime: null }], 1000);
    await store.quarantine(BTC_1H, [row], 2000);
    expect(await store.quarantined(BTC_1H)).toStrictEqual([
      { ...row, at: 2000, times: 2 },
      { ...row, reason: 'malformed', openTime: null, at: 1000, times: 1 },
    ]);
    expect(await store.quarantined(ETH_1D)).toEqual([]);
  });

  test('I10 the same report told twice counts once', async () => {
    const store = await make();
    await store.quarantine(BTC_1H, [row], 1000);
    await store.quarantine(BTC_1H, [row], 1000);
    expect(await store.quarantined(BTC_1H)).toMatchObject([{ times: 1 }]);
  });

  test('an open time that is no whole number is kept as it was answered', async () => {
    const store = await make();
    await store.quarantine(BTC_1H, [{ ...row, reason: 'misaligned', openTime: 1.5 }], 1000);
    expect(await store.quarantined(BTC_1H)).toMatchObject([{ openTime: 1.5 }]);
  });

  test('only the newest thousand are kept, so that an exchange gone mad does not fill the disk', async () => {
    const store = await make();
    const rows = Array.from({ length: 1001 }, (_, index) => ({ ...row, raw: `[${index}]` }));
    await store.quarantine(BTC_1H, rows.slice(0, 600), 1000);
    await store.quarantine(ETH_1D, [row], 1000);
    await store.quarantine(BTC_1H, rows.slice(600), 2000);
    const kept = await store.quarantined(BTC_1H);
    expect(kept).toHaveLength(1000);
    expect(kept[0]?.raw).toBe('[1]');
    expect(await store.quarantined(ETH_1D)).toHaveLength(1);
  });
}

function revisions(make: () => Promise<PairStateStore>): void {
  test('I07 the old and the new values of a changed candle are kept, each change once', async () => {
    const store = await make();
    const first = { before: candle(1, 100), after: candle(1, 200) };
    const second = { before: candle(1, 200), after: candle(1, 300) };
    await store.recordRevisions(BTC_1H, [second], 2000);
    await store.recordRevisions(BTC_1H, [first, { before: candle(0), after: candle(0, 1) }], 1000);
    await store.recordRevisions(BTC_1H, [first], 1000);
    expect(await store.revisions(BTC_1H)).toStrictEqual([
      { before: candle(0), after: candle(0, 1), at: 1000 },
      { ...first, at: 1000 },
      { ...second, at: 2000 },
    ]);
    expect(await store.revisions(ETH_1D)).toEqual([]);
  });
}
