import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { MemoryForecastLedger } from '../../../src/adapters/memory/memory-forecast-ledger';
import { MemoryGapLedger } from '../../../src/adapters/memory/memory-gap-ledger';
import { MemoryModelRegistry } from '../../../src/adapters/memory/memory-model-registry';
import { MemoryPairState } from '../../../src/adapters/memory/memory-pair-state';
import { MemoryRunLog } from '../../../src/adapters/memory/memory-run-log';
import { HOUR } from '../../../src/domain/timeframe';
import type { Candle } from '../../../src/domain/types';
import type { ForecastScore } from '../../../src/ports/forecast-ledger';
import type { KnownGap } from '../../../src/ports/gap-ledger';
import { replayReport } from '../../../temporal/replay-report';
import type { ReplaySpan } from '../../../temporal/replay-report';
import type { Stores } from '../../../temporal/stores';
import { candlesFrom, pairOf } from '../cli/test-wiring';

const PAIR = pairOf('BTC/USDT', '1h');
const FROM = Date.UTC(2024, 0, 1);
const TO = FROM + 24 * HOUR;
const SPAN: ReplaySpan = {
  pairs: [PAIR],
  from: FROM,
  to: TO,
  end: TO + 5_000,
  planned: 0,
  plannedJobs: 0,
  standsAt: TO + 5_000,
};

const state = {
  gapLedger: new MemoryGapLedger(),
  forecastLedger: new MemoryForecastLedger(),
  pairState: new MemoryPairState(),
  runLog: new MemoryRunLog(),
  models: new MemoryModelRegistry(),
};
const candles = new MemoryCandleStore();
const told = (span: Partial<ReplaySpan> = {}) =>
  replayReport({ candles, state } as unknown as Stores, { records: [], jobs: [] }, { ...SPAN, ...span });

/** Hours without candles, as the ledger has them. */
const gap = (from: number, to: number): KnownGap => ({
  from,
  to,
  state: 'outage',
  asks: 2,
  firstAskedAt: to,
  lastAskedAt: to,
});
const score = (dataThrough: number, step: number): ForecastScore => ({
  pair: PAIR,
  role: 'champion',
  modelVersion: 'a',
  dataThrough,
  step,
  actual: 1,
  absoluteError: 0,
  symmetricError: 0,
  pinball: 0,
  inside50: true,
  inside80: true,
  inside95: true,
  directionRight: null,
});
const revised = (openTime: number): Candle => ({ openTime, open: 1, high: 1, low: 1, close: 1, volume: 1 });
const refused = (openTime: number) => ({ reason: 'malformed', openTime, raw: String(openTime) }) as const;

test('an end before where the folder stands is told of as it was then, and says where that is', async () => {
  const from = TO - 48 * HOUR;
  await candles.write(PAIR, candlesFrom(PAIR, from, 36), TO);
  await candles.write(PAIR, candlesFrom(PAIR, from + 38 * HOUR, 8), TO);
  // Two hours of a gap that goes on after the end.
  await state.gapLedger.record(PAIR, [gap(from + 36 * HOUR, from + 37 * HOUR), gap(TO - 2 * HOUR, TO - HOUR)]);
  await state.forecastLedger.recordScores([score(TO - 2 * HOUR, 1), score(TO - 2 * HOUR, 2)]);
  await state.pairState.recordRevisions(PAIR, [{ before: revised(from), after: revised(from) }], TO + 5_000);
  await state.pairState.quarantine(PAIR, [refused(from)], TO + 5_000);
  const then = await told();
  expect(then.stands_at).toBeNull();
  expect(then.pairs).toEqual([
    expect.objectContaining({
      candles: 44,
      last: new Date(TO - 3 * HOUR).toISOString(),
      holes: 2,
      unexplained: 0,
      gaps: [expect.objectContaining({ slots: 2 }), expect.objectContaining({ slots: 2 })],
      revised: 1,
      quarantined: 1,
      steps_scored: 2,
    }),
  ]);

  await candles.write(PAIR, candlesFrom(PAIR, TO + 2 * HOUR, 5), TO + 9 * HOUR);
  await state.gapLedger.record(PAIR, [gap(TO - 2 * HOUR, TO + HOUR), gap(TO + 7 * HOUR, TO + 8 * HOUR)]);
  await state.forecastLedger.recordScores([score(TO - 2 * HOUR, 3), score(TO + HOUR, 1)]);
  await state.pairState.recordRevisions(PAIR, [{ before: revised(from), after: revised(from) }], TO + 3 * HOUR);
  await state.pairState.quarantine(PAIR, [refused(TO)], TO + 3 * HOUR);
  const standsAt = TO + 9 * HOUR;
  expect(await told({ standsAt })).toEqual({ ...then, stands_at: new Date(standsAt).toISOString() });
  expect((await told({ to: standsAt, end: standsAt, standsAt })).pairs[0]).toMatchObject({
    candles: 49,
    revised: 2,
    quarantined: 2,
    steps_scored: 4,
  });
});

test('it is complete when every cycle, training and report that it takes was run', async () => {
  expect((await told()).complete).toBe(true);
  expect((await told({ planned: 1 })).complete).toBe(false);
  expect((await told({ plannedJobs: 1 })).complete).toBe(false);
});
