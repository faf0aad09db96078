/** The record of a round: how it went, and what became of every boundary it had to account for. */
import { boundariesBetween, accountBoundaries, NO_CYCLE_RAN } from '../src/domain/boundaries';
import type { BoundaryAccount } from '../src/domain/boundaries';
import { eventOf } from '../src/domain/event';
import type { Event } from '../src/domain/event';
import { explainingGaps } from '../src/domain/gap-decision';
import { closeOf, lastBoundary, lastClosedOpen, shiftSlots } from '../src/domain/timeframe';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import { recordDueSlots } from '../src/ingest/due-slots';
import type { CloseCycleInput } from './contract';
import { ACTIVATION_TIMEFRAME } from './activation';
import { askAfterShock } from './shock';
import { followedSymbols } from './followed';
import type { ActivityPorts } from './ports';
import { guarded, refuseOtherSource } from './stage';

/** Missed boundaries are looked for this far back. */
const LOOK_BACK_SLOTS = 1_000;

export function createCloseCycle(ports: ActivityPorts) {
  return (input: CloseCycleInput): Promise<void> =>
    guarded(async () => {
      refuseOtherSource(ports, input.source);
      const { timeframe, asOf, failed } = input;
      await ports.runLog.end(input.runId, input.round, {
        firstPassAt: input.firstPassAt,
        endedAt: input.endedAt,
        outcome: input.outcome,
        pairs: input.pairs,
        failed: failed.length,
        newCandles: input.newCandles,
      });
      const { after, failedBefore } = await accountedSoFar(ports, timeframe, asOf);
      const covered = await coveredBoundaries(ports, timeframe, after ?? lastBoundary(timeframe, asOf) - 1, asOf);
      const records = accountBoundaries({
        timeframe,
        after,
        asOf,
        failedBefore,
        succeeded: failed.length === 0,
        reason: failed.length === 0 ? input.outcome : failed.map(({ symbol, code }) => `${symbol} ${code}`).join(', '),
        hasData: (boundary) => covered.has(boundary),
      });
      // Before the boundaries, which a second attempt would find accounted for (I50).
      await ports.events.record([...(await overrun(ports, input)), ...missedBoundaries(input, records)]);
      await ports.runLog.recordBoundaries(
        records.map((record) => ({
          ...record,
          reason: record.reason.slice(0, 500),
          timeframe,
          recordedAt: ports.clock.now(),
        })),
      );
      if (timeframe === ACTIVATION_TIMEFRAME && input.newCandles > 0) await askAfterShock(ports, asOf);
      await packPublished(ports);
    });
}

/** After the budgeted part of the cycle, so that no document waits for it. Readers do without what is not packed. */
async function packPublished({ publisher, log }: ActivityPorts): Promise<void> {
  await publisher
    .pack(PACKING_LIMIT_MS)
    .catch((error: unknown) => log.warn({ error: String(error) }, 'documents are not packed'));
}

const PACKING_LIMIT_MS = 10_000;

/** A working cycle whose first pass took longer than its budget. */
async function overrun(ports: ActivityPorts, input: CloseCycleInput): Promise<Event[]> {
  const { timeframe, runId, round, firstPassAt, outcome } = input;
  const run = (await ports.runLog.recent(timeframe, RECENT_RUNS)).find(
    (recent) => recent.runId === runId && recent.round === round,
  );
  if (run === undefined || firstPassAt === null || outcome === 'idle') return [];
  const tookMs = firstPassAt - run.startedAt;
  const limit = ports.settings.cycleTargetMs;
  if (tookMs <= limit) return [];
  const detail = `the first pass took ${(tookMs / 1000).toFixed(1)} s of ${limit / 1000} s`;
  const workflow = { id: run.workflowId, run: runId };
  return [eventOf('overrun', input.asOf, { key: `overrun ${runId} ${round}`, timeframe, detail, workflow })];
}

/** The run that is being closed is among the newest. */
const RECENT_RUNS = 20;

function missedBoundaries({ timeframe, asOf }: CloseCycleInput, records: readonly BoundaryAccount[]): Event[] {
  return records
    .filter(({ outcome, reason }) => outcome === 'skipped' && reason.startsWith(NO_CYCLE_RAN))
    .map(({ boundary, reason }) => {
      const at = new Date(boundary).toISOString();
      const facts = { timeframe, detail: `boundary ${at}: ${reason}`, since: boundary };
      return eventOf('missed_boundary', asOf, { key: `missed_boundary ${timeframe} ${at}`, ...facts });
    });
}

/** The newest boundary before `asOf` that is done or skipped; failed ones after it are accounted for again. */
async function accountedSoFar(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  asOf: EpochMs,
): Promise<{ readonly after: EpochMs | null; readonly failedBefore: ReadonlyMap<EpochMs, string> }> {
  const from = shiftSlots(timeframe, asOf, -LOOK_BACK_SLOTS);
  const records = await ports.runLog.boundaries(timeframe, from, asOf - 1);
  const settled = records.filter(({ outcome }) => outcome !== 'failed').map(({ boundary }) => boundary);
  const failed = records.filter(({ outcome }) => outcome === 'failed');
  // With none settled yet, accounts begin at the first boundary that failed.
  const before = failed.length === 0 ? null : shiftSlots(timeframe, Math.min(...failed.map((one) => one.boundary)), -1);
  return {
    after: settled.length === 0 ? before : Math.max(...settled),
    failedBefore: new Map(failed.map(({ boundary, reason }) => [boundary, reason])),
  };
}

/**
 * Boundaries at which every visible symbol's candle is stored, explained, or of before its listing. Slots after the last
 * stored candle that have closed are in the ledger from here on, whyever their candles did not come.
 */
async function coveredBoundaries(
  ports: ActivityPorts,
  timeframe: TimeframeId,
  after: EpochMs,
  asOf: EpochMs,
): Promise<Set<EpochMs>> {
  const covered = new Set(boundariesBetween(timeframe, after, asOf));
  const followed = new Set(await followedSymbols(ports));
  for (const state of await ports.pairState.symbolStates()) {
    if (state.activation !== 'ready' || !followed.has(state.symbol)) continue;
    const pair = { symbol: state.symbol, timeframe };
    const from = shiftSlots(timeframe, after, -1);
    const stored = new Set(
      (await ports.candles.read(pair, { from })).map(({ openTime }) => closeOf(timeframe, openTime)),
    );
    const last = Math.max(
      shiftSlots(timeframe, from, -1),
      ...[...stored].map((close) => shiftSlots(timeframe, close, -1)),
    );
    const earliest = (await ports.pairState.earliest(pair))?.openTime ?? Number.NEGATIVE_INFINITY;
    const due = {
      from: Math.max(earliest, shiftSlots(timeframe, last, 1)),
      to: lastClosedOpen(timeframe, asOf, ports.settings.settleMs),
    };
    await recordDueSlots(ports.gapLedger, pair, due, { at: asOf, failed: false });
    const gaps = explainingGaps(await ports.gapLedger.list(pair));
    for (const boundary of covered) {
      const open = shiftSlots(timeframe, boundary, -1);
      const explained = open < earliest || gaps.some((gap) => gap.from <= open && open <= gap.to);
      if (!stored.has(boundary) && !explained) covered.delete(boundary);
    }
  }
  return covered;
}
