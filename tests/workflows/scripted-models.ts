/** Scripted answers of the activities that train, judge and change models. */
import type {
  ChangeActivities,
  ReportActivities,
  SmokeActivities,
  TrainingActivities,
  TrainingComputations,
} from '../../activities/training-contract';
import { parseTimeframe } from '../../src/domain/timeframe';
import { parseSymbol } from '../../src/domain/types';

export type ModelActivities = TrainingActivities &
  TrainingComputations &
  ChangeActivities &
  SmokeActivities &
  ReportActivities;

const timeframe = parseTimeframe('1h');
const symbols = [parseSymbol('BTC/USDT'), parseSymbol('ETH/USDT')];
const plan = { source: 'scripted', timeframe, symbols } as const;

/** `call` is told each activity as `name` or `name symbol`, and may throw to make it fail. */
export function modelActivities(call: (name: string) => Promise<void>): ModelActivities {
  return {
    planTraining: async ({ trigger }) => {
      await call('planTraining');
      if (trigger === 'shock') return { verdict: 'refused', reason: 'observed 1 of 2 times in a row' };
      return { ...plan, verdict: 'train', champion: 'v1', retryWaitsMs: [50, 50] };
    },
    snapshotCandles: async ({ symbol, asOf }) => {
      await call(`snapshotCandles ${symbol}`);
      return { sha256: 'a'.repeat(64), file: 'snapshot', rows: 10, from: 0, through: asOf };
    },
    searchForRecipe: async () => {
      await call('searchForRecipe');
      return { recipe: { family: 'naive', settings: {} }, holdout: 'b'.repeat(64), recipes: 3 };
    },
    fitSymbol: async ({ symbol }) => {
      await call(`fitSymbol ${symbol}`);
      return { fileSha256: null };
    },
    registerCandidate: async () => {
      await call('registerCandidate');
      return { version: 'v2', outcome: 'shadow', reason: 'naive v2 forecasts as shadow' };
    },
    closeTraining: async ({ outcome }) => call(`closeTraining ${outcome}`),
    planChange: async ({ version }) => {
      await call('planChange');
      return { ...plan, version, previous: 'v1' };
    },
    smokeCheck: async () => {
      await call('smokeCheck');
      return { checked: symbols.length, milliseconds: 1 };
    },
    movePointer: async () => call('movePointer'),
    recordRefusal: async ({ failure }) => call(`recordRefusal ${failure.message}`),
    reportModels: async () => {
      await call('reportModels');
      const change = { action: 'promote', version: 'v2', reason: 'passed every criterion of the gate' } as const;
      const train = { trigger: 'drift', observations: 2 } as const;
      return [{ timeframe, verdict: 'PROMOTE', reason: 'every criterion holds', change, otherwise: null, train }];
    },
  };
}
