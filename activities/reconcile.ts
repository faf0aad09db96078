/** The store compared with the exchange, one symbol at a time, and what that found for the operator. */
import { cancellationSignal } from '@temporalio/activity';
import { eventOf } from '../src/domain/event';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import { foundAt, mismatchesAt, reconcile } from '../src/ingest/reconcile';
import type { PairReconciliation, ReconcileInput, ReconcilePlan } from './contract';
import { describeFailure } from './failures';
import type { ActivityPorts } from './ports';
import { readySymbols } from './ready-symbols';
import { guarded, refuseOtherSource } from './stage';

/** The symbols whose candles are kept up to date now: those that are ready. */
export function createPlanReconciliation(ports: ActivityPorts) {
  return (): Promise<ReconcilePlan> =>
    guarded(async () => ({ source: ports.source, symbols: await readySymbols(ports) }));
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
        } catch (error) {
          signal.throwIfAborted();
          const failure = describeFailure(error);
          ports.log.warn({ pair: pairKey(pair), code: failure.code, error: failure.message }, 'not reconciled');
          // What its pages found before is mended already, and no later comparison would find it again.
          const found = await foundAt(ports, pair, asOf);
          answers.push({ timeframe, compared: 0, ...found, notAtExchange: 0, failure });
        }
        const { missing = 0, different = 0 } = answers.at(-1) ?? {};
        if (missing + different > 0) await tell(ports, pair, asOf);
      }
      return answers;
    });
}

/** One event a pair and kind of mismatch, whose key is the comparison: repeating it tells nothing new. */
async function tell(ports: ActivityPorts, pair: Pair, asOf: EpochMs): Promise<void> {
  const found = await mismatchesAt(ports, pair, asOf);
  const events = (['missing', 'different'] as const).flatMap((kind) => {
    const candles = found.filter((mismatch) => mismatch.kind === kind);
    if (candles.length === 0) return [];
    const severity = candles.some((candle) => candle.severity === 'critical') ? 'critical' : 'warning';
    const named = candles.slice(0, CANDLES_NAMED).map(({ openTime }) => new Date(openTime).toISOString());
    const more = candles.length > CANDLES_NAMED ? ` and ${candles.length - CANDLES_NAMED} more` : '';
    const detail = `${candles.length} ${kind} in the store: ${named.join(', ')}${more}; the exchange's values are stored`;
    const key = `reconciliation_mismatch ${pairKey(pair)} ${kind} ${asOf}`;
    return [eventOf('reconciliation_mismatch', asOf, { key, detail, severity, ...pair })];
  });
  await ports.events.record(events);
}

const CANDLES_NAMED = 5;
