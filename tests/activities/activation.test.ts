/** Readiness as the activities judge it: an exchange whose clock is behind ours never has the candle that has just closed here. */
import { pino } from 'pino';
import { judgeActivation } from '../../activities/activation';
import { createFetch } from '../../activities/fetch';
import type { ActivityPorts } from '../../activities/ports';
import { MemoryCandleStore } from '../../src/adapters/memory/memory-candle-store';
import { MemoryGapLedger } from '../../src/adapters/memory/memory-gap-ledger';
import { MemoryPairState } from '../../src/adapters/memory/memory-pair-state';
import { HOUR } from '../../src/domain/timeframe';
import { defaultRules } from '../../src/domain/timeframe-rules';
import { inActivity } from '../activity-context';
import { ingestPorts } from '../unit/ingest/ingest-under-test';
import { candlesFrom, pairOf } from '../integration/pipeline/pipeline';

const BTC = pairOf('BTC/USDT', '1h');
const FIRST = Date.UTC(2024, 0, 1);
const BOUNDARY = FIRST + 10 * HOUR;

/** A symbol with that many candles from the first one on. */
async function portsWith(candles: number, asOf: number): Promise<ActivityPorts> {
  const ports = {
    candles: new MemoryCandleStore(),
    gapLedger: new MemoryGapLedger(),
    pairState: new MemoryPairState(),
    settings: { settleMs: 2_000 },
  } as unknown as ActivityPorts;
  await ports.candles.write(BTC, candlesFrom('1h', FIRST, candles), asOf);
  await ports.pairState.setEarliest(BTC, { openTime: FIRST, provenAt: asOf });
  return ports;
}

async function turnsReady(candles: number, asOf: number): Promise<boolean> {
  return judgeActivation(await portsWith(candles, asOf), BTC.symbol, { asOf, now: asOf });
}

test('F31 right after a boundary the candle that has just closed is not asked for: the exchange may be 90 s behind', async () => {
  expect(await turnsReady(10, BOUNDARY + 5_000)).toBe(true);
  expect(await turnsReady(9, BOUNDARY + 5_000)).toBe(true);
  expect(await turnsReady(8, BOUNDARY + 5_000)).toBe(false);
});

test('I16 a symbol that turns ready by a long fill is so since then, not since the fill began', async () => {
  const [began, now] = [BOUNDARY + 5_000, BOUNDARY + HOUR];
  const ports = await portsWith(10, began);
  expect(await judgeActivation(ports, BTC.symbol, { asOf: began, now })).toBe(true);
  expect(await ports.pairState.symbolStates()).toMatchObject([{ activation: 'ready', since: now }]);
});

test('a candle that closed longer ago than clocks differ is asked for', async () => {
  expect(await turnsReady(10, BOUNDARY + 5 * 60_000)).toBe(true);
  expect(await turnsReady(9, BOUNDARY + 5 * 60_000)).toBe(false);
});

test('SPEC 3 a ready symbol whose rows disappear is ready no longer, and its history is filled anew', async () => {
  const asOf = BOUNDARY + 5_000;
  const memory = ingestPorts(asOf, []);
  await memory.pairState.setSymbolState({ symbol: BTC.symbol, activation: 'ready', since: FIRST, reason: null });
  const ports = {
    ...memory,
    source: 'memory',
    settings: { rules: defaultRules, settleMs: 2_000, timeframes: [BTC.timeframe] },
    storage: { measure: async () => ({ usedBytes: 0, budgetBytes: 1 }) },
    fetchCounter: { started: () => {} },
    log: pino({ level: 'silent' }),
  } as unknown as ActivityPorts;
  const input = { source: 'memory', symbols: [BTC.symbol], timeframe: BTC.timeframe, asOf };
  const answers = await inActivity(() => createFetch(ports)(input));
  expect(answers).toMatchObject([{ ok: true, value: { kind: 'fill' } }]);
  expect(await memory.pairState.symbolStates()).toMatchObject([{ activation: 'registered', since: asOf }]);
});
