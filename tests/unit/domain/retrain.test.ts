import { candlesDue, judgeRetrain, shockOf, trainingOverdueAt } from '../../../src/domain/retrain';
import type { RetrainRequest } from '../../../src/domain/retrain';
import { HOUR, parseTimeframe } from '../../../src/domain/timeframe';
import { tf } from './property';

const asOf = Date.UTC(2024, 0, 10);
const event: RetrainRequest = {
  trigger: 'drift',
  asOf,
  observations: 2,
  trainedAt: asOf - 12 * HOUR,
  eventAt: asOf - 24 * HOUR,
  paused: false,
};

describe('retraining', () => {
  test('an event observed twice in a row trains a model that is old enough', () => {
    expect(judgeRetrain(event)).toEqual({ verdict: 'train', reason: 'drift, observed 2 times in a row' });
    expect(judgeRetrain({ ...event, trainedAt: null, eventAt: null }).verdict).toBe('train');
  });

  test.each([
    ['its schedule is paused', { paused: true }, 'the schedule of its trainings is paused'],
    ['observed once', { observations: 1 }, 'observed 1 of 2 times in a row'],
    [
      'the model is young',
      { trainedAt: asOf - 11.9 * HOUR },
      'the newest model is 11.9 h old, and is left alone for 12 h',
    ],
    [
      'cool-down',
      { eventAt: asOf - 23 * HOUR },
      'an event brought about a training 23.0 h ago; the next may after 24 h',
    ],
  ])('an event is refused with its reason: %s', (_, change, reason) => {
    for (const trigger of ['drift', 'shock', 'candles'] as const) {
      expect(judgeRetrain({ ...event, ...change, trigger })).toEqual({ verdict: 'refused', reason });
    }
  });

  test('an operator and the schedule are not held up by cool-down, age or a pause', () => {
    for (const trigger of ['by hand', 'schedule'] as const) {
      expect(
        judgeRetrain({ ...event, trigger, observations: 0, trainedAt: asOf, eventAt: asOf, paused: true }),
      ).toEqual({
        verdict: 'train',
        reason: trigger,
      });
    }
  });

  test('new candles are due by timeframe', () => {
    expect([167, 168].map((count) => candlesDue(tf.hour, count))).toEqual([false, true]);
    expect([29, 30].map((count) => candlesDue(tf.day, count))).toEqual([false, true]);
    expect([7, 8].map((count) => candlesDue(tf.week, count))).toEqual([false, true]);
    expect([2, 3].map((count) => candlesDue(tf.month, count))).toEqual([false, true]);
    expect(candlesDue(tf.minute, 1e6)).toBe(false);
  });
});

describe('a shock', () => {
  const calm = Array.from({ length: 745 }, (_, k) => 100 * (k % 2 === 0 ? 1 : 1.002));

  test('is an hour that moves 4 % or more, either way', () => {
    const last = calm.at(-1) ?? NaN;
    expect(shockOf(calm)).toBeNull();
    expect(shockOf([...calm, last * 1.04])).toBe('1h return 4.0 %');
    expect(shockOf([...calm, last * 0.96])).toBe('1h return -4.0 %');
    expect(shockOf([100, 103.9])).toBeNull();
  });

  test('is a day whose volatility is twice its 30-day median', () => {
    const restless = calm.map((close, k) => (k > 720 && k % 2 === 1 ? 100 * 1.005 : close));
    expect(shockOf(restless)).toMatch(/^24 h volatility is 2\.\d times its 30-day median$/);
  });

  test('is not told from too few closes, or from ones that are no prices', () => {
    expect(shockOf([])).toBeNull();
    expect(shockOf([100])).toBeNull();
    expect(shockOf([100, NaN])).toBeNull();
    expect(shockOf([0, 100])).toBeNull();
  });
});

describe('a training is overdue after twice its schedule', () => {
  const at = (text: string): number => Date.parse(text);

  test.each([
    ['1h', '2024-01-31T00:35:10Z', '2024-02-02T00:35:10Z'],
    ['4h', '2024-01-31T00:35:10Z', '2024-02-02T00:35:10Z'],
    ['1d', '2024-02-28T12:00:00Z', '2024-03-01T12:00:00Z'],
    ['1w', '2024-01-01T00:35:10Z', '2024-01-15T00:35:10Z'],
    ['1M', '2024-02-01T00:35:10Z', '2024-04-01T00:35:10Z'],
    ['1M', '2023-12-31T00:00:00Z', '2024-03-02T00:00:00Z'],
  ])('%s, last trained at %s: from %s on', (timeframe, trained, overdue) => {
    expect(trainingOverdueAt(parseTimeframe(timeframe), at(trained))).toBe(at(overdue));
  });
});
