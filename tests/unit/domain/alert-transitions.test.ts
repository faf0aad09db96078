import fc from 'fast-check';
import { ESCALATE_EVERY, FLAP_WINDOW_MS, observePair, REPEAT_EVERY } from '../../../src/domain/alert-transitions';
import type { PairObservation, PairWatch } from '../../../src/domain/alert-transitions';
import type { Event } from '../../../src/domain/event';
import { PAIR_STATUSES } from '../../../src/domain/status';
import type { PairStatus } from '../../../src/domain/status';
import { MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';

const PAIR = { symbol: parseSymbol('BTC/USDT'), timeframe: parseTimeframe('1h') };
const START = Date.UTC(2024, 0, 1);

interface Seen {
  readonly status: PairStatus;
  readonly degraded?: boolean;
  readonly blocked?: boolean;
  readonly quarantined?: boolean;
}

function observation(
  at: number,
  { status, degraded = false, blocked = false, quarantined = false }: Seen,
  predicts = true,
): PairObservation {
  return {
    pair: PAIR,
    at,
    verdict: { status, degraded, reason: status === 'fresh' ? null : `it is ${status}`, ageMinutes: 10 },
    predicts,
    quarantined,
    forecastFailure: degraded ? 'forecast_timeout: no forecast in 30 s' : null,
    exportBlock: blocked ? 'disk full' : null,
    workflow: null,
  };
}

/** One observation a minute; through JSON between two, as a restart would read it. */
function timeline(seen: readonly Seen[], predicts = true): { events: Event[]; watch: PairWatch | null } {
  let watch: PairWatch | null = null;
  const events: Event[] = [];
  seen.forEach((one, minute) => {
    const observed = observePair(watch, observation(START + minute * MINUTE, one, predicts));
    watch = JSON.parse(JSON.stringify(observed.watch)) as PairWatch;
    events.push(...observed.events);
  });
  return { events, watch };
}

const times = (count: number, status: PairStatus): Seen[] => Array.from({ length: count }, () => ({ status }));
const kinds = (seen: readonly Seen[], predicts = true): string[] =>
  timeline(seen, predicts).events.map(({ kind }) => kind);

describe('the states of a pair', () => {
  test.each(['hard_stale', 'corrupt', 'missing', 'insufficient_data'] as const)(
    'entering %s is told once',
    (status) => {
      expect(kinds([...times(2, 'fresh'), ...times(2, status)])).toEqual([status]);
    },
  );

  test('a pair that is wrong when it is first seen is told of', () => {
    expect(kinds(times(1, 'missing'))).toEqual(['missing']);
  });

  test('being stale is told only when it lasts, every third observation', () => {
    expect(kinds([...times(1, 'fresh'), ...times(2, 'stale'), ...times(5, 'fresh')])).toEqual([]);
    expect(kinds([...times(1, 'fresh'), ...times(7, 'stale')])).toEqual(['stale_repeat', 'stale_repeat']);
  });

  test('the end is told to whoever was told of the beginning', () => {
    expect(kinds([...times(1, 'hard_stale'), ...times(1, 'fresh')])).toEqual(['hard_stale', 'recovery']);
    expect(kinds([...times(3, 'stale'), ...times(1, 'fresh')])).toEqual(['stale_repeat', 'recovery']);
    expect(kinds([...times(1, 'hard_stale'), ...times(1, 'stale'), ...times(1, 'fresh')])).toEqual([
      'hard_stale',
      'recovery',
    ]);
  });

  test('repeats come every 3 observations, escalations at every 60, and never both: transition, escalation, repeat', () => {
    const told = timeline(times(121, 'corrupt')).events;
    const at = (kind: string) =>
      told.filter((event) => event.kind === kind).map((event) => (event.at - START) / MINUTE + 1);
    expect(at('corrupt')).toEqual([1]);
    expect(at('corrupt_escalated')).toEqual([60, 120]);
    expect(at('corrupt_repeat')).toHaveLength(40 - 2);
    expect(at('corrupt_repeat').every((n) => n % REPEAT_EVERY === 0 && n % ESCALATE_EVERY !== 0)).toBe(true);
  });

  test('too few candles are told on entry only', () => {
    expect(kinds(times(130, 'insufficient_data'))).toEqual(['insufficient_data']);
  });

  test('a timeframe without predictions never alarms about them', () => {
    expect(kinds([{ status: 'insufficient_data' }, { status: 'fresh', degraded: true }], false)).toEqual([]);
  });

  test('one state after another: the second ends the first alert, and one recovery ends all', () => {
    const { events } = timeline([...times(1, 'hard_stale'), ...times(1, 'corrupt'), ...times(1, 'fresh')]);
    expect(events.map(({ kind }) => kind)).toEqual(['hard_stale', 'corrupt', 'recovery']);
    expect(events[1]).toMatchObject({ from: 'hard_stale', to: 'corrupt', ends: events[0]?.key });
    expect(events[2]).toMatchObject({ from: 'corrupt', to: 'fresh', ends: events[1]?.key, since: START + MINUTE });
  });

  test('an event names the pair, from, to, the detail, the age and since when', () => {
    const [event] = timeline([...times(1, 'stale'), ...times(1, 'hard_stale')]).events;
    expect(event).toMatchObject({
      ...PAIR,
      from: 'stale',
      to: 'hard_stale',
      detail: 'it is hard_stale',
      ageMinutes: 10,
      since: START + MINUTE,
    });
  });

  test('degraded and a blocked export are told with their ends, beside the state', () => {
    const seen: Seen[] = [
      { status: 'fresh' },
      { status: 'fresh', degraded: true },
      { status: 'fresh', degraded: true, blocked: true },
      { status: 'fresh', blocked: true },
      { status: 'fresh' },
    ];
    expect(kinds(seen)).toEqual(['degraded', 'export_block', 'degraded_end', 'export_block_end']);
  });

  test('that a forecast failed is told with what it met, not with how old the data is', () => {
    const [event] = timeline([{ status: 'stale', degraded: true }]).events;
    const state = { from: 'stale', to: 'stale' };
    expect(event).toMatchObject({ kind: 'degraded', detail: 'forecast_timeout: no forecast in 30 s', ...state });
  });

  test('F96 a pair that flaps for a day rings once a window, not at each change', () => {
    const day = Array.from({ length: 1440 }, (_, minute): Seen => ({ status: minute % 20 < 10 ? 'corrupt' : 'fresh' }));
    const { events } = timeline(day);
    const starts = events.filter(({ kind }) => kind === 'corrupt').map(({ at }) => at);
    starts.slice(1).forEach((at, index) => expect(at - (starts[index] ?? 0)).toBeGreaterThanOrEqual(FLAP_WINDOW_MS));
    expect(events.filter(({ kind }) => kind === 'recovery')).toHaveLength(starts.length);
  });

  describe('of a symbol in quarantine, whose own alert is told', () => {
    const kept = (count: number, status: PairStatus): Seen[] =>
      times(count, status).map((one) => ({ ...one, quarantined: true }));

    test('F74 that it ages is not told', () => {
      const aged = [...kept(2, 'fresh'), ...kept(70, 'stale'), ...kept(70, 'hard_stale')];
      expect(kinds(aged)).toEqual([]);
    });

    test('another fact is told once, without reminders', () => {
      expect(kinds([...kept(1, 'fresh'), ...kept(130, 'corrupt')])).toEqual(['corrupt']);
    });

    test('what was told before is not told again, and its end is', () => {
      const seen = [...times(1, 'hard_stale'), ...kept(130, 'hard_stale'), ...times(1, 'fresh')];
      expect(kinds(seen)).toEqual(['hard_stale', 'recovery']);
      expect(kinds([...times(3, 'stale'), ...kept(9, 'hard_stale'), ...times(1, 'fresh')])).toEqual([
        'stale_repeat',
        'recovery',
      ]);
    });

    test('a pair that is still too old after the quarantine is told of', () => {
      expect(kinds([...kept(2, 'hard_stale'), ...times(1, 'hard_stale')])).toEqual(['hard_stale_repeat']);
    });
  });

  test('a state that comes back soon and stays is told before long', () => {
    const { events } = timeline([...times(1, 'corrupt'), ...times(1, 'fresh'), ...times(40, 'corrupt')]);
    expect(events.map(({ kind }) => kind).slice(0, 3)).toEqual(['corrupt', 'recovery', 'corrupt_repeat']);
    expect((events[2]?.at ?? 0) - START).toBeLessThanOrEqual(FLAP_WINDOW_MS + REPEAT_EVERY * MINUTE);
  });
});

const seen = fc.record({
  status: fc.constantFrom(...PAIR_STATUSES),
  degraded: fc.boolean(),
  blocked: fc.boolean(),
});

describe('whatever happens', () => {
  test('I51 no key is told twice, and at most one event of the state an observation', () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 200 }), (day) => {
        const { events } = timeline(day);
        expect(new Set(events.map(({ key }) => key)).size).toBe(events.length);
        const states = events.filter(({ kind }) => !/degraded|export/.test(kind)).map(({ at }) => at);
        expect(new Set(states).size).toBe(states.length);
      }),
    );
  });

  test('every end ends an alert that was told of and had not ended', () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 200 }), (day) => {
        const open = new Set<string>();
        for (const event of timeline(day).events) {
          if (event.ends !== null) expect(open.delete(event.ends)).toBe(true);
          if (event.ends !== event.alert) open.add(event.alert);
        }
      }),
    );
  });

  test('I54 a pair that stays past its hard limit for the flap window and a repeat has been told of', () => {
    fc.assert(
      fc.property(fc.array(seen, { maxLength: 60 }), (day) => {
        const last = timeline([...day, ...times(FLAP_WINDOW_MS / MINUTE + REPEAT_EVERY, 'hard_stale')]);
        expect(last.watch?.alert).not.toBeNull();
      }),
    );
  });
});
