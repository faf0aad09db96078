/** What every gap ledger must do. */
import * as fc from 'fast-check';
import { shiftSlots } from '../../src/domain/timeframe';
import type { SlotRange } from '../../src/domain/types';
import type { GapLedger, KnownGap } from '../../src/ports/gap-ledger';
import { BTC_1H, ETH_1D, RUNS, pairOf, slot } from './store-fixtures';

const MONTH = pairOf('BTC/USDT', '1M');

function range(from: number, to: number): SlotRange {
  return { from: slot(from), to: slot(to) };
}

function gap(from: number, to: number, facts: Partial<KnownGap> = {}): KnownGap {
  return { ...range(from, to), state: 'suspect', asks: 1, firstAskedAt: 1000, lastAskedAt: 2000, ...facts };
}

export function gapLedgerContract(name: string, make: () => Promise<GapLedger>): void {
  describe(`gap ledger: ${name}`, () => {
    describe('recording', () => recording(make));
    describe('resolving', () => resolving(make));
    describe('outages and counts', () => outagesAndCounts(make));
    test('I03 after any calls each slot is known as the last call about it said', async () => lastCallCounts(make));
  });
}

function recording(make: () => Promise<GapLedger>): void {
  test('gaps are listed in order of time, with all that is known about them', async () => {
    const ledger = await make();
    expect(await ledger.list(BTC_1H)).toEqual([]);
    const outage = gap(8, 9, { state: 'outage', asks: 3, firstAskedAt: 5, lastAskedAt: 7 });
    await ledger.record(BTC_1H, [outage, gap(1, 3)]);
    expect(await ledger.list(BTC_1H)).toStrictEqual([gap(1, 3), outage]);
  });

  test('I10 recording the same again changes nothing', async () => {
    const ledger = await make();
    await ledger.record(BTC_1H, [gap(1, 3), gap(8, 9)]);
    await ledger.record(BTC_1H, [gap(1, 3), gap(8, 9)]);
    expect(await ledger.list(BTC_1H)).toEqual([gap(1, 3), gap(8, 9)]);
  });

  test('what is said about some slots of a gap splits it', async () => {
    const ledger = await make();
    await ledger.record(BTC_1H, [gap(1, 9)]);
    await ledger.record(BTC_1H, [gap(4, 5, { state: 'confirmed_empty', asks: 3 })]);
    expect(await ledger.list(BTC_1H)).toEqual([gap(1, 3), gap(4, 5, { state: 'confirmed_empty', asks: 3 }), gap(6, 9)]);
  });

  test('neighbours about which the same is known are one gap', async () => {
    const ledger = await make();
    await ledger.record(BTC_1H, [gap(1, 3)]);
    await ledger.record(BTC_1H, [gap(4, 5), gap(6, 6, { asks: 2 })]);
    expect(await ledger.list(BTC_1H)).toEqual([gap(1, 5), gap(6, 6, { asks: 2 })]);
  });

  test('neighbouring months are neighbours, whatever their length', async () => {
    const ledger = await make();
    const monthly = (from: number, to: number): KnownGap => ({
      ...gap(0, 0),
      from: slot(from, MONTH.timeframe),
      to: slot(to, MONTH.timeframe),
    });
    await ledger.record(MONTH, [monthly(0, 1), monthly(2, 2)]);
    expect(await ledger.list(MONTH)).toEqual([monthly(0, 2)]);
  });

  test('pairs do not mix', async () => {
    const ledger = await make();
    await ledger.record(BTC_1H, [gap(1, 3)]);
    expect(await ledger.list(ETH_1D)).toEqual([]);
    await ledger.resolve(ETH_1D, [range(0, 23)]);
    expect(await ledger.list(BTC_1H)).toEqual([gap(1, 3)]);
  });
}

function resolving(make: () => Promise<GapLedger>): void {
  test('I03 a slot that got its candle is no gap any more', async () => {
    const ledger = await make();
    await ledger.record(BTC_1H, [gap(1, 3), gap(6, 6)]);
    await ledger.resolve(BTC_1H, [range(2, 2), range(6, 6)]);
    expect(await ledger.list(BTC_1H)).toEqual([gap(1, 1), gap(3, 3)]);
  });

  test('resolving slots that are no gap changes nothing', async () => {
    const ledger = await make();
    await ledger.record(BTC_1H, [gap(4, 5)]);
    await ledger.resolve(BTC_1H, [range(0, 3), range(6, 99)]);
    await ledger.resolve(BTC_1H, []);
    expect(await ledger.list(BTC_1H)).toEqual([gap(4, 5)]);
  });
}

function outagesAndCounts(make: () => Promise<GapLedger>): void {
  const decided = (from: number, to: number, state: KnownGap['state'] = 'confirmed_empty'): KnownGap =>
    gap(from, to, { state, asks: 2 });

  test('a decided gap for which the exchange failed stays an outage, whatever other symbols have', async () => {
    const ledger = await make();
    const failed = gap(1, 3, { state: 'outage', asks: 2, failed: true });
    await ledger.record(BTC_1H, [
      failed,
      gap(4, 5, { state: 'confirmed_empty', asks: 2 }),
      gap(6, 6, { failed: true }),
    ]);
    expect(await ledger.markOutages(BTC_1H, [])).toBe(false);
    expect(await ledger.list(BTC_1H)).toStrictEqual([
      failed,
      gap(4, 5, { state: 'confirmed_empty', asks: 2 }),
      gap(6, 6, { failed: true }),
    ]);
  });

  test('decided slots in which the exchange was down are outages, all others are not; suspects stay suspects', async () => {
    const ledger = await make();
    await ledger.record(BTC_1H, [decided(1, 4), gap(5, 6), decided(8, 9, 'outage')]);
    expect(await ledger.markOutages(BTC_1H, [range(0, 0), range(3, 7)])).toBe(true);
    const after = [decided(1, 2), decided(3, 4, 'outage'), gap(5, 6), decided(8, 9)];
    expect(await ledger.list(BTC_1H)).toEqual(after);
    expect(await ledger.markOutages(BTC_1H, [range(3, 7)])).toBe(false);
    expect(await ledger.markOutages(BTC_1H, [])).toBe(true);
    expect(await ledger.list(BTC_1H)).toEqual([decided(1, 4), gap(5, 6), decided(8, 9)]);
  });

  test.each([BTC_1H, ETH_1D, MONTH])('ranges and slots are counted by state: %o', async (pair) => {
    const ledger = await make();
    const at = (from: number, to: number, state: KnownGap['state']): KnownGap => ({
      ...gap(0, 0, { state }),
      from: slot(from, pair.timeframe),
      to: slot(to, pair.timeframe),
    });
    await ledger.record(pair, [at(0, 2, 'suspect'), at(3, 13, 'outage'), at(20, 20, 'outage')]);
    expect(await ledger.summary(pair)).toEqual({
      suspect: { ranges: 1, slots: 3 },
      confirmed_empty: { ranges: 0, slots: 0 },
      outage: { ranges: 2, slots: 12 },
    });
  });
}

const anyRange = fc
  .tuple(fc.nat({ max: 20 }), fc.nat({ max: 6 }))
  .map(([from, length]) => ({ from, to: from + length }));
const anyGap = fc
  .tuple(anyRange, fc.constantFrom('suspect', 'confirmed_empty', 'outage'), fc.integer({ min: 1, max: 2 }))
  .map(([{ from, to }, state, asks]) => gap(from, to, { state, asks }));
const anyCall = fc.oneof(
  fc.array(anyGap, { maxLength: 3 }).map((gaps) => ({ gaps })),
  fc
    .array(anyRange, { maxLength: 3 })
    .map((resolved) => ({ resolved: resolved.map(({ from, to }) => range(from, to)) })),
);

async function lastCallCounts(make: () => Promise<GapLedger>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(anyCall, { maxLength: 8 }), async (calls) => {
      const ledger = await make();
      const known = new Map<number, string>();
      for (const call of calls) {
        if ('gaps' in call) {
          for (const each of call.gaps) for (const at of slotsOf(each)) known.set(at, facts(each));
          await ledger.record(BTC_1H, call.gaps);
        } else {
          for (const at of call.resolved.flatMap(slotsOf)) known.delete(at);
          await ledger.resolve(BTC_1H, call.resolved);
        }
      }
      const listed = await ledger.list(BTC_1H);
      const pairs = listed.flatMap((each) => slotsOf(each).map((at) => [at, facts(each)] as const));
      expect(pairs).toEqual([...known].toSorted(([a], [b]) => a - b));
      for (const [index, each] of listed.entries()) {
        const next = listed[index + 1];
        const touches = next !== undefined && shiftSlots(BTC_1H.timeframe, each.to, 1) === next.from;
        expect(touches && facts(next) === facts(each)).toBe(false);
      }
    }),
    RUNS,
  );
}

function slotsOf({ from, to }: SlotRange): number[] {
  const slots: number[] = [];
  for (let at = from; at <= to; at = shiftSlots(BTC_1H.timeframe, at, 1)) slots.push(at);
  return slots;
}

function facts({ state, asks }: KnownGap): string {
  return `${state} ${asks}`;
}
