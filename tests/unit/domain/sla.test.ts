import fc from 'fast-check';
import { errorBudget, slaFigures } from '../../../src/domain/sla';
import type { SlaEvent } from '../../../src/domain/sla';
import { MINUTE } from '../../../src/domain/timeframe';

const event = (changes: Partial<SlaEvent>): SlaEvent => ({
  kind: 'hard_stale',
  at: 0,
  since: 0,
  from: null,
  delivery: 'delivered',
  ...changes,
});

describe('SLA-lite', () => {
  test('availability is good probes by probes', () => {
    expect(slaFigures({ probes: 200, good: 199 }, []).availability).toBe(0.995);
  });

  test('a rate of nothing is null, not perfect', () => {
    expect(slaFigures({ probes: 0, good: 0 }, [])).toMatchObject({
      availability: null,
      alertMissRate: null,
      mttrStaleMinutes: null,
    });
  });

  test('missed are unhealthy transitions that nobody got; muted and logged ones are not missed', () => {
    const events = (['delivered', 'pending', 'undeliverable', 'muted', 'logged'] as const).map((delivery) =>
      event({ kind: 'missing', delivery }),
    );
    const repeat = event({ kind: 'missing_repeat', delivery: 'pending' });
    expect(slaFigures({ probes: 0, good: 0 }, [...events, repeat])).toMatchObject({
      unhealthyTransitions: 5,
      undeliveredTransitions: 2,
      alertMissRate: 0.4,
    });
  });

  test('the time to recover is the mean from the entry of hard_stale, and of nothing else', () => {
    const recovery = (minutes: number, from: string) =>
      event({ kind: 'recovery', from, since: 0, at: minutes * MINUTE });
    const events = [recovery(10, 'hard_stale'), recovery(30, 'hard_stale'), recovery(500, 'corrupt')];
    expect(slaFigures({ probes: 0, good: 0 }, events)).toMatchObject({ recoveries: 2, mttrStaleMinutes: 20 });
  });

  test('the error budget counts down from 1 and goes below 0 when it is overspent', () => {
    expect(errorBudget({ probes: 1000, good: 1000 }, 0.99)).toMatchObject({ bad: 0, remaining: 1 });
    expect(errorBudget({ probes: 1000, good: 995 }, 0.99)?.remaining).toBeCloseTo(0.5, 9);
    expect(errorBudget({ probes: 1000, good: 980 }, 0.99)?.remaining).toBeCloseTo(-1, 9);
    expect(errorBudget({ probes: 0, good: 0 }, 0.99)).toBeNull();
  });

  test('availability lies between 0 and 1, and more bad probes never leave more budget', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.nat(10_000),
        fc.double({ min: 0.5, max: 1, noNaN: true }),
        (probes, drawn, objective) => {
          const good = Math.min(drawn, probes);
          const { availability } = slaFigures({ probes, good }, []);
          expect(availability).toBeGreaterThanOrEqual(0);
          expect(availability).toBeLessThanOrEqual(1);
          const left = errorBudget({ probes, good }, objective)?.remaining ?? Number.NaN;
          const less = errorBudget({ probes, good: Math.max(0, good - 1) }, objective)?.remaining ?? Number.NaN;
          expect(less).toBeLessThanOrEqual(left);
        },
      ),
    );
  });
});
