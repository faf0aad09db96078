import fc from 'fast-check';
import { planMessages } from '../../../src/domain/alert-messages';
import { EVENT_KINDS, eventOf } from '../../../src/domain/event';
import type { Event, EventKind } from '../../../src/domain/event';
import { MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';

const AT = Date.UTC(2024, 0, 1, 12, 0, 30);
const hour = parseTimeframe('1h');

function event(kind: EventKind, n = 0, timeframe = hour): Event {
  const symbol = parseSymbol(`C${n}/USDT`);
  const facts = { symbol, timeframe, from: 'fresh', to: 'hard_stale', ageMinutes: 131.4, since: AT - 5 * MINUTE };
  return eventOf(kind, AT, { key: `${kind} ${symbol} ${timeframe}`, detail: 'the reason', ...facts });
}

const plan = (events: Event[], perMinute = 10, recent = 0) => planMessages(events, { at: AT, recent, perMinute });

describe('messages', () => {
  test('one event is one message that says pair, from, to, age, how long, why, and where to read on', () => {
    const [planned] = plan([event('hard_stale', 1)]);
    expect(planned?.message).toMatchObject({
      key: 'hard_stale-20240101T120030.000Z',
      kind: 'hard_stale',
      severity: 'critical',
      title: 'C1/USDT 1h: is past its hard limit and no longer served',
      lines: ['C1/USDT 1h: fresh -> hard_stale, data is 131 min old, since 2024-01-01T11:55:30Z, 5 min: the reason'],
      count: 1,
      runbooks: ['hard-stale.md'],
    });
  });

  test.each([
    ['recovery', 'stale', 'fresh', 'is up to date again'],
    ['recovery', 'hard_stale', 'stale', 'can be served again'],
    ['recovery', 'missing', 'fresh', 'can be served again'],
    ['recovery', 'missing', 'insufficient_data', 'the alert is over'],
    ['degraded', null, 'fresh', 'serves an older forecast, because the last one failed'],
    ['degraded', null, 'missing', 'the last forecast failed'],
    ['degraded', null, 'hard_stale', 'the last forecast failed'],
  ] as const)('a %s from %s to %s says what is true of both: %s', (kind, from, to, meaning) => {
    const [planned] = plan([{ ...event(kind, 1), from, to }]);
    expect(planned?.message.title).toBe(`C1/USDT 1h: ${meaning}`);
  });

  test('one message of pairs in several states says what is true of all', () => {
    const ended = (n: number, from: string) => ({ ...event('recovery', n), from, to: 'fresh' });
    expect(plan([ended(1, 'stale'), ended(2, 'hard_stale')])[0]?.message.title).toBe('2 times: the alert is over');
    expect(plan([ended(1, 'stale'), ended(2, 'stale')])[0]?.message.title).toBe('2 times: is up to date again');
  });

  test('100 pairs failing at once are one message with a count', () => {
    const messages = plan(Array.from({ length: 100 }, (_, n) => event('hard_stale', n)));
    expect(messages).toHaveLength(1);
    expect(messages[0]?.message).toMatchObject({
      count: 100,
      title: '100 times: is past its hard limit and no longer served',
    });
    expect(messages[0]?.message.lines).toHaveLength(10);
    expect(messages[0]?.message.subjects).toHaveLength(100);
  });

  test('reminders are grouped by timeframe, beginnings are not', () => {
    const day = parseTimeframe('1d');
    const events = [event('stale_repeat', 1), event('stale_repeat', 2), event('stale_repeat', 1, day)];
    expect(plan(events).map(({ message }) => message.count)).toEqual([2, 1]);
    expect(plan([event('corrupt', 1), event('corrupt', 1, day)])).toHaveLength(1);
  });

  test('I52 more than G in a minute: the last message sums up the rest, the gravest have their own', () => {
    const events = ['overrun', 'hard_stale', 'recovery', 'drift', 'corrupt'] as const;
    const messages = plan(
      events.map((kind) => event(kind)),
      3,
    ).map(({ message }) => message);
    expect(messages.map(({ kind }) => kind)).toEqual(['hard_stale', 'corrupt', null]);
    expect(messages[2]).toMatchObject({ severity: 'warning', count: 3, runbooks: ['overrun.md', 'drift.md'] });
    expect(messages[2]?.title).toBe('3 more events: 1 overrun, 1 drift, 1 recovery');
  });

  test('without room in this minute everything waits', () => {
    expect(plan([event('hard_stale')], 3, 3)).toEqual([]);
  });

  test('never more than there is room for, and every event told is told once', () => {
    const events = fc.uniqueArray(fc.tuple(fc.constantFrom(...EVENT_KINDS), fc.nat(5)), {
      selector: ([kind, n]) => `${kind} ${n}`,
    });
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 6 }), fc.nat(6), (drawn, perMinute, recent) => {
        const all = drawn.map(([kind, n]) => event(kind, n));
        const messages = plan(all, perMinute, recent);
        expect(messages.length).toBeLessThanOrEqual(Math.max(0, perMinute - recent));
        const told = messages.flatMap((message) => message.events.map(({ key }) => key));
        expect(told.toSorted()).toEqual(messages.length === 0 ? [] : all.map(({ key }) => key).toSorted());
        expect(new Set(messages.map(({ message }) => message.key)).size).toBe(messages.length);
      }),
    );
  });
});
