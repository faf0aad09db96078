/** The store compared with the exchange, one symbol at a time, and what that found for the operator. */
import { cancellationSignal } from '@temporalio/activity';
import { eventOf } from '../src/domain/event';
import type { Event } from '../src/domain/event';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import { reconcile } from '../src/ingest/reconcile';
import type { ReconcileSummary } from '../src/ingest/reconcile';
import type { PairReconciliation, ReconcileInput, ReconcilePlan } from './contract';
import { describeFailure } from './failures';
import type { ActivityPorts } from './ports';
import { guarded, refuseOtherSource } from './stage';

/** The symbols whose candles are kept up to date now: those that are ready. */
export function createPlanReconciliation(ports: ActivityPorts) {
  return (): Promise<ReconcilePlan> =>
    guarded(async () => {
      const states = await ports.pairState.symbolStates();
      const ready = new Set(states.filter(({ activation }) => activation === 'ready').map(({ symbol }) => symbol));
      return { source: ports.source, symbols: ports.settings.symbols.filter((symbol) => ready.has(symbol)) };
    });
}

/** One timeframe's failure leaves the others; it is part of the answer. Repeating the activity changes nothing (I10). */
export function createReconcileSymbol(ports: ActivityPorts) {
  return ({ source, symbol, days, asOf }: ReconcileInput): Promise<PairReconciliation[]> =>
    guarded(async () => {
      refuseOtherSource(ports, source);
      const signal = cancellationSignal();
      const answers: PairReconciliation[] = [];
      for (const timeframe of ports.settings.timeframes) {
        const pair = { symbol, timeframe };
        try {
          const summary = await reconcile(ports, { pair, days, asOf, signal });
          answers.push({ timeframe, ...summary, failure: null });
          if (summary.missing + summary.different > 0) {
            await ports.events.record([mismatchEvent(pair, summary, asOf)]);
            ports.log.warn({ pair: pairKey(pair), ...summary }, 'the exchange says otherwise than the store did');
          }
        } catch (error) {
          signal.throwIfAborted();
          const failure = describeFailure(error);
          ports.log.warn({ pair: pairKey(pair), code: failure.code, error: failure.message }, 'not reconciled');
          answers.push({ timeframe, ...NOTHING, failure });
        }
      }
      return answers;
    });
}

/** Told once for each comparison, whatever the number of its attempts. */
function mismatchEvent(pair: Pair, { missing, different, critical }: ReconcileSummary, asOf: EpochMs): Event {
  const key = `reconciliation_mismatch ${pairKey(pair)} ${new Date(asOf).toISOString()}`;
  const detail = `${missing} candles were missing, ${different} had other values; the exchange's are stored now`;
  return eventOf('reconciliation_mismatch', asOf, {
    key,
    ...pair,
    detail,
    severity: critical > 0 ? 'critical' : 'warning',
  });
}

const NOTHING = { compared: 0, missing: 0, different: 0, critical: 0, notAtExchange: 0 };
