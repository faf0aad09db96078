import { closeOf, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { packCandles, unpackCandles } from '../../../src/forecasting/packed-candles';
import { rememberForecasts } from '../../../src/forecasting/remembered-forecasts';
import type { Fitter, Forecaster, ForecastRequest } from '../../../src/ports/forecaster';
import { randomWalk } from './random-walk';

const HOUR = parseTimeframe('1h');
const candles = randomWalk(HOUR, 60);
const request: ForecastRequest = {
  pair: { symbol: parseSymbol('BTC/USDT'), timeframe: HOUR },
  recipe: { family: 'naive', settings: {} },
  candles,
  steps: 1,
  asOf: closeOf(HOUR, candles.at(-1)?.openTime ?? 0),
};

function counting(wanted: number, failsAt = 0): Forecaster & Fitter & { readonly made: () => number } {
  let made = 0;
  return {
    made: () => made,
    candlesWanted: () => wanted,
    versionOf: ({ family, settings }) => `${family}${JSON.stringify(settings)}`,
    fit: async () => null,
    forecast: async ({ recipe }) => {
      if (++made === failsAt) throw new Error('the thread ended');
      return { modelVersion: `${made}`, family: recipe.family, quantiles: [], milliseconds: 5 };
    },
    close: async () => {},
  };
}

describe('candles on their way to a thread', () => {
  test('are the same when they arrive, bit for bit', () => {
    expect(unpackCandles(packCandles(candles))).toEqual(candles);
    expect(unpackCandles(packCandles([]))).toEqual([]);
  });

  test('are refused when a part is missing', () => {
    expect(() => unpackCandles(packCandles(candles).subarray(1))).toThrow('no whole candles');
  });
});

describe('remembered forecasts', () => {
  test('the same one is made once, whatever lies before the candles it wants', async () => {
    const inner = counting(50);
    const forecaster = rememberForecasts(inner, 10);
    const first = await forecaster.forecast(request);
    const again = await forecaster.forecast({ ...request, candles: candles.slice(5) });
    expect([again, inner.made()]).toEqual([first, 1]);
  });

  test('one that differs in anything it depends on is made anew', async () => {
    const inner = counting(50);
    const forecaster = rememberForecasts(inner, 100);
    const changed = candles.map((candle, i) => (i === 30 ? { ...candle, low: candle.low * 0.999 } : candle));
    const others: ForecastRequest[] = [
      { ...request, candles: changed },
      { ...request, candles: candles.slice(0, -1) },
      { ...request, recipe: { family: 'naive', settings: { window: 40 } } },
      { ...request, recipe: { family: 'drift', settings: {} } },
      { ...request, pair: { ...request.pair, timeframe: parseTimeframe('1d') } },
      { ...request, steps: 2 },
      { ...request, asOf: request.asOf + 1 },
      { ...request, model: '{}' },
    ];
    for (const one of [request, ...others]) await forecaster.forecast(one);
    expect(inner.made()).toBe(1 + others.length);
  });

  test('only so many are kept, those asked for last', async () => {
    const inner = counting(50);
    const forecaster = rememberForecasts(inner, 2);
    const at = (later: number): ForecastRequest => ({ ...request, asOf: request.asOf + later });
    for (const later of [0, 1, 0, 2, 0]) await forecaster.forecast(at(later));
    expect(inner.made()).toBe(3);
    await forecaster.forecast(at(1));
    expect(inner.made()).toBe(4);
  });

  test('a failure is not kept', async () => {
    const inner = counting(50, 1);
    const forecaster = rememberForecasts(inner, 2);
    await expect(forecaster.forecast(request)).rejects.toThrow('the thread ended');
    expect(await forecaster.forecast(request)).toMatchObject({ family: 'naive' });
  });
});
