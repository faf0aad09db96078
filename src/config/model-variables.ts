/** Variables about models: a part of the table in variables.ts. */
import { DEFAULT_CHAMPIONS } from './default-champions';
import { byTimeframe, httpUrl, number, whole, word } from './values';
import type { Variable } from './variable';

const family = (text: string): string => {
  if (/^[a-z][a-z0-9-]*$/.test(text)) return text;
  throw new RangeError(`"${text}" is not the name of a model family: write it like range-volatility or prophet.`);
};

export const MODEL_VARIABLES = {
  CHAMPION: {
    schema: byTimeframe(family, {
      general: true,
      example: 'a family, then TIMEFRAME=family: range-volatility,1d=prophet',
    }),
    default: DEFAULT_CHAMPIONS,
    unit: 'family, by timeframe',
    meaning:
      'Model family that forecasts first: one for all timeframes, others by timeframe, like `range-volatility,1d=prophet`. Once a timeframe has a champion, `model` commands decide.',
  },
  AUTOMATIC_PROMOTION: {
    schema: word(['on', 'off']),
    default: 'on',
    unit: 'on or off',
    meaning: 'Whether a shadow model that passes every criterion of the gate becomes champion by itself.',
  },
  NAIVE_FALLBACK: {
    schema: word(['on', 'off']),
    default: 'on',
    unit: 'on or off',
    meaning: 'Whether a champion that is not better than the naive forecast makes room for it by itself.',
  },
  MLFLOW_TRACKING_URI: {
    schema: httpUrl(),
    default: null,
    defaultMeaning: 'the registry alone keeps trainings and decisions',
    unit: 'URL',
    meaning: 'MLflow server to which trainings, decisions and models are mirrored.',
  },
  FORECAST_THREADS: {
    schema: whole(1, 256, 'threads'),
    default: null,
    defaultMeaning: 'the number of cores',
    unit: 'threads',
    meaning: 'Forecasts computed at once.',
  },
  FORECAST_TIMEOUT_SECONDS: {
    schema: number(1, 3600, 'seconds'),
    default: '30',
    unit: 'seconds',
    meaning: 'Time one forecast may take before it is stopped; the last good one stays.',
  },
} as const satisfies Record<string, Variable>;
