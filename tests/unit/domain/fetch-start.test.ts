import * as fc from 'fast-check';
import { LIVE_FETCH_LIMIT, decideFetchStart } from '../../../src/domain/fetch-start';
import type { FetchStart, FetchStartInput } from '../../../src/domain/fetch-start';
import { STORAGE_LEVELS } from '../../../src/domain/storage-budget';
import { DAY, HOUR, MINUTE, isOnGrid, lastClosedOpen, shiftSlots } from '../../../src/domain/timeframe';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import { anyInstant, anyTimeframe, runs, tf } from './property';

const asOf = Date.UTC(2024, 5, 1, 12, 0, 5);
const earliest = Date.UTC(2020, 0, 1);
const last = Date.UTC(2024, 5, 1, 10);

function start(change: Partial<FetchStartInput>): FetchStart {
  const timeframe = change.timeframe ?? tf.hour;
  return decideFetchStart({
    timeframe,
    rules: defaultRules(timeframe),
    extent: { first: earliest, last },
    earliest,
    underfilledFrom: null,
    storage: 'ok',
    asOf,
    settleMs: 2_000,
    ...change,
  });
}

test('a store with candles goes on from its last one, and its last three are read again', () => {
  expect(start({})).toEqual({ reason: 'store_last', from: last - 2 * HOUR, due: 4, live: 4, needsFill: false });
});

test('nothing before the first stored candle is read again', () => {
  expect(start({ extent: { first: last, last }, earliest: last }).from).toBe(last);
});

test('an empty store is filled from the earliest candle', () => {
  expect(start({ extent: null })).toMatchObject({ reason: 'full_fill_earliest', from: earliest, needsFill: true });
});

test('an empty store whose earliest candle is not known has no start yet, and needs a fill to find it', () => {
  expect(start({ extent: null, earliest: null })).toEqual({
    reason: 'full_fill_earliest',
    from: null,
    due: null,
    live: null,
    needsFill: true,
  });
});

test('an empty store is a fill, however short the history is: there is no stored candle that a live fetch goes on from', () => {
  const months = { timeframe: tf.month, extent: null, earliest: Date.UTC(2024, 0, 1) };
  expect(start(months)).toMatchObject({ reason: 'full_fill_earliest', due: 5, live: null, needsFill: true });
});

test('I03 stored candles whose earliest is not known explain nothing before them: it is found by a fill, and they go on meanwhile', () => {
  expect(start({ earliest: null })).toEqual({
    reason: 'full_fill_earliest',
    from: null,
    due: null,
    live: 4,
    needsFill: true,
  });
});

describe('1m', () => {
  const minute = { timeframe: tf.minute, earliest: null, extent: null };
  const window = Date.UTC(2024, 4, 18, 12, 1);

  test('begins 14 days back', () => {
    expect(start(minute)).toMatchObject({ reason: 'lookback', from: window, needsFill: true });
  });

  test('begins at the earliest candle where that is later', () => {
    expect(start({ ...minute, earliest: asOf - DAY - 5_000 })).toMatchObject({ from: asOf - DAY - 5_000 });
  });

  test('goes on from its last candle while that is within the 14 days, and begins anew after', () => {
    const extent = { first: window - DAY, last: window };
    expect(start({ ...minute, extent })).toMatchObject({ reason: 'store_last', from: window - 2 * MINUTE });
    const old = { first: window - DAY, last: window - MINUTE };
    expect(start({ ...minute, extent: old })).toMatchObject({ reason: 'lookback', from: window });
  });

  test('has no backward guard', () => {
    const extent = { first: asOf - 5_000 - HOUR, last: asOf - 5_000 - MINUTE };
    expect(start({ ...minute, extent, earliest }).reason).toBe('store_last');
  });
});

test('a first candle more than an hour after the earliest is a backward gap, and overrides the rest', () => {
  const gap = { first: earliest + 2 * HOUR, last };
  expect(start({ extent: gap, underfilledFrom: last - DAY })).toMatchObject({ reason: 'backward_gap', from: earliest });
  expect(start({ extent: { first: earliest + HOUR, last } }).reason).toBe('store_last');
});

test('I03 what lies before the first stored candle is a fill, however short', () => {
  const first = last - 5 * HOUR;
  const short = { extent: { first, last }, earliest: first - 2 * HOUR };
  expect(start(short)).toEqual({
    reason: 'backward_gap',
    from: first - 2 * HOUR,
    due: 9,
    live: 4,
    needsFill: true,
  });
});

test('underfilled recent rows are read again from where the guard begins', () => {
  const from = asOf - 5_000 - 30 * DAY;
  expect(start({ underfilledFrom: from })).toMatchObject({ reason: 'underfilled', from, needsFill: true });
});

test('a guard that begins after the last stored candle does not leave a gap before it', () => {
  expect(start({ underfilledFrom: last + HOUR })).toMatchObject({ reason: 'underfilled', from: last - 2 * HOUR });
});

describe('when storage blocks', () => {
  test.each([
    ['full_fill_earliest', { extent: null }],
    ['full_fill_earliest with the earliest not known', { extent: null, earliest: null }],
    ['lookback', { timeframe: tf.minute, extent: null }],
    ['lookback of an outdated store', { timeframe: tf.minute, extent: { first: 0, last: earliest } }],
  ])('no %s starts', (_reason, change) => {
    const blocked = { reason: 'blocked_storage_guard', from: null, due: null, live: null, needsFill: false };
    expect(start({ ...change, storage: 'block' })).toEqual(blocked);
  });

  test('a backward gap is left, but the pair goes on from its last candle', () => {
    const gap = { extent: { first: earliest + DAY, last }, storage: 'block' } as const;
    expect(start(gap)).toMatchObject({ reason: 'blocked_storage_guard', from: last - 2 * HOUR, due: 4 });
  });

  test('I03 the earliest candle is not looked for, but the pair goes on from its last candle', () => {
    expect(start({ earliest: null, storage: 'block' })).toMatchObject({
      reason: 'blocked_storage_guard',
      from: last - 2 * HOUR,
      needsFill: false,
    });
  });

  test('increments go on', () => {
    expect(start({ storage: 'block' })).toEqual(start({}));
  });

  test.each(['ok', 'warn', 'critical'] as const)('%s stops nothing', (storage) => {
    expect(start({ extent: null, storage }).reason).toBe('full_fill_earliest');
  });
});

test.each([
  [97, 100, false],
  [98, 101, true],
])('%i missing candles make %i due with those read again: a fill is %s', (missing, due, needsFill) => {
  const stored = lastClosedOpen(tf.hour, asOf, 2_000) - missing * HOUR;
  const extent = { first: stored - 10 * HOUR, last: stored };
  expect(start({ extent, earliest: extent.first })).toMatchObject({ due, needsFill });
});

test('a start is on the grid, never skips a slot after the last stored candle, and is blocked only by a full storage', () => {
  fc.assert(
    fc.property(
      anyTimeframe,
      anyInstant,
      fc.record({
        length: fc.nat(500),
        behind: fc.nat(300),
        lead: fc.nat(3),
        storage: fc.constantFrom(...STORAGE_LEVELS),
      }),
      (timeframe, now, { length, behind, lead, storage }) => {
        const closed = lastClosedOpen(timeframe, now, 2_000);
        const extent = {
          last: shiftSlots(timeframe, closed, -behind),
          first: shiftSlots(timeframe, closed, -behind - length),
        };
        const first = shiftSlots(timeframe, extent.first, -lead);
        const result = start({
          timeframe,
          rules: defaultRules(timeframe),
          extent,
          earliest: first,
          storage,
          asOf: now,
        });
        if (storage !== 'block') expect(result.reason).not.toBe('blocked_storage_guard');
        if (result.from === null) return;
        expect(isOnGrid(timeframe, result.from)).toBe(true);
        if (result.reason !== 'lookback') expect(result.from).toBeLessThanOrEqual(extent.last);
        expect(result.needsFill).toBe(result.from < extent.first || (result.due ?? 0) > LIVE_FETCH_LIMIT);
      },
    ),
    runs,
  );
});
