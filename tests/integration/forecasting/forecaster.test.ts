import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { closeOf, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import { FAMILY_NAMES } from '../../../src/config/family-names';
import { createForecaster } from '../../../src/forecasting/forecaster';
import type { ForecasterOptions } from '../../../src/forecasting/forecaster';
import { packCandles } from '../../../src/forecasting/packed-candles';
import type { Forecaster, ForecastRequest } from '../../../src/ports/forecaster';
import { randomWalk } from '../../unit/forecasting/random-walk';
import { openWorkshop } from './compiled';
import type { Workshop } from './compiled';

const HOUR = parseTimeframe('1h');
const pair = { symbol: parseSymbol('BTC/USDT'), timeframe: HOUR };
const candles = randomWalk(HOUR, 260);

function requestOf(family: string, more: Partial<ForecastRequest> = {}): ForecastRequest {
  const asOf = closeOf(HOUR, (more.candles ?? candles).at(-1)?.openTime ?? NaN);
  return { pair, recipe: { family, settings: {} }, candles, steps: 24, asOf, ...more };
}

let workshop: Workshop;
const open: Forecaster[] = [];

function start(options: ForecasterOptions = {}): Forecaster {
  const forecaster = createForecaster({ workerFile: workshop.workerFile, ...options });
  open.push(forecaster);
  return forecaster;
}

beforeAll(() => {
  workshop = openWorkshop();
}, 60_000);
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (forecaster) => forecaster.close()));
});
afterAll(() => workshop.remove());

describe('the forecaster', () => {
  test.each(FAMILY_NAMES)('gives 24 checked steps by %s from a worker thread', async (family) => {
    const result = await start().forecast(requestOf(family));
    expect(result.quantiles).toHaveLength(24);
    expect(result).toMatchObject({ family, modelVersion: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
    expect(result.milliseconds).toBeGreaterThan(0);
  });

  test.each(FAMILY_NAMES)('F93 I46 two processes give the same bits by %s', (family) => {
    const task = { timeframe: HOUR, recipe: { family, settings: {} }, steps: 24 };
    const packed = `Float64Array.of(${packCandles(candles).join(',')})`;
    const program = `const task = { ...${JSON.stringify(task)}, candles: ${packed} };
      require(${JSON.stringify(workshop.workerFile)}).runForecast(task)
      .then((outcome) => process.stdout.write(JSON.stringify(outcome)));`;
    const [one, two] = [1, 2].map(() => {
      const { stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
      const outcome = JSON.parse(stdout) as { kind: string };
      expect(outcome.kind).toBe('forecast');
      return createHash('sha256')
        .update(String(canonicalize(outcome)))
        .digest('hex');
    });
    expect(one).toBe(two);
  });

  test('uses only the newest candles the recipe wants', async () => {
    const forecaster = start();
    const recipe = { family: 'naive', settings: { window: 100 } };
    const all = await forecaster.forecast(requestOf('naive', { recipe }));
    const newest = await forecaster.forecast(requestOf('naive', { recipe, candles: candles.slice(-100) }));
    expect(newest.quantiles).toEqual(all.quantiles);
    expect(forecaster.candlesWanted(recipe)).toBe(100);
  });

  test('I45 a candle that closes after the run is refused', async () => {
    const request = requestOf('naive');
    await expect(start().forecast({ ...request, asOf: request.asOf - 1 })).rejects.toMatchObject({
      code: 'invalid_input',
    });
  });

  test('F85 too few candles and unknown settings keep their names across the thread', async () => {
    const forecaster = start();
    const few = requestOf('naive', { candles: candles.slice(0, 3) });
    await expect(forecaster.forecast(few)).rejects.toMatchObject({ code: 'insufficient_data', stage: 'predict' });
    const unknown = requestOf('naive', { recipe: { family: 'naive', settings: { windwo: 1 } } });
    await expect(forecaster.forecast(unknown)).rejects.toMatchObject({ code: 'invalid_input' });
  });
});

describe('a forecast that breaks a rule is refused', () => {
  const rows = (change: string): string => `
    const last = task.candles.at(-2);
    const quantiles = Array.from({ length: task.steps }, () => [-3, -2, -1, 0, 1, 2, 3].map((i) => last * (1 + i / 100)));
    ${change};
    return { kind: 'forecast', modelVersion: '0123456789abcdef', quantiles };`;

  test('and one that breaks none is not', async () => {
    const workerFile = workshop.workerThat(rows(''));
    await expect(start({ workerFile }).forecast(requestOf('naive'))).resolves.toMatchObject({ family: 'naive' });
  });

  test.each([
    ['F81 not a number', 'quantiles[7][6] = NaN', /non_finite: step 8/],
    ['F81 infinite', 'quantiles[23][6] = Infinity', /non_finite: step 24/],
    ['F82 negative', 'quantiles[0][0] = -1', /non_positive: step 1/],
    ['F82 zero', 'quantiles[0][0] = 0', /non_positive: step 1/],
    ['F83 a million times too high', 'quantiles[5] = quantiles[5].map((price) => price * 1e6)', /out_of_range: step 6/],
    ['F83 a million times too low', 'quantiles[5] = quantiles[5].map((price) => price / 1e6)', /out_of_range: step 6/],
    ['F86 crossing', 'quantiles[2].reverse()', /crossing: step 3/],
    ['F86 a step short', 'quantiles.pop()', /wrong_count/],
    ['F86 a step too many', 'quantiles.push(quantiles[0])', /wrong_count/],
    ['F86 a level short', 'quantiles[9].pop()', /wrong_count: step 10/],
  ])('%s', async (_name, change, sentence) => {
    const workerFile = workshop.workerThat(rows(change));
    await expect(start({ workerFile }).forecast(requestOf('naive'))).rejects.toMatchObject({
      code: 'forecast_invalid',
      message: expect.stringMatching(sentence) as string,
    });
  });
});

/** A worker that misbehaves for series of 250 candles and answers at once for all others. */
const faulty = (fault: string): string => `
  if (task.candles.length === 250 * 6) { ${fault} }
  const last = task.candles.at(-2);
  return { kind: 'forecast', modelVersion: 'thread' + require('node:worker_threads').threadId,
    quantiles: Array.from({ length: task.steps }, () => Array(7).fill(last)) };`;
const bad = requestOf('naive', { candles: candles.slice(-250) });
const good = requestOf('naive');

describe('a forecast thread', () => {
  test.each([
    ['a loop', 'for (;;) {}'],
    ['a wait', 'await new Promise(() => setInterval(() => {}, 1000))'],
  ])(
    'F17 that never answers (%s) is ended at its limit, others go on and a new one takes its place',
    async (_name, fault) => {
      const forecaster = start({ workerFile: workshop.workerThat(faulty(fault)), threads: 2, timeLimitMs: 1500 });
      await forecaster.forecast(good);
      const started = performance.now();
      const hung = expect(forecaster.forecast(bad)).rejects.toMatchObject({ code: 'forecast_timeout' });
      await Promise.all(Array.from({ length: 10 }, async () => forecaster.forecast(good)));
      expect(performance.now() - started).toBeLessThan(1500);
      await hung;
      // Both places are taken again: two hangs at once, then a healthy forecast.
      const both = [bad, bad].map(async (request) => forecaster.forecast(request));
      const outcomes = await Promise.allSettled(both);
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      await expect(forecaster.forecast(good)).resolves.toMatchObject({ family: 'naive' });
    },
  );

  test('F17 a task that waits for a thread does not use up its own time', async () => {
    const slow = 'const end = Date.now() + 400; while (Date.now() < end);';
    const forecaster = start({ workerFile: workshop.workerThat(faulty(slow)), threads: 1, timeLimitMs: 900 });
    const results = await Promise.all([bad, bad, bad, bad].map(async (request) => forecaster.forecast(request)));
    expect(results).toHaveLength(4);
  });

  test.each([
    ['exits', 'process.exit(3)'],
    ['throws where nobody listens', 'setImmediate(() => { throw new Error("boom"); }); await new Promise(() => {})'],
    ['runs out of memory', 'const all = []; for (;;) all.push(new Array(1e5).fill(all.length));'],
  ])('F16 that %s gives forecast_failed and is replaced', async (_name, fault) => {
    const workerFile = workshop.workerThat(faulty(fault));
    const forecaster = start({ workerFile, threads: 1, memoryMb: 40 });
    await expect(forecaster.forecast(bad)).rejects.toMatchObject({ code: 'forecast_failed', retry: 'transient' });
    await expect(forecaster.forecast(good)).resolves.toMatchObject({ family: 'naive' });
  });

  test('is ended when the caller aborts, with the reason of the caller', async () => {
    const forecaster = start({ workerFile: workshop.workerThat(faulty('for (;;) {}')), threads: 1 });
    const before = await forecaster.forecast(good);
    const controller = new AbortController();
    const forecast = forecaster.forecast(bad, controller.signal);
    controller.abort(new Error('the cycle was cancelled'));
    await expect(forecast).rejects.toThrow('the cycle was cancelled');
    const after = await forecaster.forecast(good);
    expect(after.modelVersion).not.toBe(before.modelVersion);
    await expect(forecaster.forecast(good, controller.signal)).rejects.toThrow('the cycle was cancelled');
  });
});
