/** What a simulated life is told to meet, and the deployment it is about. */
import type { PipelineSettings } from '../../../activities/ports';
import { defaultRules } from '../../../src/domain/timeframe-rules';
import type { TimeframeRules } from '../../../src/domain/timeframe-rules';
import { MINUTE, parseTimeframe } from '../../../src/domain/timeframe';
import { parseSymbol } from '../../../src/domain/types';
import type { TimeframeId } from '../../../src/domain/types';
import { FORECAST_FAULTS, LIES, SETTLE_MS } from './simulated-market';
import type { ForecastFault, Lie } from './simulated-market';
import { PORT_FAULTS } from './simulated-worker';
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

/**
 * What each command, and each trait of a life, is there to bring about: rows of the table, counted when it befalls, not when
 * it is asked for. A row that no life of a run meets fails the run.
 */
const BROUGHT_ABOUT = {
  pass: [],
  into_cycle: ['next command while a cycle runs'],
  fault: PORT_FAULTS.map((fault) => `port call: ${fault}` as const),
  kill: ['worker killed between calls'],
  clock: ['F30 clock back 2 h', 'F30 clock forward 3 d'],
  revise: ['F65 stored candle revised by the exchange'],
  maintenance: ['F79 request refused for maintenance'],
  ban: ['F59 request refused by a ban', 'I60 asked for while a ban is known'],
  lie: LIES.map((lie) => `lie: ${lie}` as const),
  forecast: FORECAST_FAULTS.map((fault) => `model: ${fault}` as const),
  by_hand: ['F20 asked for three times at once', 'F20 asked for while it runs'],
  terminate: ['F24 cycle terminated in mid-run'],
  down: [
    'Temporal away for less than 3 boundaries',
    'F09 Temporal away across 3 boundaries or more',
    'F19 everything dies',
  ],
  reconcile: ['reconciliation asked for'],
  train: ['training asked for', 'model trained'],
  change: [
    'promotion asked for',
    'rollback asked for',
    'champion changed by a promotion',
    'champion changed by a rollback',
  ],
  race: ['F21 four commits at once'],
  many_generations: ['generation of many on end'],
  sweep: ['F44 sweep that finds nothing to collect', 'F44 sweep that collects'],
  read: ['F44 reader that takes its time'],
  clockOffsetSeconds: ['F31 exchange’s clock ahead', 'F31 exchange’s clock behind'],
  holes: ['F66 slot that the exchange has no candle of'],
} as const satisfies Readonly<Record<Command['do'] | 'clockOffsetSeconds' | 'holes', readonly string[]>>;

export type Row = (typeof BROUGHT_ABOUT)[keyof typeof BROUGHT_ABOUT][number];
export const ROWS: readonly Row[] = Object.values(BROUGHT_ABOUT).flat();

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
