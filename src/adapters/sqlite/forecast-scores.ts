/** All scores of one forecast are one row: per-step rows for ever would be tens of millions a year. */
import type { ForecastScore } from '../../ports/forecast-ledger';
import { packRows, unpackRows } from './number-rows';
import type { ScoreTable } from './state-schema';

/** Names the forecast that the scores belong to: its first issue for these data and this model version. */
export type ScoredForecast = Omit<ScoreTable, 'steps'>;

/** Step, actual, absolute error, symmetric error, pinball, and the facts as bits. */
const WIDTH = 6;
const INSIDE_50 = 1;
const INSIDE_80 = 2;
const INSIDE_95 = 4;
const DIRECTION_RIGHT = 8;
const DIRECTION_UNDECIDED = 16;

/** Scores by forecast. */
export function byForecast(scores: readonly ForecastScore[]): { key: ScoredForecast; scores: ForecastScore[] }[] {
  const groups = new Map<string, { key: ScoredForecast; scores: ForecastScore[] }>();
  for (const score of scores) {
    const { pair, role, dataThrough, modelVersion } = score;
    const { symbol, timeframe } = pair;
    const key = { symbol, timeframe, role, data_through: dataThrough, model_version: modelVersion };
    const name = JSON.stringify(key);
    const group = groups.get(name) ?? { key, scores: [] };
    group.scores.push(score);
    groups.set(name, group);
  }
  return [...groups.values()];
}

/** Ascending by step; of two scores of one step the later one stays, as when a candle was revised. */
export function packScores(scores: readonly ForecastScore[]): Buffer {
  const byStep = new Map(scores.map((score) => [score.step, score]));
  const rows = [...byStep.values()]
    .toSorted((a, b) => a.step - b.step)
    .map((score) => {
      const { step, actual, absoluteError, symmetricError, pinball } = score;
      return [step, actual, absoluteError, symmetricError, pinball, factsOf(score)];
    });
  return packRows(rows, WIDTH);
}

export function unpackScores(key: ScoredForecast, steps: Uint8Array | ArrayBuffer): ForecastScore[] {
  const { symbol, timeframe, role, data_through: dataThrough, model_version: modelVersion } = key;
  return unpackRows(steps, WIDTH).map((row) => {
    const [step = 0, actual = 0, absoluteError = 0, symmetricError = 0, pinball = 0, facts = 0] = row;
    return {
      pair: { symbol, timeframe },
      role,
      modelVersion,
      dataThrough,
      step,
      actual,
      absoluteError,
      symmetricError,
      pinball,
      inside50: (facts & INSIDE_50) !== 0,
      inside80: (facts & INSIDE_80) !== 0,
      inside95: (facts & INSIDE_95) !== 0,
      directionRight: (facts & DIRECTION_UNDECIDED) !== 0 ? null : (facts & DIRECTION_RIGHT) !== 0,
    };
  });
}

function factsOf({ inside50, inside80, inside95, directionRight }: ForecastScore): number {
  const direction = directionRight === null ? DIRECTION_UNDECIDED : directionRight ? DIRECTION_RIGHT : 0;
  return (inside50 ? INSIDE_50 : 0) | (inside80 ? INSIDE_80 : 0) | (inside95 ? INSIDE_95 : 0) | direction;
}

export function scoredSteps(steps: Uint8Array | ArrayBuffer): Set<number> {
  return new Set(unpackRows(steps, WIDTH).map(([step = 0]) => step));
}
