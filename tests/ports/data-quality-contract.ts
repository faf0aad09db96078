/** What every store of data quality must do. */
import type { DataQualityStore, StorageSample } from '../../src/ports/data-quality';
import { BTC_1H, ETH_1D, HOUR, MONDAY, slot } from './store-fixtures';

export function dataQualityContract(name: string, make: () => Promise<DataQualityStore>): void {
  describe(`data quality: ${name}`, () => {
    describe('changed candles', () => changes(make));
    describe('mismatches', () => mismatches(make));
    describe('storage', () => storage(make));
  });
}

const range = (from: number, to: number) => ({ from: slot(from), to: slot(to) });

function changes(make: () => Promise<DataQualityStore>): void {
  test('changes add up until they are settled', async () => {
    const store = await make();
    expect(await store.changed(BTC_1H)).toBeNull();
    await store.markChanged(BTC_1H, range(5, 6));
    await store.markChanged(BTC_1H, range(1, 2));
    const known = await store.changed(BTC_1H);
    expect(known).toMatchObject(range(1, 6));
    expect(await store.changed(ETH_1D)).toBeNull();
    await store.settleChanges(BTC_1H, known?.version ?? 0);
    expect(await store.changed(BTC_1H)).toBeNull();
  });

  test('a change that comes while the last ones are settled is not lost', async () => {
    const store = await make();
    await store.markChanged(BTC_1H, range(1, 2));
    const known = await store.changed(BTC_1H);
    await store.markChanged(BTC_1H, range(8, 9));
    await store.settleChanges(BTC_1H, known?.version ?? 0);
    expect(await store.changed(BTC_1H)).toMatchObject(range(1, 9));
  });

  test('a version settled once is never given again', async () => {
    const store = await make();
    await store.markChanged(BTC_1H, range(1, 2));
    const first = (await store.changed(BTC_1H))?.version ?? 0;
    await store.settleChanges(BTC_1H, first);
    await store.markChanged(BTC_1H, range(3, 4));
    expect(await store.changed(BTC_1H)).toMatchObject(range(3, 4));
    await store.settleChanges(BTC_1H, first);
    expect(await store.changed(BTC_1H)).not.toBeNull();
  });
}

function mismatches(make: () => Promise<DataQualityStore>): void {
  const different = (openTime: number) => ({ openTime: slot(openTime), kind: 'different' as const });

  test('a candle that differs three times running is critical, one that was right in between is not', async () => {
    const store = await make();
    const looked = range(0, 9);
    await store.recordComparison(BTC_1H, looked, [different(1), different(2)], 100);
    await store.recordComparison(BTC_1H, looked, [different(1)], 200);
    await store.recordComparison(BTC_1H, looked, [different(1), different(2)], 300);
    expect(await store.mismatches(BTC_1H)).toEqual([
      { ...different(1), severity: 'critical', times: 3, firstAt: 100, lastAt: 300 },
      { ...different(2), severity: 'warning', times: 1, firstAt: 300, lastAt: 300 },
    ]);
    expect(await store.mismatches(ETH_1D)).toEqual([]);
  });

  test('a missing candle is critical at once', async () => {
    const store = await make();
    await store.recordComparison(BTC_1H, range(0, 9), [{ openTime: slot(1), kind: 'missing' }], 100);
    expect(await store.mismatches(BTC_1H)).toMatchObject([{ kind: 'missing', severity: 'critical', times: 1 }]);
  });

  test('I10 telling a comparison again, also after it was mended, changes nothing', async () => {
    const store = await make();
    await store.recordComparison(BTC_1H, range(0, 9), [different(1)], 100);
    await store.recordComparison(BTC_1H, range(0, 9), [different(1)], 100);
    await store.recordComparison(BTC_1H, range(0, 9), [], 100);
    expect(await store.mismatches(BTC_1H)).toMatchObject([{ times: 1 }]);
  });

  test('what was not compared does not end', async () => {
    const store = await make();
    await store.recordComparison(BTC_1H, range(0, 9), [different(1)], 100);
    await store.recordComparison(BTC_1H, range(2, 9), [], 200);
    expect(await store.mismatches(BTC_1H)).toMatchObject([{ times: 1 }]);
    await store.recordComparison(BTC_1H, range(0, 1), [], 300);
    expect(await store.mismatches(BTC_1H)).toMatchObject([{ times: 0, lastAt: 100 }]);
  });
}

function storage(make: () => Promise<DataQualityStore>): void {
  const sample = (hours: number, level: StorageSample['level'], usedBytes: number | null = 10): StorageSample => ({
    at: MONDAY + hours * HOUR,
    level,
    usedBytes,
    budgetBytes: 100,
  });

  test('every change of level is told once, the way back to ok too', async () => {
    const store = await make();
    const told: boolean[] = [];
    for (const each of [
      sample(0, 'ok'),
      sample(1, 'warn'),
      sample(2, 'warn'),
      sample(3, 'block', null),
      sample(4, 'ok'),
    ])
      told.push(await store.recordStorage(each));
    expect(told).toEqual([false, true, false, true, true]);
    expect(await store.storageLevelChanges(2)).toEqual([sample(4, 'ok'), sample(3, 'block', null)]);
  });

  test('I10 the same sample told twice is one', async () => {
    const store = await make();
    expect([await store.recordStorage(sample(1, 'warn')), await store.recordStorage(sample(1, 'warn'))]).toEqual([
      true,
      true,
    ]);
    expect(await store.storageLevelChanges(10)).toHaveLength(1);
  });

  test('one sample an hour is kept, the newest of it, for a year', async () => {
    const store = await make();
    await store.recordStorage(sample(0, 'ok'));
    await store.recordStorage(sample(5, 'ok', 11));
    await store.recordStorage(sample(5.5, 'ok', 12));
    expect(await store.storageSamples(MONDAY)).toEqual([sample(0, 'ok'), sample(5.5, 'ok', 12)]);
    await store.recordStorage(sample(366 * 24, 'ok'));
    expect(await store.storageSamples(MONDAY)).toEqual([sample(366 * 24, 'ok')]);
  });
}
