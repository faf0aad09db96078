import { parseTimeframe } from '../../../src/domain/timeframe';
import { modelVersion } from '../../../src/forecasting/model';
import { prophet } from '../../../src/forecasting/prophet';
import { randomWalk } from './random-walk';

const HOUR = parseTimeframe('1h');
const settings = { window: 200, calibrationOrigins: 2 };

describe('prophet', () => {
  test('starts at the last close and is positive and ascending (I40)', async () => {
    const candles = randomWalk(HOUR, 200);
    const rows = await prophet.predict(await prophet.fit({ timeframe: HOUR, candles, settings }), candles, 24);
    expect(rows).toHaveLength(24);
    for (const row of rows) {
      expect(row[0]).toBeGreaterThan(0);
      expect(row.toSorted((a, b) => a - b)).toEqual([...row]);
    }
    expect((rows[0]?.[3] ?? NaN) / (candles.at(-1)?.close ?? NaN)).toBeCloseTo(1, 1);
  });

  test('is fitted on the newest candles of its window only', async () => {
    const candles = randomWalk(HOUR, 230);
    const model = await prophet.fit({ timeframe: HOUR, candles, settings });
    expect(model).toEqual(await prophet.fit({ timeframe: HOUR, candles: candles.slice(-200), settings }));
    expect(model.parameters).toMatchObject({ trainedOn: { rows: 200, to: candles.at(-1)?.openTime } });
  });

  test('follows a daily wave that repeats', async () => {
    const wave = (i: number): number => 100 + 10 * Math.sin((2 * Math.PI * i) / 24);
    const candles = randomWalk(HOUR, 240).map((candle, i) => ({ ...candle, close: wave(i) }));
    const model = await prophet.fit({ timeframe: HOUR, candles, settings: { ...settings, window: 240 } });
    for (const [k, row] of (await prophet.predict(model, candles, 24)).entries()) {
      expect(Math.abs(row[3] / wave(240 + k) - 1)).toBeLessThan(0.01);
    }
  });

  test('I46 a saved model gives the same numbers when loaded, without fitting', async () => {
    const candles = randomWalk(HOUR, 200);
    const model = await prophet.fit({ timeframe: HOUR, candles, settings });
    const loaded = prophet.load(prophet.save(model));
    expect(loaded).toEqual(model);
    expect(await prophet.predict(loaded, candles, 24)).toEqual(await prophet.predict(model, candles, 24));
  });

  test('a model kept since training forecasts from later candles', async () => {
    const candles = randomWalk(HOUR, 230);
    const training = candles.slice(0, 200);
    const model = await prophet.fit({
      timeframe: HOUR,
      candles: training,
      settings: { ...settings, refit: 'on_training' },
    });
    const rows = await prophet.predict(model, candles, 24);
    expect((rows[0]?.[3] ?? NaN) / (candles.at(-1)?.close ?? NaN)).toBeCloseTo(1, 1);
    expect(rows).not.toEqual(await prophet.predict(model, training, 24));
  });

  test('a model is refused when the candles it was trained on have changed or are gone', async () => {
    const candles = randomWalk(HOUR, 200);
    const model = await prophet.fit({ timeframe: HOUR, candles, settings });
    const changed = candles.map((candle, i) => (i === 50 ? { ...candle, close: candle.close * 1.01 } : candle));
    await expect(prophet.predict(model, changed, 24)).rejects.toMatchObject({ code: 'forecast_failed' });
    await expect(prophet.predict(model, candles.slice(1), 24)).rejects.toMatchObject({ code: 'forecast_failed' });
  });

  test('the version names the recipe alone when fitted every cycle, and the fit too when kept', async () => {
    const versionsOf = async (refit: string): Promise<string[]> => {
      const fits = [1, 2].map(async (seed) =>
        prophet.fit({ timeframe: HOUR, candles: randomWalk(HOUR, 200, seed), settings: { ...settings, refit } }),
      );
      return (await Promise.all(fits)).map(modelVersion);
    };
    const [one, two] = await versionsOf('every_cycle');
    const [kept, other] = await versionsOf('on_training');
    expect(one).toBe(two);
    expect(kept).not.toBe(other);
  });

  test.each([
    ['never moves', (): number => 5],
    ['jumps once', (i: number): number => (i < 100 ? 1 : 1000)],
    ['has one wild candle', (i: number): number => (i === 150 ? 1e6 : 10)],
    ['falls to almost nothing', (i: number): number => 1e5 * Math.exp(-i / 10)],
  ])('F94 a series that %s ends in a forecast or a named failure', async (_name, close) => {
    const candles = randomWalk(HOUR, 200).map((candle, i) => {
      return { ...candle, open: close(i), high: close(i), low: close(i), close: close(i) };
    });
    const outcome = await prophet
      .fit({ timeframe: HOUR, candles, settings })
      .then((model) => prophet.predict(model, candles, 24))
      .catch((cause: unknown) => cause);
    if (Array.isArray(outcome)) expect(outcome.flat().every(Number.isFinite)).toBe(true);
    else expect(outcome).toMatchObject({ code: 'forecast_failed' });
  });
});
