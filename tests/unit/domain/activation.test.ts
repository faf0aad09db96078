import * as fc from 'fast-check';
import { nextActivation, visibilityOf } from '../../../src/domain/activation';
import type { ActivationInput } from '../../../src/domain/activation';
import { HOUR } from '../../../src/domain/timeframe';
import { runs } from './property';

const earliest = Date.UTC(2020, 0, 1);
const lastClosed = Date.UTC(2024, 0, 1);
const proven: ActivationInput = {
  current: 'backfilling',
  extent: { first: earliest, last: lastClosed },
  earliest,
  lastClosed,
  unexplainedHoles: 0,
};
const next = (change: Partial<ActivationInput>): string => nextActivation({ ...proven, ...change }).state;

test('without 1h rows a symbol is registered', () => {
  expect(next({ extent: null, current: null })).toBe('registered');
});

test('with rows from the earliest to the last closed candle and every hole explained it is ready', () => {
  expect(nextActivation(proven)).toEqual({ state: 'ready', reason: null });
});

test.each<[string, Partial<ActivationInput>]>([
  ["the exchange's earliest 1h candle is not known yet", { earliest: null }],
  [
    "1h history does not reach back to the exchange's earliest candle",
    { extent: { first: earliest + HOUR + 1, last: lastClosed } },
  ],
  ['1h history does not reach the last closed candle', { extent: { first: earliest, last: lastClosed - HOUR } }],
  ['2 1h slots without a candle or an explanation', { unexplainedHoles: 2 }],
])('it is backfilling while %s', (reason, change) => {
  expect(nextActivation({ ...proven, ...change })).toEqual({ state: 'backfilling', reason });
});

test('a first candle within one hour of the earliest is early enough', () => {
  expect(next({ extent: { first: earliest + HOUR, last: lastClosed } })).toBe('ready');
});

test('ready stays when a candle is late or a new hole appears', () => {
  const extent = { first: earliest, last: lastClosed - 5 * HOUR };
  expect(next({ current: 'ready', extent, unexplainedHoles: 7, earliest: null })).toBe('ready');
});

test('ready ends when the rows disappear', () => {
  expect(next({ current: 'ready', extent: null })).toBe('registered');
});

test('only a symbol known to be ready is visible', () => {
  expect(visibilityOf('ready')).toBe('visible');
  for (const state of [null, undefined, '', 'READY', 'registered', 'backfilling', 'quarantined', 'retired']) {
    expect([state, visibilityOf(state)]).toEqual([state, 'hidden_backfilling']);
  }
});

test('I03 a symbol turns ready only with all proof, whatever numbers it is given', () => {
  const time = fc.oneof(fc.constantFrom(earliest, lastClosed, NaN, Infinity, -Infinity), fc.integer());
  const states = new Set<string>();
  fc.assert(
    fc.property(
      fc.record({
        current: fc.constantFrom(null, 'registered', 'backfilling', 'quarantined', 'retired', 'nonsense'),
        extent: fc.option(fc.record({ first: time, last: time })),
        earliest: fc.option(time),
        lastClosed: time,
        unexplainedHoles: fc.oneof(fc.constant(0), fc.constantFrom(1, NaN)),
      }),
      (input) => {
        const { state } = nextActivation(input);
        states.add(state);
        if (state !== 'ready') return;
        expect(Number.isNaN(input.earliest ?? NaN)).toBe(false);
        expect((input.extent?.first ?? NaN) <= (input.earliest ?? NaN) + HOUR).toBe(true);
        expect((input.extent?.last ?? NaN) >= input.lastClosed).toBe(true);
        expect(input.unexplainedHoles).toBe(0);
      },
    ),
    { numRuns: Math.max(5_000, runs.numRuns) },
  );
  expect(states).toEqual(new Set(['registered', 'backfilling', 'ready']));
});
