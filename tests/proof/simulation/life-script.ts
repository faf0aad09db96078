/** What a simulated life is told to meet, and the deployment it is about. */
import type { PipelineSettings } from '../../../activities/ports';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import type { TimeframeRules } from '../../../src/domain/timeframe-rules';
import { MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { TimeframeId } from '../../../src/domain/types';
import { SETTLE_MS } from './simulated-market';
import type { ForecastFault, Lie } from './simulated-market';
import type { PortFault } from './simulated-worker';

export type Command =
  | { readonly do: 'pass'; readonly minutes: number }
  /** To the next cycle of the shortest timeframe, and into it. */
  | { readonly do: 'into_cycle'; readonly ms: number }
  | { readonly do: 'fault'; readonly worker: number; readonly fault: PortFault; readonly after: number }
  | { readonly do: 'kill'; readonly worker: number }
  | { readonly do: 'clock'; readonly worker: number; readonly hours: -2 | 72 }
  | { readonly do: 'revise'; readonly pair: number }
  | { readonly do: 'maintenance'; readonly minutes: number }
  | { readonly do: 'ban'; readonly minutes: number }
  | { readonly do: 'lie'; readonly lie: Lie }
  | { readonly do: 'forecast'; readonly fault: ForecastFault }
  | { readonly do: 'by_hand'; readonly timeframe: number }
  | { readonly do: 'terminate'; readonly timeframe: number }
  /** Temporal is down; `all`: and every worker dies. */
  | { readonly do: 'down'; readonly minutes: number; readonly all: boolean }
  | { readonly do: 'reconcile' }
  /** `minutes` pass from its start on. */
  | { readonly do: 'train'; readonly timeframe: number; readonly minutes: number }
  /** An operator promotes what waits, or goes back to what was. */
  | { readonly do: 'change'; readonly timeframe: number; readonly action: 'promote' | 'rollback' }
  | { readonly do: 'race' }
  | { readonly do: 'many_generations' }
  | { readonly do: 'sweep'; readonly worker: number }
  | { readonly do: 'read' };

/** Plain JSON, so that one that went wrong can be kept. */
export interface LifeScript {
  readonly seed: number;
  readonly clockOffsetSeconds: number;
  readonly pageCap: number;
  readonly holes: readonly number[];
  /** How likely a fault befalls a call of a port, whichever, until all is well again. */
  readonly trouble: number;
  readonly commands: readonly Command[];
}

export const OFFSET_MS = 5_000;
export const LAG_RETRY_MS = 40_000;
export const TIMEFRAMES = ['1h', '1d'].map(parseTimeframe);
export const SHORTEST = parseTimeframe('1h');
export const SYMBOLS = ['BTC/USDT', 'ETH/USDT'].map(parseSymbol);

/** The rules of the program with a shorter memory, so that a life of days has all there is and its documents are small. */
export function rules(timeframe: TimeframeId): TimeframeRules {
  return {
    ...defaultRules(timeframe),
    served: { candles: 12 },
    horizon: 3,
    minimumSamples: timeframe === '1h' ? 12 : 2,
    evaluationSlots: 12,
    underfillDays: timeframe === '1h' ? 1 : null,
  };
}

export const SETTINGS: PipelineSettings = {
  symbols: SYMBOLS,
  timeframes: TIMEFRAMES,
  settleMs: SETTLE_MS,
  scheduleOffsetMs: OFFSET_MS,
  cycleTargetMs: MINUTE,
  lagRetryMs: LAG_RETRY_MS,
  discovery: null,
  rules,
  alertsPerMinute: 10,
  slaObjective: 0.99,
  automaticPromotion: true,
  naiveFallback: true,
  codeVersion: 'simulated',
  firstChampion: () => ({ family: 'told', settings: {} }),
};
