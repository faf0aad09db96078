/** Variables about models: a part of the table in variables.ts. */
import { DEFAULT_CHAMPIONS } from './default-champions';
import { FAMILY_NAMES, isFamilyName } from './family-names';
import type { FamilyName } from './family-names';
import { didYouMean } from './suggestion';
import { byTimeframe, httpUrl, number, whole, word } from './values';
import type { Variable } from './variable';

const family = (text: string): FamilyName => {
  if (isFamilyName(text)) return text;
  throw new RangeError(
    `"${text}" is not a model family: use one of ${FAMILY_NAMES.join(', ')}.${didYouMean(text, FAMILY_NAMES)}`,
  );
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
