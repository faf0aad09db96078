import { meanInterval } from '../../../src/domain/diebold-mariano';
import { skillOf } from '../../../src/domain/skill';

const STEPS = 3;
const scores = (loss: (origin: number) => number, origins = 60) =>
  Array.from({ length: origins * STEPS }, (_, k) => {
    const origin = Math.floor(k / STEPS);
    return { dataThrough: origin, step: (k % STEPS) + 1, pinball: loss(origin) };
  });
const naive = scores(() => 1);

describe('skill against naive', () => {
  test('is one minus the ratio of the losses on the same targets, with the number of forecasts', () => {
    expect(
      skillOf(
        scores(() => 0.9),
        naive,
        STEPS,
      ),
    ).toMatchObject({ estimate: expect.closeTo(0.1, 12) as number, origins: 60 });
    expect(skillOf(scores(() => 0.9).slice(0, 4), naive.slice(1), STEPS)).toMatchObject({ origins: 2 });
  });

  test('what is better beyond the interval is called better, what is worse worse, and the rest neither', () => {
    const better = skillOf(
      scores((k) => 0.9 + 0.01 * (k % 2)),
      naive,
      STEPS,
    );
    expect(better?.lower).toBeGreaterThan(0);
    expect(better?.upper).toBeGreaterThan(better?.estimate ?? 1);
    expect(better?.sentence).toMatch(
      /^Over 60 past forecasts its loss was 9\.5 % below naive's \(95 % interval: .* better than naive\.$/,
    );
    expect(
      skillOf(
        scores((k) => 1.1 + 0.01 * (k % 2)),
        naive,
        STEPS,
      )?.sentence,
    ).toMatch(/worse than naive\.$/);
    expect(
      skillOf(
        scores((k) => 1 + 0.5 * Math.sin(k / 5)),
        naive,
        STEPS,
      )?.sentence,
    ).toMatch(/can not be told from naive\.$/);
  });

  test('too few forecasts give no interval, and say so; none give nothing', () => {
    const few = skillOf(
      scores(() => 0.9, 3),
      naive,
      STEPS,
    );
    expect(few).toMatchObject({ lower: null, upper: null, origins: 3 });
    expect(few?.sentence).toBe(
      "Over 3 past forecasts its loss was 10.0 % below naive's; that is too few to say whether it is better.",
    );
    expect(skillOf([], naive, STEPS)).toBeNull();
    expect(
      skillOf(
        scores(() => 0),
        scores(() => 0),
        STEPS,
      ),
    ).toBeNull();
  });

  test('the interval holds the mean of independent values about 95 times in 100, never of too few', () => {
    expect(meanInterval([1, 2], 1)).toBeNull();
    let state = 1;
    const draw = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647 - 0.5;
    };
    let held = 0;
    for (let k = 0; k < 400; k++) {
      const interval = meanInterval(Array.from({ length: 100 }, draw), 0);
      if (interval !== null && interval.lower < 0 && interval.upper > 0) held += 1;
    }
    expect(held).toBeGreaterThan(368);
    expect(held).toBeLessThan(396);
  });
});
