/** The last close, with bands from the series' own past moves. */
import { z } from 'zod';
import {
  centredQuantiles,
  FEWEST_CANDLES,
  lastCloseOf,
  logCloses,
  pricesFrom,
  rowOf,
  symmetricQuantiles,
} from './empirical-bands';
import { defineFamily } from './model';

const settings = z.strictObject({
  /** Candles whose moves make the bands. */
  window: z.number().int().min(FEWEST_CANDLES).max(100_000).default(500),
});
const nothingFitted = z.strictObject({});

/** Last close with symmetrised empirical log-return bands. Version: the recipe only. */
export const naive = defineFamily({
  name: 'naive',
  codeVersion: '2',
  settings,
  parameters: nothingFitted,
  minimumCandles: FEWEST_CANDLES,
  refit: () => 'every_cycle',
  fit: () => ({}),
  predict: ({ recent, steps }) => pricesFrom(lastCloseOf(recent), symmetricQuantiles(recent, steps)),
});

/**
 * The yardstick of every back-test: empirical h-step log returns around the last close, centred on their median, not
 * symmetrised; needs more candles than steps. Adds in log space before the exponential, as the Python script does.
 * Version: the recipe only.
 */
export const naiveConformal = defineFamily({
  name: 'naive-conformal',
  codeVersion: '1',
  settings,
  parameters: nothingFitted,
  minimumCandles: FEWEST_CANDLES,
  refit: () => 'every_cycle',
  fit: () => ({}),
  predict: ({ recent, steps }) => {
    const last = logCloses(recent).at(-1) ?? NaN;
    return centredQuantiles(recent, steps).map((row) => rowOf((i) => Math.exp(last + (row[i] ?? NaN))));
  },
});
