/** `operations.json` from the stores: what is measured is told, what is not is null, and Temporal may be gone. */
import { MemoryCandleStore } from '../../../src/adapters/memory/memory-candle-store';
import { MemoryDataQuality } from '../../../src/adapters/memory/memory-data-quality';
import { MemoryGapLedger } from '../../../src/adapters/memory/memory-gap-ledger';
import { MemoryPairState } from '../../../src/adapters/memory/memory-pair-state';
import { MemoryRunLog } from '../../../src/adapters/memory/memory-run-log';
import { DAY, HOUR } from '../../../src/domain/timeframe';
import type { ScheduleView } from '../../../src/ports/control';
import { canonicalDocument } from '../../../src/publish/canonical-json';
import { operationsDocumentSchema } from '../../../src/web/ops-documents';
import { OperationsReport, type OperationsPorts } from '../../../src/web/operations-report';
import { candlesThrough, pairOf } from '../publish/example';

const NOW = Date.UTC(2024, 5, 10, 12, 30);
const PAIR = pairOf('BTC/USDT', '1h');
const THROUGH = Date.UTC(2024, 5, 10, 12);

const SCHEDULE: ScheduleView = {
  id: 'cycle-1h',
  paused: true,
  note: 'the exchange is down',
  nextRuns: [NOW + HOUR],
  lastRuns: [NOW - 2 * HOUR, NOW - HOUR],
  running: [],
  missed: 1,
  skipped: 2,
};

async function portsWith(
  changes: Partial<OperationsPorts> = {},
): Promise<OperationsPorts & { readonly candles: MemoryCandleStore }> {
  const candles = new MemoryCandleStore();
  const gapLedger = new MemoryGapLedger();
  const all = candlesThrough(PAIR, THROUGH, 50);
  await candles.write(
    PAIR,
    all.filter((_, k) => ![10, 11, 30].includes(k)),
    NOW,
  );
  const at = (k: number) => all[k]?.openTime ?? Number.NaN;
  const asked = { asks: 2, firstAskedAt: NOW - DAY, lastAskedAt: NOW - HOUR };
  await gapLedger.record(PAIR, [{ from: at(10), to: at(11), state: 'outage', ...asked }]);
  return {
    source: 'simulated',
    namespace: 'default',
    symbols: async () => [PAIR.symbol],
    timeframes: [PAIR.timeframe],
    storage: { measure: async () => ({ usedBytes: 400, budgetBytes: 1000 }) },
    dataQuality: new MemoryDataQuality(),
    cycleTargetMs: 60_000,
    gapLedger,
    pairState: new MemoryPairState(),
    runLog: new MemoryRunLog(),
    generations: { generations: async () => [], readGeneration: async () => null },
    control: { schedules: async () => [SCHEDULE], fills: async () => [] },
    temporalUi: async () => null,
    ...changes,
    candles,
  };
}

test('schedules, coverage with the cause of each hole, and storage; the document keeps its schema', async () => {
  const ports = await portsWith();
  const document = await new OperationsReport(ports).at(NOW);
  expect(() => canonicalDocument(operationsDocumentSchema, document)).not.toThrow();
  expect(document.schedules).toEqual([
    expect.objectContaining({
      id: 'cycle-1h',
      paused: true,
      note: 'the exchange is down',
      next_run_at: null,
      last_run_at: '2024-06-10T11:30:00Z',
    }),
  ]);
  expect(document.coverage[0]).toMatchObject({ candles: 47, holes_total: 2 });
  expect(document.coverage[0]?.holes.map(({ cause, slots, asks }) => [cause, slots, asks])).toEqual([
    ['unexplained', 1, 0],
    ['outage', 2, 2],
  ]);
  expect(document.runtime).toEqual([expect.objectContaining({ cycles: 0, p95_seconds: null, last: null })]);
});

test('a reason of any length is cut to what the document holds, and the document is written', async () => {
  const control = { schedules: async () => [{ ...SCHEDULE, note: 'x'.repeat(2_001) }], fills: async () => [] };
  const document = await new OperationsReport(await portsWith({ control })).at(NOW);
  const written = JSON.parse(canonicalDocument(operationsDocumentSchema, document)) as typeof document;
  expect(written.schedules?.[0]?.note).toBe('x'.repeat(2_000));
});

test('candles that a fill brings are told by the next report, and whole histories are looked through only when they changed', async () => {
  const ports = await portsWith();
  const report = new OperationsReport(ports);
  const looks = jest.spyOn(ports.candles, 'holes');
  const [before] = (await report.at(NOW)).coverage;
  await report.at(NOW + 60_000);
  expect(looks).toHaveBeenCalledTimes(1);
  const end = Date.parse(before?.end ?? '') + 3_600_000;
  const filled = { openTime: end, open: 1, high: 1, low: 1, close: 1, volume: 1 };
  const [pair] = await ports.candles.pairs();
  if (pair === undefined) throw new Error('no pair');
  await ports.candles.write(pair, [filled], NOW);
  const [after] = (await report.at(NOW + 120_000)).coverage;
  expect(after).toMatchObject({ candles: 48, holes_total: 2, end: new Date(end).toISOString().replace('.000', '') });
});

test('a Temporal that fails or never answers leaves its part unknown and the rest told', async () => {
  jest.useFakeTimers({ doNotFake: ['performance'] });
  try {
    const never = new Promise<never>(() => {});
    const control = { schedules: () => never, fills: () => Promise.reject(new Error('down')) };
    const made = new OperationsReport(await portsWith({ control })).at(NOW);
    await jest.advanceTimersByTimeAsync(5_000);
    const document = await made;
    expect([document.schedules, document.fills]).toEqual([null, null]);
    expect(document.coverage).toHaveLength(1);
  } finally {
    jest.useRealTimers();
  }
});

test('growth and days left are told from the sizes of the last week; what can not be read is null', async () => {
  const dataQuality = new MemoryDataQuality();
  const sample = (at: number, usedBytes: number) =>
    dataQuality.recordStorage({ at, usedBytes, level: 'ok', budgetBytes: 1000 });
  const first = await new OperationsReport(await portsWith({ dataQuality })).at(NOW);
  expect(first.storage).toMatchObject({
    used_bytes: 400,
    level: 'ok',
    bytes_per_day: null,
    days_left: null,
    samples: 0,
  });
  await sample(NOW - 30 * DAY, 9);
  await sample(NOW - 2 * DAY, 200);
  await sample(NOW, 400);
  const measured = await new OperationsReport(await portsWith({ dataQuality })).at(NOW);
  expect(measured.storage).toMatchObject({
    bytes_per_day: 100,
    days_left: 5,
    samples: 2,
    sampled_since: '2024-06-08T12:30:00Z',
  });
  const storage = { measure: async () => ({ usedBytes: null, budgetBytes: null }) };
  const unreadable = await new OperationsReport(await portsWith({ dataQuality, storage })).at(NOW);
  expect(unreadable.storage).toMatchObject({ used_bytes: null, budget_bytes: null, level: 'block', days_left: null });
  expect(() => canonicalDocument(operationsDocumentSchema, unreadable)).not.toThrow();
});

test('cycles that failed in the last day are changes, and the last one is named', async () => {
  const runLog = new MemoryRunLog();
  const begin = async (runId: string, startedAt: number, outcome: 'published' | 'partial' | 'failed') => {
    await runLog.begin({
      timeframe: PAIR.timeframe,
      workflowId: 'cycle-1h',
      runId,
      round: 1,
      asOf: startedAt,
      startedAt,
      trigger: 'schedule',
    });
    await runLog.end(runId, 1, {
      firstPassAt: startedAt + 2000,
      endedAt: startedAt + 3000,
      outcome,
      pairs: 5,
      failed: outcome === 'published' ? 0 : 2,
      newCandles: 5,
    });
  };
  await begin('old', NOW - 3 * DAY, 'failed');
  await begin('a', NOW - 2 * HOUR, 'partial');
  await begin('b', NOW - HOUR, 'published');
  const document = await new OperationsReport(await portsWith({ runLog })).at(NOW);
  expect(document.changes.map(({ kind, sentence }) => `${kind}: ${sentence}`)).toEqual([
    'cycle: cycle of 1h partial: 2 of 5 pairs failed',
  ]);
  expect(document.runtime[0]).toMatchObject({
    cycles: 3,
    average_seconds: 2,
    success_rate: 1 / 3,
    last: { workflow: { id: 'cycle-1h', run: 'b' } },
  });
});
