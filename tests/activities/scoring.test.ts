/** Which targets are waited for, and what that costs, over real stores. */
import { join } from 'node:path';
import type { ActivityPorts } from '../../activities/ports';
import { scoreClosedTargets } from '../../activities/quality';
import { MemoryCandleStore } from '../../src/adapters/memory/memory-candle-store';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import { defaultRules } from '../../src/domain/timeframe-rules';
import type { QuantileRow } from '../../src/domain/quantiles';
import type { GapState } from '../../src/ports/gap-ledger';
import { BTC_1H, candle, candles, closedAfterEach, slot, temporaryFolders } from '../ports/store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
const NOW = slot(500);
/** A slot among the targets of the forecast, without a candle. */
const HOLE = 15;

let state: StateStore;
let store: MemoryCandleStore;
let pages: number;
beforeEach(async () => {
  state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  store = new MemoryCandleStore();
  pages = 0;
  const read = store.read.bind(store);
  store.read = async (...range) => {
    pages += 1;
    return read(...range);
  };
  await store.write(BTC_1H, [...candles(0, HOLE - 1), ...candles(HOLE + 1, 499)], NOW);
  const row = [97, 98, 99, 100, 101, 102, 103] as unknown as QuantileRow;
  const quantiles = Array.from({ length: 24 }, () => row);
  const issued = { pair: BTC_1H, role: 'champion', issuedAt: slot(10), dataThrough: slot(10) } as const;
  await state.forecastLedger.append([{ ...issued, modelVersion: 'a', family: 'naive', lastClose: 100, quantiles }]);
});

/** Scores what is due, and tells whether candles were read for it and how many steps have a score then. */
async function score(): Promise<{ readonly read: boolean; readonly scored: number }> {
  const before = pages;
  const ports = { ...state, candles: store, settings: { rules: defaultRules, settleMs: 2_000 } };
  await scoreClosedTargets(ports as unknown as ActivityPorts, BTC_1H, NOW);
  const scores = await state.forecastLedger.scores(BTC_1H, 'champion', slot(10), slot(10));
  return { read: pages > before, scored: scores.length };
}

async function decide(gap: GapState): Promise<void> {
  const asked = { asks: 2, firstAskedAt: NOW, lastAskedAt: NOW };
  await state.gapLedger.record(BTC_1H, [{ from: slot(HOLE), to: slot(HOLE), state: gap, ...asked }]);
}

test('a target that is not decided yet is looked for at every export', async () => {
  await decide('suspect');
  for (let time = 0; time < 2; time++) expect(await score()).toEqual({ read: true, scored: 23 });
});

test.each(['confirmed_empty', 'outage'] as const)(
  'a target that is decided to be empty (%s) costs no export a look, and is scored when its candle comes after all',
  async (gap) => {
    await decide(gap);
    expect(await score()).toEqual({ read: true, scored: 23 });
    expect(await score()).toEqual({ read: false, scored: 23 });
    await store.write(BTC_1H, [candle(HOLE)], NOW);
    await state.gapLedger.resolve(BTC_1H, [{ from: slot(HOLE), to: slot(HOLE) }]);
    expect(await score()).toEqual({ read: true, scored: 24 });
    expect(await score()).toEqual({ read: false, scored: 24 });
  },
);
