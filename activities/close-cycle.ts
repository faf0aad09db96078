/** The record of a round: how it went, and what became of every boundary it had to account for. */
import { boundariesBetween, accountBoundaries } from '../src/domain/boundaries';
import { closeOf, lastBoundary, shiftSlots } from '../src/domain/timeframe';
import type { EpochMs, TimeframeId } from '../src/domain/types';
import type { CloseCycleInput } from './contract';
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
      await ports.runLog.recordBoundaries(
        records.map((record) => ({
          ...record,
          reason: record.reason.slice(0, 500),
          timeframe,
          recordedAt: ports.clock.now(),
        })),
      );
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
  return {
    after: settled.length === 0 ? null : Math.max(...settled),
    failedBefore: new Map(failed.map(({ boundary, reason }) => [boundary, reason])),
  };
}

/** Boundaries at which every visible symbol's candle is stored or explained. */
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
    const gaps = await ports.gapLedger.list(pair);
    for (const boundary of covered) {
      const open = shiftSlots(timeframe, boundary, -1);
      const explained = gaps.some((gap) => gap.from <= open && open <= gap.to);
      if (!stored.has(boundary) && !explained) covered.delete(boundary);
    }
  }
  return covered;
}
