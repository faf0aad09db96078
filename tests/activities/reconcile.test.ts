/** What a comparison tells the operator, also when the exchange stops answering in the middle of it. */
import { pino } from 'pino';
import type { ActivityPorts } from '../../activities/ports';
import { createReconcileSymbol } from '../../activities/reconcile';
import { PipelineError } from '../../src/domain/errors';
import type { Event } from '../../src/domain/event';
import { inActivity } from '../activity-context';
import { after, before, BTC, candles, ingestPorts, slot } from '../unit/ingest/ingest-under-test';

test('I50 a candle that was missing is told of, and counted, when the next page fails: it is mended already', async () => {
  const asOf = after(99);
  // Two pages of 50.
  const ports = ingestPorts(asOf, candles(0, 99), 50);
  await ports.candles.write(
    BTC,
    candles(0, 99).filter(({ openTime }) => openTime !== slot(10)),
    slot(0),
  );
  let pages = 0;
  const exchange = before(ports.exchange, async () => {
    if (++pages === 2) throw new PipelineError('exchange_timeout', 'no answer within 20 s');
  });
  const told: Event[] = [];
  const activity = createReconcileSymbol({
    ...ports,
    exchange,
    source: 'memory',
    settings: { timeframes: [BTC.timeframe] },
    events: { record: async (events: readonly Event[]) => void told.push(...events) },
    log: pino({ level: 'silent' }),
  } as unknown as ActivityPorts);
  const answers = await inActivity(() => activity({ source: 'memory', symbol: BTC.symbol, days: 90, asOf }));
  expect(answers).toMatchObject([{ missing: 1, critical: 1, failure: { code: 'exchange_timeout' } }]);
  expect(told).toMatchObject([{ kind: 'reconciliation_mismatch', severity: 'critical', symbol: BTC.symbol }]);
  expect(await ports.candles.holes(BTC)).toEqual([]);
});
