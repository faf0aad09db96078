/**
 * Prophet on log prices, its curve moved so that it starts at the last close. Bands are conformal: out-of-sample
 * errors of the same fit from earlier origins within the window, in units of the volatility forecast at each origin.
 */
import { z } from 'zod';
import { PipelineError } from '../domain/errors';
import type { QuantileForecast } from '../domain/quantiles';
import { shiftSlots } from '../domain/timeframe';
import type { Candle, TimeframeId } from '../domain/types';
import { bandsAround, calibratedHalfWidths, halfWidthsSchema } from './calibrated-bands';
import { lastCloseOf, logCloses } from './empirical-bands';
import { contentHash, defineFamily, newest } from './model';
import type { Fitted } from './model';
import { fitProphet, prophetCurve } from './prophet-engine';
import type { ProphetParameters, Series } from './prophet-engine';
import { stepScales } from './range-volatility';

/** Below this Prophet itself changes to Newton's method, which traps in WebAssembly; its other one fits noise there. */
const FEWEST_CANDLES = 100;

const settings = z.strictObject({
  /** Candles the fit rests on. */
  window: z.number().int().min(1).max(100_000).default(500),
  changepointPriorScale: z.number().positive().default(0.05),
  seasonalityPriorScale: z.number().positive().default(10),
  /** Earlier origins whose errors make the bands; each costs one more fit. */
  calibrationOrigins: z.number().int().min(1).max(30).default(6),
  refit: z.enum(['every_cycle', 'on_training']).default('every_cycle'),
});
type Settings = z.output<typeof settings>;

const numbers = z.array(z.number()).readonly();
const parameters = z.strictObject({
  /** What the optimiser found. */
  found: z.strictObject({
    k: z.number(),
    m: z.number(),
    sigmaObs: z.number(),
    delta: numbers,
    beta: numbers,
    trend: numbers,
  }),
  /** The candles it was found on, by open time, and the hash of their times and closes. */
  trainedOn: z.strictObject({ from: z.number(), to: z.number(), rows: z.number().int(), hash: z.string() }),
  halfWidths: halfWidthsSchema,
});
type Parameters = z.output<typeof parameters>;

/** Version: the recipe only when fitted every cycle, with what was fitted when `refit` is `on_training`. */
export const prophet = defineFamily({
  name: 'prophet',
  codeVersion: '2',
  settings,
  parameters,
  minimumCandles: FEWEST_CANDLES,
  refit: ({ refit }) => refit,
  // A model that is kept must find the candles it was trained on among the recent ones.
  candlesWanted: ({ window, refit }) => (refit === 'on_training' ? 2 * window : window),
  async fit({ timeframe, candles }, settings): Promise<Parameters> {
    return {
      found: await fitProphet(seriesOf(candles), settings),
      trainedOn: referenceTo(candles),
      halfWidths: await calibratedHalfWidths(
        { timeframe, candles, origins: settings.calibrationOrigins },
        async (past, steps) => curveMoves(await refitted(timeframe, past, settings), past, steps),
      ),
    };
  },
  predict: predictProphet,
});

async function predictProphet(fitted: Fitted<Settings, Parameters>): Promise<QuantileForecast> {
  const { timeframe, settings, parameters, recent, steps } = fitted;
  const { found, trainedOn, halfWidths } = parameters;
  const training = recent.filter(({ openTime }) => openTime >= trainedOn.from && openTime <= trainedOn.to);
  if (contentHash(referenceTo(training)) !== contentHash(trainedOn)) {
    throw new PipelineError('forecast_failed', 'the candles Prophet was trained on are not among the recent ones');
  }
  const moves = await curveMoves({ timeframe, training, settings, found }, recent, steps);
  const scales = stepScales(timeframe, newest(recent, settings.window), steps);
  return bandsAround(lastCloseOf(recent), moves, scales, halfWidths);
}

/** The same fit on candles that end at an earlier origin. */
async function refitted(timeframe: TimeframeId, training: readonly Candle[], settings: Settings): Promise<Curve> {
  return { timeframe, training, settings, found: await fitProphet(seriesOf(training), settings) };
}

interface Curve {
  readonly timeframe: TimeframeId;
  readonly training: readonly Candle[];
  readonly settings: Settings;
  readonly found: ProphetParameters;
}

/** How far the curve moves, in log price, from the last of `recent` to each of the next steps. */
async function curveMoves(curve: Curve, recent: readonly Candle[], steps: number): Promise<readonly number[]> {
  const { timeframe, training, settings, found } = curve;
  const lastOpen = recent.at(-1)?.openTime ?? NaN;
  const times = Array.from({ length: steps + 1 }, (_, k) => shiftSlots(timeframe, lastOpen, k));
  const [start, ...later] = await prophetCurve(seriesOf(training), settings, found, times);
  return later.map((value) => value - (start ?? NaN));
}

/** In units of the first close: then Prophet's priors see moves and not the height of the price. */
function seriesOf(candles: readonly Candle[]): Series {
  const closes = logCloses(candles);
  const first = closes[0] ?? NaN;
  return { times: candles.map(({ openTime }) => openTime), values: closes.map((close) => close - first) };
}

function referenceTo(candles: readonly Candle[]): Parameters['trainedOn'] {
  return {
    from: candles[0]?.openTime ?? 0,
    to: candles.at(-1)?.openTime ?? 0,
    rows: candles.length,
    hash: contentHash(candles.map(({ openTime, close }) => [openTime, close])),
  };
}
