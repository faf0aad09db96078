import { compareForecasts, worstRatio } from '../../../src/domain/forecast-comparison';
import type { OriginLoss } from '../../../src/domain/forecast-comparison';

const at = (symbol: string, origin: number, loss: number, inside80 = 0.8): OriginLoss => ({
  symbol,
  origin,
  loss,
  error: 2 * loss,
  inside80,
});
const options = { steps: 2, limit: 100 };

describe('two forecasters on the same targets', () => {
  test('one observation an origin: the mean over its symbols, whatever their number', () => {
    const own = [at('A', 1, 1), at('B', 1, 3), at('A', 2, 4)];
    const other = [at('A', 1, 2), at('B', 1, 6), at('A', 2, 8)];
    expect(compareForecasts(own, other, options)).toMatchObject({
      origins: 2,
      from: 1,
      to: 2,
      challengerLoss: 3,
      rivalLoss: 6,
      challengerError: 6,
      rivalError: 12,
      targets: 'A 1\nA 2\nB 1',
    });
  });

  test('I32 only targets that both were scored on count, and only finite losses', () => {
    const own = [at('A', 1, 1), at('A', 2, 1), at('A', 3, NaN), at('B', 4, 1)];
    const other = [at('A', 1, 1), at('A', 3, 1), at('B', 4, Infinity), at('B', 9, 1)];
    expect(compareForecasts(own, other, options)).toMatchObject({ origins: 1, targets: 'A 1', test: null });
    expect(compareForecasts(own, [], options)).toBeNull();
  });

  test('the newest origins count, as many as the window has', () => {
    const many = Array.from({ length: 10 }, (_, k) => at('A', k, k));
    expect(compareForecasts(many, many, { steps: 2, limit: 4 })).toMatchObject({ origins: 4, from: 6, to: 9 });
  });

  test('each symbol has its ratio, and the worst is told', () => {
    const own = [at('A', 1, 1), at('B', 1, 3)];
    const other = [at('A', 1, 2), at('B', 1, 2)];
    const comparison = compareForecasts(own, other, options);
    expect(comparison?.bySymbol).toEqual(
      new Map([
        ['A', 0.5],
        ['B', 1.5],
      ]),
    );
    expect(comparison === null ? null : worstRatio(comparison)).toBe(1.5);
  });
});
