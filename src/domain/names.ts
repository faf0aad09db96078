/**
 * Every name an operator meets in Temporal: queues, workflow and schedule IDs. The only place where they are spelt.
 * An ID is the lock: two runs of one thing can not be open at once.
 */
import { isTimeframe } from './timeframe';
import { symbolFileName, symbolOfFileName } from './types';
import type { EpochMs, MarketSymbol, Pair, TimeframeId } from './types';

export const TASK_QUEUE = 'coin-predict';
/** CPU work (fit, predict): as many activities at once as there are cores. */
export const COMPUTE_QUEUE = 'coin-predict-compute';

/** The shadow's forecasts: no cycle waits for them, and they wait for no training. */
export const SHADOW_QUEUE = 'coin-predict-shadow';
/** CPU work that nothing waits for: training. */
export const BACKGROUND_QUEUE = 'coin-predict-background';

/** Workflow of type `cycle`; the lock of its timeframe. */
export function cycleWorkflowId(timeframe: TimeframeId): string {
  return `cycle-${timeframe}`;
}

/** Schedule that starts a `cycleTick` at each boundary. */
export function cycleScheduleId(timeframe: TimeframeId): string {
  return `cycle-${timeframe}`;
}

/** Workflow of type `shadow`: the shadow model's forecasts of one timeframe, beside the cycle. */
export function shadowWorkflowId(timeframe: TimeframeId): string {
  return `shadow-${timeframe}`;
}

/** Schedule and workflow of type `train`: one training of a timeframe at a time. */
export function trainingId(timeframe: TimeframeId): string {
  return `train-${timeframe}`;
}

/** Workflow of type `changeChampion`: promotion and rollback share it, so they can not race. */
export function championWorkflowId(timeframe: TimeframeId): string {
  return `champion-${timeframe}`;
}

/** Daily report on models: schedule and workflow of type `reportModels`. */
export const MODEL_REPORT = 'report-daily';

/** Hourly removal of candles that are kept for a limited time: schedule and workflow of type `retention`. */
export const RETENTION = 'retention';

/** The store compared with the exchange, schedules and workflows of type `reconcile`: the last day, and the last 90 days. */
export const RECONCILE_DAILY = 'reconcile-daily';
export const RECONCILE_WEEKLY = 'reconcile-weekly';
/** Judges all pairs every minute: schedule and workflow of type `monitor`. */
export const MONITOR = 'monitor';
/** Rolls up the figures of the day before: schedule and workflow of type `slaDaily`. */
export const SLA_DAILY = 'sla-daily';
/** Workflow of type `deliverAlert`: brings one message to every receiver. */
export function alertWorkflowId(messageKey: string): string {
  return `alert-${messageKey}`;
}

/** Key of the alert that the symbol is in quarantine. */
export function quarantineKey(symbol: MarketSymbol, since: EpochMs): string {
  return `symbol_quarantined ${symbol} ${since}`;
}

/** The daily look at the symbols: schedule and workflow of type `reviewSymbols`. */
export const SYMBOLS_DAILY = 'symbols-daily';

/** What a schedule starts; Temporal appends the time. */
export function tickWorkflowId(scheduleId: string): string {
  return `${scheduleId}-tick`;
}

/** Workflow of type `fill`: the whole history of one pair. */
export function fillWorkflowId(symbol: MarketSymbol, timeframe: TimeframeId): string {
  return `fill-${timeframe}-${symbolFileName(symbol)}`;
}

/** The pair whose {@link fillWorkflowId} this is; null when it is no fill's. */
export function pairOfFill(workflowId: string): Pair | null {
  const [, timeframe = '', name = ''] = /^fill-([^-]+)-(.+)$/.exec(workflowId) ?? [];
  const symbol = symbolOfFileName(name);
  return symbol !== null && isTimeframe(timeframe) ? { symbol, timeframe } : null;
}
