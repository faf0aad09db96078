import { defaultChampion } from '../../../src/config/default-champions';
import { FAMILY_NAMES } from '../../../src/config/family-names';
import { parseTimeframe } from '../../../src/domain/timeframe';
import { familyNamed } from '../../../src/forecasting/families';
import { modelVersion } from '../../../src/forecasting/model';
import { randomWalk } from './random-walk';

const HOUR = parseTimeframe('1h');
const candles = randomWalk(HOUR, 300);
const cheap = FAMILY_NAMES.filter((name) => name !== 'prophet');

describe('every model family', () => {
  test.each(FAMILY_NAMES)('%s: is found by its name', (name) => {
    expect(familyNamed(name).name).toBe(name);
  });

  test.each(FAMILY_NAMES)('%s: wants as many candles as its window', (name) => {
    expect(familyNamed(name).candlesWanted({ window: 123 })).toBe(123);
  });

  test.each(cheap)('%s: a saved model gives the same numbers when loaded', async (name) => {
    const family = familyNamed(name);
    const model = await family.fit({ timeframe: HOUR, candles, settings: {} });
    const loaded = family.load(family.save(model));
    expect(loaded).toEqual(model);
    expect(await family.predict(loaded, candles, 24)).toEqual(await family.predict(model, candles, 24));
  });

  test.each(FAMILY_NAMES)('%s: a setting it does not know is refused by name', (name) => {
    expect(() => familyNamed(name).candlesWanted({ windwo: 100 })).toThrow(/windwo/);
    expect(() => familyNamed(name).candlesWanted({ window: 'all' })).toThrow(/window/);
  });

  test.each(FAMILY_NAMES)('%s: two candles are too few', async (name) => {
    const fit = familyNamed(name).fit({ timeframe: HOUR, candles: candles.slice(0, 2), settings: {} });
    await expect(fit).rejects.toMatchObject({ code: 'insufficient_data', stage: 'predict' });
  });

  test('a saved model of another family, another code version or none at all is refused', async () => {
    const naive = familyNamed('naive');
    const text = naive.save(await naive.fit({ timeframe: HOUR, candles, settings: {} }));
    for (const wrong of ['', '{}', text.replace(/"codeVersion":"\d+"/, '"codeVersion":"0"')]) {
      expect(() => naive.load(wrong)).toThrow(/saved model of naive/);
    }
    expect(() => familyNamed('range-volatility').load(text)).toThrow(/saved model of range-volatility/);
  });
});

describe('the model version', () => {
  test('is 16 hex digits, equal for equal recipes and another for other settings or families', async () => {
    const versionOf = async (name: string, settings: Readonly<Record<string, unknown>>): Promise<string> =>
      modelVersion(await familyNamed(name).fit({ timeframe: HOUR, candles, settings }));
    const versions = [
      await versionOf('naive', {}),
      await versionOf('naive', { window: 500 }),
      await versionOf('naive', { window: 400 }),
      await versionOf('naive-conformal', {}),
    ];
    expect(versions[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(versions[1]).toBe(versions[0]);
    expect(new Set(versions).size).toBe(3);
  });
});

test('an unknown family is refused with the names there are', () => {
  expect(() => familyNamed('oracle')).toThrow(/"oracle".*range-volatility, .*naive, .*prophet/);
});

test.each([
  ['1h', 'trend-volatility'],
  ['1d', 'range-volatility'],
  ['1w', 'range-volatility'],
  ['1M', 'range-volatility'],
])('the default of %s is %s, a family there is', (timeframe, family) => {
  expect(defaultChampion(parseTimeframe(timeframe))).toBe(family);
  expect(FAMILY_NAMES).toContain(family);
});
