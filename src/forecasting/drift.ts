/** A random walk with drift on log prices: the mean move of the window goes on (Hyndman & Athanasopoulos, Forecasting 5.2). */
import { z } from 'zod';
import { CURVE_SETTINGS, defineCurveFamily } from './curve-family';
import { logCloses } from './empirical-bands';

export const drift = defineCurveFamily({
  name: 'drift',
  codeVersion: '1',
  settings: z.strictObject(CURVE_SETTINGS),
  minimumCandles: 6,
  moves: (past, steps) => {
    const closes = logCloses(past);
    const slope = ((closes.at(-1) ?? NaN) - (closes[0] ?? NaN)) / (closes.length - 1);
    return Array.from({ length: steps }, (_, k) => (k + 1) * slope);
  },
});
