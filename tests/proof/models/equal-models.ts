/**
 * Pairs of forecasters that are equally good by construction: what one has too much, the other has at another time or
 * in the other direction. Five symbols share most of each shock, and 24 steps from each origin overlap the next (F88).
 */
import { QUANTILE_LEVELS } from '../../../src/domain/quantiles';
import type { OriginLoss } from '../../../src/domain/forecast-comparison';
import { RandomDraws } from '../../../src/market/random-draws';

export const STEPS = 24;
const SYMBOLS = ['A', 'B', 'C', 'D', 'E'];
/** Share of a shock's variance that all symbols have in common. */
const COMMON = 0.8;
const BAND80 = 1.2816;
const UNITS = [-1.96, -BAND80, -0.6745, 0, 0.6745, BAND80, 1.96];

export interface EqualPair {
  readonly challenger: readonly OriginLoss[];
  readonly champion: readonly OriginLoss[];
}

/** `seed` decides all: the walk, the errors of scale that come and go, and which way each leans. */
export function equalPair(seed: number, origins: number): EqualPair {
  const normal = normals(seed);
  const lean = 0.25 * normal();
  const scales = [scaleErrors(normal, origins), scaleErrors(normal, origins)] as const;
  const sides = sharedShocks(normal, origins + STEPS).map(({ symbol, shocks }) => {
    const losses = (scale: readonly number[], tilt: number): OriginLoss[] =>
      Array.from({ length: origins }, (_, origin) => lossAt(symbol, shocks, origin, scale[origin] ?? 1, tilt));
    return { challenger: losses(scales[0], lean), champion: losses(scales[1], -lean) };
  });
  return { challenger: sides.flatMap((side) => side.challenger), champion: sides.flatMap((side) => side.champion) };
}

/** Log returns of 1 % a step, of which the symbols share the most. */
export function sharedShocks(normal: () => number, length: number): { symbol: string; shocks: readonly number[] }[] {
  const common = Array.from({ length }, () => Math.sqrt(COMMON) * normal());
  return SYMBOLS.map((symbol) => ({
    symbol,
    shocks: common.map((shock) => 0.01 * (shock + Math.sqrt(1 - COMMON) * normal())),
  }));
}

/** The loss of a forecaster whose bands are `scale` times as wide as they should be, and lean by `tilt` of their width. */
export function lossAt(
  symbol: string,
  shocks: readonly number[],
  origin: number,
  scale: number,
  tilt: number,
): OriginLoss {
  let move = 0;
  let loss = 0;
  let error = 0;
  let inside = 0;
  for (let step = 1; step <= STEPS; step++) {
    move += shocks[origin + step - 1] ?? NaN;
    const width = 0.01 * Math.sqrt(step) * scale;
    // The pinball loss in one plain loop: a thousand pairs are some hundred million of these.
    for (let k = 0; k < 7; k++) {
      const difference = move - width * ((UNITS[k] ?? NaN) + tilt);
      loss += ((QUANTILE_LEVELS[k] ?? NaN) - (difference < 0 ? 1 : 0)) * difference;
    }
    error += Math.abs(move - width * tilt);
    inside += Math.abs(move / width - tilt) <= BAND80 ? 1 : 0;
  }
  return { symbol, origin, loss: loss / STEPS / 7, error: error / STEPS, inside80: inside / STEPS };
}

/** Factors around 1 that persist for some days of hours. */
function scaleErrors(normal: () => number, count: number): number[] {
  let state = normal();
  return Array.from({ length: count }, () => {
    state = 0.97 * state + Math.sqrt(1 - 0.97 ** 2) * normal();
    return Math.exp(0.25 * state);
  });
}

/** Draws of mean 0 and deviation 1, the same for the same seed. */
export function normals(seed: number): () => number {
  const draws = new RandomDraws(`equally good ${seed}`);
  let place = 0;
  return () => draws.normal(place++);
}
