import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { fitProphet, prophetCurve } from '../../../src/forecasting/prophet-engine';
import type { Series } from '../../../src/forecasting/prophet-engine';
import { randomWalk } from './random-walk';

interface GoldenCase {
  readonly name: string;
  readonly unit: 'price' | 'log';
  readonly times: readonly number[];
  readonly closes: readonly number[];
  readonly futureTimes: readonly number[];
  readonly parameters: Readonly<Record<'k' | 'm' | 'sigma_obs' | 'delta' | 'beta' | 'trend', readonly number[]>>;
  readonly expected: readonly number[];
  /** How far Python Prophet is from itself when its input changes in the eleventh digit. */
  readonly selfSpread: number;
}

const golden = JSON.parse(readFileSync(resolve('tests/data/forecasting/prophet-golden.json'), 'utf8')) as {
  readonly cases: readonly GoldenCase[];
};
const cases = golden.cases.map((one) => [one.name, one] as const);
const DEFAULTS = { changepointPriorScale: 0.05, seasonalityPriorScale: 10 };

function seriesOf({ unit, times, closes }: GoldenCase): Series {
  const first = closes[0] ?? NaN;
  return { times, values: unit === 'price' ? closes : closes.map((close) => Math.log(close / first)) };
}

/** The largest relative distance from Python's prices. */
function distance({ unit, closes, expected }: GoldenCase, curve: readonly number[]): number {
  const price = (value: number): number => (unit === 'price' ? value : (closes[0] ?? NaN) * Math.exp(value));
  return Math.max(...expected.map((wanted, i) => Math.abs(price(curve[i] ?? NaN) / wanted - 1)));
}

describe('the Prophet engine', () => {
  test.each(cases)(
    'draws the curve of Python Prophet from its parameters to the ninth digit: %s',
    async (_name, one) => {
      const { k, m, sigma_obs, delta, beta, trend } = one.parameters;
      const found = { k: k[0] ?? NaN, m: m[0] ?? NaN, sigmaObs: sigma_obs[0] ?? NaN, delta, beta, trend };
      const curve = await prophetCurve(seriesOf(one), DEFAULTS, found, one.futureTimes);
      expect(curve).toHaveLength(24);
      expect(distance(one, curve)).toBeLessThan(1e-9);
    },
  );

  test.each(cases)(
    'fits within 0.02 %% of Python Prophet, or no further than Python is from itself: %s',
    async (_name, one) => {
      const series = seriesOf(one);
      const curve = await prophetCurve(series, DEFAULTS, await fitProphet(series, DEFAULTS), one.futureTimes);
      expect(distance(one, curve)).toBeLessThan(Math.max(0.0002, one.selfSpread));
    },
  );

  test('I46 fitting again in the same process gives the same bits, whatever order its seasons were hashed in', async () => {
    const candles = randomWalk(parseTimeframe('1h'), 400);
    const series = { times: candles.map(({ openTime }) => openTime), values: candles.map(({ close }) => close) };
    const later = candles.slice(-24).map(({ openTime }) => openTime + 24 * 3_600_000);
    const first = await fitProphet(series, DEFAULTS);
    const curve = await prophetCurve(series, DEFAULTS, first, later);
    for (let again = 0; again < 6; again++) {
      expect(await fitProphet(series, DEFAULTS)).toEqual(first);
      expect(await prophetCurve(series, DEFAULTS, first, later)).toEqual(curve);
    }
  });
});
