/**
 * Prints the milliseconds each family takes to fit and to predict 24 steps, on hourly candles of a seeded random walk.
 * Best of five (Prophet on 3000 candles: of one). Run it compiled:
 *
 *   npx tsc -p tsconfig.json --outDir dist/bench-build && node dist/bench-build/bench/forecast-families.js
 */
import { FAMILY_NAMES } from '../src/config/family-names';
import { parseTimeframe } from '../src/domain/timeframe';
import { familyNamed } from '../src/forecasting/families';
import { randomWalk } from '../tests/unit/forecasting/random-walk';

const HOUR = parseTimeframe('1h');

async function milliseconds<Result>(work: () => Promise<Result>): Promise<{ result: Result; elapsed: number }> {
  const started = performance.now();
  const result = await work();
  return { result, elapsed: performance.now() - started };
}

async function measure(name: string, count: number): Promise<void> {
  const family = familyNamed(name);
  const candles = randomWalk(HOUR, count);
  const rounds = name === 'prophet' && count > 1000 ? 1 : 5;
  let fit = Infinity;
  let predict = Infinity;
  for (let round = 0; round < rounds; round++) {
    const settings = { window: count };
    const fitted = await milliseconds(async () => family.fit({ timeframe: HOUR, candles, settings }));
    const predicted = await milliseconds(async () => family.predict(fitted.result, candles, 24));
    fit = Math.min(fit, fitted.elapsed);
    predict = Math.min(predict, predicted.elapsed);
  }
  const columns = [
    name.padEnd(18),
    String(count).padStart(5),
    fit.toFixed(2).padStart(10),
    predict.toFixed(2).padStart(10),
  ];
  console.log(columns.join(' '));
}

async function run(): Promise<void> {
  console.log(`${'family'.padEnd(18)} ${'candles'.padStart(5)} ${'fit ms'.padStart(8)} ${'predict ms'.padStart(10)}`);
  for (const name of FAMILY_NAMES) for (const count of [500, 3000]) await measure(name, count);
}

void run();
