/** Which histories the monitor waits for, and that whoever was told of one that stood still is told of its end. */
import { join } from 'node:path';
import { observeFills } from '../../activities/observe-fills';
import type { ActivityPorts } from '../../activities/ports';
import { StoreSight } from '../../activities/store-sight';
import { openCandleStore } from '../../src/adapters/sqlite/candle-store';
import { openStateStore } from '../../src/adapters/sqlite/state-store';
import type { StateStore } from '../../src/adapters/sqlite/state-store';
import { DAY, HOUR } from '../../src/domain/timeframe';
import { defaultRules } from '../../src/domain/timeframe-rules';
import { pairKey } from '../../src/domain/types';
import type { EpochMs, Pair } from '../../src/domain/types';
import { PipelineError } from '../../src/domain/errors';
import type { CandleStore } from '../../src/ports/candle-store';
import { systemClock } from '../../src/ports/clock';
import { candlesFrom, pairOf } from '../integration/pipeline/pipeline';
import { row } from '../ports/publication-rows';
import { closedAfterEach, temporaryFolders } from '../ports/store-fixtures';

const temporaryFolder = temporaryFolders();
const closed = closedAfterEach();
/** A Monday, 0:00. */
const LISTED = Date.UTC(2024, 0, 8);
const HOURS = pairOf('BTC/USDT', '1h');
const STUCK = { stored: 3, since: LISTED, alert: 'fill_stalled of before' };

let state: StateStore;
let candles: CandleStore;
beforeEach(async () => {
  state = closed(await openStateStore(join(temporaryFolder(), 'state.db')));
  candles = closed(await openCandleStore(join(temporaryFolder(), 'candles.db')));
  await state.pairState.setSymbolState({ symbol: HOURS.symbol, activation: 'ready', since: LISTED, reason: null });
});

function look(at: EpochMs, pairs: readonly Pair[], before: Parameters<typeof observeFills>[2] = {}) {
  const symbols = [...new Set(pairs.map(({ symbol }) => symbol))];
  const timeframes = [...new Set(pairs.map(({ timeframe }) => timeframe))];
  const settings = { symbols, timeframes, discovery: null, rules: defaultRules, settleMs: 2_000 };
  const store = new StoreSight({ candles, clock: systemClock });
  return observeFills({ ...state, candles, settings } as unknown as ActivityPorts, store, before, at);
}

async function store(pair: Pair, from: EpochMs, count: number): Promise<void> {
  await state.pairState.setEarliest(pair, { openTime: from, provenAt: from });
  await candles.write(pair, candlesFrom(pair.timeframe, from, count), from);
}

test('a fill that completes between two looks ends its alert, and so does a symbol that is no longer configured', async () => {
  await store(HOURS, LISTED, 10);
  const at = LISTED + 10 * HOUR + 5_000;
  const { watch, events } = await look(at, [HOURS], { [pairKey(HOURS)]: STUCK, 'ETH/USDT 1h': STUCK });
  expect(watch).toEqual({});
  expect(events.map(({ kind, symbol, ends, detail }) => [kind, symbol, ends, detail])).toEqual([
    ['fill_resumed', 'BTC/USDT', STUCK.alert, 'the history is complete'],
    ['fill_resumed', 'ETH/USDT', STUCK.alert, 'no longer watched'],
  ]);
});

test('while the store can not be asked, a fill is neither complete nor stuck: what is remembered of it stays', async () => {
  await store(HOURS, LISTED, 10);
  candles.extent = async () => Promise.reject(new PipelineError('store_unavailable', 'no answer'));
  const before = { [pairKey(HOURS)]: STUCK };
  expect(await look(LISTED + 10 * HOUR + 5_000, [HOURS], before)).toEqual({ watch: before, events: [] });
});

test('a ready symbol whose new timeframe stands still is watched until the pair is published; then its age tells', async () => {
  await store(HOURS, LISTED, 10);
  const at = LISTED + 20 * HOUR + 5_000;
  expect((await look(at, [HOURS])).watch).toEqual({ [pairKey(HOURS)]: { stored: 10, since: at, alert: null } });
  await state.publication.upsert({ ...row, ...HOURS, visibility: 'hidden_backfilling' });
  expect((await look(at, [HOURS])).watch).toHaveProperty([pairKey(HOURS)]);
  await state.publication.upsert({ ...row, ...HOURS, asOf: row.asOf + 1 });
  expect((await look(at, [HOURS])).watch).toEqual({});
});

test('a symbol of which older hours are stored than the exchange still gives is watched like any other', async () => {
  const weeks = pairOf('BTC/USDT', '1w');
  const at = LISTED + 7 * DAY + 5_000;
  await store(HOURS, LISTED, 7 * 24);
  await state.pairState.setEarliest(HOURS, { openTime: LISTED + DAY, provenAt: at });
  expect((await look(at, [weeks])).watch).toHaveProperty([pairKey(weeks)]);
});

test.each([
  ['1w', LISTED + 7 * DAY, LISTED],
  ['1w', LISTED + 13 * DAY, LISTED + DAY, LISTED + 14 * DAY],
  ['1M', Date.UTC(2024, 2, 1), LISTED],
] as const)(
  'a young symbol has no closed %s candle to wait for before its first whole slot ended',
  async (timeframe, end, listed, closes = end) => {
    const pair = pairOf('BTC/USDT', timeframe);
    expect((await look(end, [pair])).watch).toHaveProperty([pairKey(pair)]);
    await store(HOURS, listed, 1);
    expect((await look(closes + 1_999, [pair])).watch).toEqual({});
    expect((await look(closes + 2_000, [pair])).watch).toEqual({
      [pairKey(pair)]: { stored: 0, since: closes + 2_000, alert: null },
    });
  },
);
