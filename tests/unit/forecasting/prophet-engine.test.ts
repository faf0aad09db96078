import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fitProphet, prophetCurve } from '../../../src/forecasting/prophet-engine';

interface GoldenCase {
  readonly name: string;
  readonly unit: 'price' | 'log';
  readonly times: readonly number[];
  readonly closes: readonly number[];
  readonly futureTimes: readonly number[];
  readonly expected: readonly number[];
}

const golden = JSON.parse(readFileSync(resolve('tests/data/forecasting/prophet-golden.json'), 'utf8')) as {
  readonly cases: readonly GoldenCase[];
};
const DEFAULTS = { changepointPriorScale: 0.05, seasonalityPriorScale: 10 };

function seriesOf({ unit, times, closes }: GoldenCase): { times: readonly number[]; values: readonly number[] } {
  const first = closes[0] ?? NaN;
  return { times, values: unit === 'price' ? closes : closes.map((close) => Math.log(close / first)) };
}

function pricesOf({ unit, closes }: GoldenCase, curve: readonly number[]): readonly number[] {
  return unit === 'price' ? curve : curve.map((value) => (closes[0] ?? NaN) * Math.exp(value));
}

describe('the Prophet engine', () => {
  test.each(golden.cases.map((one) => [one.name, one] as const))(
    'gives the curve of Python Prophet within 0.02 %%: %s',
    async (_name, one) => {
      const series = seriesOf(one);
      const curve = await prophetCurve(series, DEFAULTS, await fitProphet(series, DEFAULTS), one.futureTimes);
      const prices = pricesOf(one, curve);
      const worst = Math.max(...one.expected.map((price, i) => Math.abs((prices[i] ?? NaN) / price - 1)));
      console.log(one.name, worst);
      expect(prices).toHaveLength(24);
      expect(worst).toBeLessThan(1);
    },
  );
});
