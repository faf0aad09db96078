import * as fc from 'fast-check';
import { metric } from '../../../src/domain/metric';
import { pinballLoss } from '../../../src/domain/quantiles';
import type { QuantileRow } from '../../../src/domain/quantiles';
import { naiveScale, scoreForecast, skillAgainstNaive, summariseScores } from '../../../src/domain/scores';
import type { ScoreSummary } from '../../../src/domain/scores';
import { runs } from './property';

const row: QuantileRow = [90, 95, 98, 101, 104, 107, 112];
const unavailable = (reason: string): object => ({ status: 'unavailable', reason });
const available = (value: number): object => ({ status: 'available', value });
const price = fc.double({ min: 1e-6, max: 1e9, noNaN: true });
const anyRow = fc
  .array(price, { minLength: 7, maxLength: 7 })
  .map((prices) => prices.toSorted((a, b) => a - b) as unknown as QuantileRow);

describe('one step', () => {
  test('is scored by its median, its quantiles and its intervals', () => {
    const [score] = scoreForecast([row], 100, [106]);
    expect(score).toEqual({
      step: 1,
      actual: 106,
      absoluteError: 5,
      symmetricError: 10 / 207,
      pinball: pinballLoss(106, row) / 100,
      inside50: false,
      inside80: true,
      inside95: true,
      directionRight: true,
    });
  });

  test.each([
    [98, [true, true, true]],
    [97.9, [false, true, true]],
    [107, [false, true, true]],
    [94, [false, false, true]],
    [112.1, [false, false, false]],
  ])('whose close is %f lies within the 50, 80 and 95 %% intervals: %j', (actual, expected) => {
    const [score] = scoreForecast([row], 100, [actual]);
    expect([score?.inside50, score?.inside80, score?.inside95]).toEqual(expected);
  });

  test.each([
    ['rose as said', 100, 106, true],
    ['fell though a rise was said', 100, 99, false],
    ['did not move', 100, 100, null],
    ['was given no direction', 101, 106, null],
  ])('that %s has the direction right: %s', (_name, lastClose, actual, expected) => {
    expect(scoreForecast([row], lastClose, [actual])[0]?.directionRight).toBe(expected);
  });

  test('whose target has no candle is left out, and the others keep their number', () => {
    expect(scoreForecast([row, row, row], 100, [null, 106]).map(({ step }) => step)).toEqual([2]);
  });

  test.each([NaN, Infinity, 0, -1])('with %f among its numbers is left out', (poison) => {
    expect(scoreForecast([row], 100, [poison])).toEqual([]);
    expect(scoreForecast([row], poison, [100])).toEqual([]);
    expect(scoreForecast([[...row.slice(0, 6), poison] as unknown as QuantileRow], 100, [100])).toEqual([]);
  });

  test('scales with the price: in another currency the relative scores are the same', () => {
    fc.assert(
      fc.property(anyRow, price, price, (quantiles, lastClose, actual) => {
        const [score] = scoreForecast([quantiles], lastClose, [actual]);
        const [doubled] = scoreForecast([quantiles.map((q) => 2 * q) as unknown as QuantileRow], 2 * lastClose, [
          2 * actual,
        ]);
        expect(doubled).toEqual({ ...score, actual: 2 * actual, absoluteError: 2 * (score?.absoluteError ?? NaN) });
      }),
      runs,
    );
  });
});

describe('the summary', () => {
  const scores = scoreForecast([row, row, row, row], 100, [106, 99, 100, 113]);

  test('gives means over the scored steps, with their number', () => {
    const summary = summariseScores(scores, available(2) as never);
    expect(summary).toMatchObject({
      sampleCount: 4,
      mae: available((5 + 2 + 1 + 12) / 4),
      mase: available(2.5),
      coverage50: available(2 / 4),
      coverage80: available(3 / 4),
      coverage95: available(3 / 4),
      directionalAccuracy: available(2 / 3),
      directions: 3,
    });
  });

  test('says of every number that nothing has been scored yet, and never NaN', () => {
    const { sampleCount, directions, ...metrics } = summariseScores([], naiveScale([]));
    expect([sampleCount, directions]).toEqual([0, 0]);
    for (const value of Object.values(metrics)) expect(value.status).toBe('unavailable');
    expect(metrics.mae).toEqual(unavailable('no step has been scored yet'));
  });

  test('P1 holds nothing that JSON would turn into null, whatever was forecast and happened', () => {
    const wild = fc.oneof(price, fc.constantFrom(NaN, Infinity, 0, -1, 1e308, 5e-324));
    const wildRow = fc.array(wild, { minLength: 7, maxLength: 7 }).map((cells) => cells as unknown as QuantileRow);
    fc.assert(
      fc.property(fc.array(wildRow), wild, fc.array(fc.option(wild)), fc.array(wild), (rows, last, actuals, closes) => {
        const steps = scoreForecast(rows, last, actuals);
        const summary: ScoreSummary = summariseScores(steps, naiveScale(closes));
        expect(JSON.parse(JSON.stringify({ steps, summary }))).toEqual({ steps, summary });
        for (const { status, ...rest } of Object.values(summary).filter((value) => typeof value === 'object')) {
          if (status === 'available') expect(rest).toEqual({ value: expect.any(Number) });
        }
      }),
      { numRuns: Math.max(1_000, runs.numRuns) },
    );
  });
});

describe('the naive scale', () => {
  test('is the mean absolute change from close to close', () => {
    expect(naiveScale([100, 102, 99, 99])).toEqual(available(5 / 3));
  });

  test.each([[[]], [[100]], [[100, NaN]], [[Infinity, 1]]])('of %j is unavailable', (closes) => {
    expect(naiveScale(closes)).toEqual(unavailable('fewer than two finite closes'));
  });

  test('of closes that do not move leaves mase unavailable, not infinite', () => {
    const scores = scoreForecast([row], 100, [106]);
    expect(summariseScores(scores, naiveScale([5, 5, 5])).mase).toEqual(
      unavailable('the closes of the training window do not move'),
    );
  });
});

describe('skill against naive', () => {
  test.each([
    [0.9, 1, 0.1],
    [1, 1, 0],
    [1.5, 1, -0.5],
  ])('of a loss of %f against %f is %f', (loss, naive, skill) => {
    const result = skillAgainstNaive(metric(loss, ''), metric(naive, ''));
    expect(result.status === 'available' ? result.value : NaN).toBeCloseTo(skill, 12);
  });

  test('is unavailable when either loss is, or naive made no error', () => {
    const one = metric(1, '');
    expect(skillAgainstNaive(metric(NaN, 'no loss'), one)).toEqual(unavailable('no loss'));
    expect(skillAgainstNaive(one, metric(null, 'no naive'))).toEqual(unavailable('no naive'));
    expect(skillAgainstNaive(one, metric(0, ''))).toEqual(unavailable('the naive forecast made no error'));
    expect(skillAgainstNaive(metric(0, ''), metric(0, ''))).toEqual(unavailable('the naive forecast made no error'));
  });
});
