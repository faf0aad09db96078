import type { Bar } from './bar';
import type { RandomDraws } from './random-draws';

// Taken once, as in random-draws.
const { floor, max, min, round, sqrt } = Math;

function clamp(value: number, low: number, high: number): number {
  return min(high, max(low, value));
}

/** Prices in ticks at the beginning of each minute and at the end of the last: a random walk tied at both ends. */
function pathThrough(hour: Bar, steps: number, draw: (step: number) => number): number[] {
  const walk = [0];
  for (let step = 1; step <= steps; step += 1) walk.push((walk[step - 1] ?? 0) + draw(step));
  const end = walk[steps] ?? 0;
  const scale = (0.8 * (hour.high - hour.low)) / sqrt(steps);
  return walk.map((value, step) => {
    const share = step / steps;
    const price = hour.open + (hour.close - hour.open) * share + scale * (value - end * share);
    return step === 0 ? hour.open : step === steps ? hour.close : clamp(round(price), hour.low, hour.high);
  });
}

/** Splits whole lots by weight; the parts add up to the whole exactly. */
function splitLots(lots: number, weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let passed = 0;
  let given = 0;
  return weights.map((weight, index) => {
    passed += weight;
    const upTo = index === weights.length - 1 ? lots : floor((lots * passed) / total);
    const part = upTo - given;
    given = upTo;
    return part;
  });
}

/** Where a list is largest. */
function placeOfMaximum(values: readonly number[]): number {
  return values.reduce((best, value, index) => (value > (values[best] ?? value) ? index : best), 0);
}

/**
 * Minute bars inside an hour (ticks and lots) that give back its open, high, low, close and volume exactly.
 * `minutes` are the minutes of the hour (0..59) in which something traded; the answer has 60 places, null elsewhere.
 */
export function bridgeMinutes(
  hour: Bar,
  minutes: readonly number[],
  firstMinute: number,
  draws: { readonly walk: RandomDraws; readonly wick: RandomDraws; readonly volume: RandomDraws },
): (Bar | null)[] {
  const count = minutes.length;
  const path = pathThrough(hour, count, (step) => draws.walk.normal(firstMinute + step));
  const price = (step: number): number => path[step] ?? hour.close;
  const wick = (hour.high - hour.low) / 12;
  const place = (step: number): number => (firstMinute + step) * 2;
  const highs = minutes.map((_, step) => {
    const reach = round(wick * draws.wick.uniform(place(step)));
    return clamp(max(price(step), price(step + 1)) + reach, hour.low, hour.high);
  });
  const lows = minutes.map((_, step) => {
    const reach = round(wick * draws.wick.uniform(place(step) + 1));
    return clamp(min(price(step), price(step + 1)) - reach, hour.low, hour.high);
  });
  highs[placeOfMaximum(highs)] = hour.high;
  lows[placeOfMaximum(lows.map((low) => -low))] = hour.low;
  const weights = minutes.map((_, step) => 0.1 + draws.volume.uniform(firstMinute + step));
  const lots = splitLots(hour.volume, weights);
  const bars: (Bar | null)[] = Array.from({ length: 60 }, () => null);
  minutes.forEach((minute, step) => {
    const bounds = { high: highs[step] ?? hour.high, low: lows[step] ?? hour.low };
    bars[minute] = { open: price(step), ...bounds, close: price(step + 1), volume: lots[step] ?? 0 };
  });
  return bars;
}
