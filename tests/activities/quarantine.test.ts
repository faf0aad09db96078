/** A symbol goes into quarantine and comes out of it by what the exchange says of it, and loses nothing that readers have. */
import { pino } from 'pino';
import { createFetch } from '../../activities/fetch';
import type { ActivityPorts } from '../../activities/ports';
import { createSettleFill } from '../../activities/fill';
import { createSettleSymbols } from '../../activities/symbols';
import { MemoryPublication } from '../../src/adapters/memory/memory-publication';
import { PipelineError } from '../../src/domain/errors';
import type { Event } from '../../src/domain/event';
import { DAY, HOUR } from '../../src/domain/timeframe';
import { defaultRules } from '../../src/domain/timeframe-rules';
import { inActivity } from '../activity-context';
import { row } from '../ports/publication-rows';
import { after, before, BTC, candles, ingestPorts, slot } from '../unit/ingest/ingest-under-test';

const QUARANTINED = {
  symbol: BTC.symbol,
  activation: 'quarantined',
  since: after(9) + DAY,
  reason: 'BTC/USDT is listed, but has not been traded for a day',
} as const;

/** A halted symbol with ten candles, in quarantine since a day after the last of them. */
async function halted() {
  const ports = ingestPorts(after(9) + 5 * DAY, candles(0, 9));
  await ports.candles.write(BTC, candles(0, 9), slot(9));
  await ports.pairState.setEarliest(BTC, { openTime: slot(0), provenAt: slot(9) });
  await ports.pairState.setSymbolState(QUARANTINED);
  return ports;
}

async function release(visibility: 'visible' | 'hidden_backfilling') {
  const ports = await halted();
  const publication = new MemoryPublication();
  await publication.upsert({ ...row, ...BTC, visibility });
  const told: Event[] = [];
  const asOf = ports.clock.now();
  const settle = createSettleSymbols({
    ...ports,
    publication,
    source: 'memory',
    settings: { symbols: [BTC.symbol], discovery: null },
    symbolChoice: { chosen: async () => [], choose: async () => {} },
    events: { record: async (events: readonly Event[]) => void told.push(...events) },
  } as unknown as ActivityPorts);
  const checked = [{ symbol: BTC.symbol, reason: null }];
  const review = await inActivity(() =>
    settle({ source: 'memory', chosen: [], joining: [], leaving: [], checked, asOf }),
  );
  expect(review).toMatchObject({ released: [BTC.symbol] });
  expect(told).toMatchObject([{ kind: 'symbol_released', symbol: BTC.symbol }]);
  return (await ports.pairState.symbolStates())[0];
}

test('F74 I08 a fill leaves a symbol in quarantine: only the daily look takes it out', async () => {
  const ports = await halted();
  const settings = { symbols: [BTC.symbol], discovery: null, settleMs: 2_000, timeframes: [BTC.timeframe] };
  const settle = createSettleFill({ ...ports, settings } as unknown as ActivityPorts);
  const answer = await inActivity(() => settle({ ...BTC, asOf: ports.clock.now(), virtual: true }));
  expect(answer).toMatchObject({ cycles: [], repair: { becameReady: false } });
  expect(await ports.pairState.symbolStates()).toEqual([QUARANTINED]);
});

test('F74 a symbol that was shown goes on being shown when it comes out of quarantine, while its candles are caught up', async () => {
  expect(await release('visible')).toMatchObject({ activation: 'ready', reason: null });
});

test('SPEC 3 a symbol that never was ready has to become so when it comes out of quarantine', async () => {
  expect(await release('hidden_backfilling')).toMatchObject({ activation: 'registered' });
});

test('F74 what the exchange does not know is asked for again in half an hour, since its list may have been cut short, and three times at most', async () => {
  const ports = ingestPorts(after(9), candles(0, 9));
  await ports.candles.write(BTC, candles(0, 8), slot(9));
  await ports.pairState.setEarliest(BTC, { openTime: slot(0), provenAt: slot(9) });
  await ports.pairState.setSymbolState({ symbol: BTC.symbol, activation: 'ready', since: slot(9), reason: null });
  const gone = before(ports.exchange, async () => {
    throw new PipelineError('bad_symbol', 'memory does not know BTC/USDT');
  });
  const fetch = createFetch({
    ...ports,
    exchange: gone,
    source: 'memory',
    settings: { rules: defaultRules, settleMs: 2_000 },
    storage: { measure: async () => ({ usedBytes: 0, budgetBytes: 1 }) },
    fetchCounter: { started: () => {} },
    events: { record: async () => {} },
    log: pino({ level: 'silent' }),
  } as unknown as ActivityPorts);
  const input = { source: 'memory', symbols: [BTC.symbol], timeframe: BTC.timeframe, asOf: after(9) };
  const attempt = async () => {
    ports.clock.at += HOUR / 2;
    const failure: unknown = await inActivity(() => fetch(input)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'bad_symbol', nonRetryable: true });
    return (failure as { details: unknown[] }).details[0];
  };
  expect(await attempt()).toMatchObject({ retry: 'wait', retryAfterMs: HOUR / 2 });
  expect(await attempt()).toMatchObject({ retry: 'wait', retryAfterMs: HOUR / 2 });
  expect(await ports.pairState.symbolStates()).toMatchObject([{ activation: 'ready' }]);
  expect(await attempt()).toMatchObject({ retry: 'permanent' });
  expect(await ports.pairState.symbolStates()).toMatchObject([{ activation: 'quarantined' }]);
  expect(await attempt()).toMatchObject({ retry: 'permanent' });
});
