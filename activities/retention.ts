/** Removes candles of timeframes that are kept for a limited time; the only thing that ever removes candles (I08). */
import { closeOf, DAY, openOf, shiftSlots } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair, TimeframeId } from '../src/domain/types';
import type { RetentionResult } from './contract';
import type { ActivityPorts } from './ports';
import { guarded } from './stage';
import { sampleStorage } from './storage';

export function createApplyRetention(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<RetentionResult> =>
    guarded(async () => {
      const removed: Record<string, number> = {};
      const pairs = await ports.candles.pairs();
      const present = new Map<TimeframeId, EpochMs>();
      for (const pair of pairs) {
        const { retention } = ports.settings.rules(pair.timeframe);
        if (retention === 'forever') continue;
        const now = present.get(pair.timeframe) ?? (await presentOf(ports, pairs, pair.timeframe, asOf));
        present.set(pair.timeframe, now);
        const before = openOf(pair.timeframe, now - retention.days * DAY);
        const count = await ports.candles.deleteBefore(pair, before);
        if (count > 0) removed[pairKey(pair)] = count;
        await forgetGaps(ports, pair, before);
      }
      return { removed, storage: await sampleStorage(ports, asOf) };
    });
}

/** A clock that is ahead (F30) would make fresh candles old: no later than the newest candle of the timeframe has closed. */
async function presentOf(
  ports: ActivityPorts,
  pairs: readonly Pair[],
  timeframe: TimeframeId,
  asOf: EpochMs,
): Promise<EpochMs> {
  let newest = Number.NEGATIVE_INFINITY;
  for (const pair of pairs) {
    const extent = pair.timeframe === timeframe ? await ports.candles.extent(pair) : null;
    if (extent !== null) newest = Math.max(newest, closeOf(timeframe, extent.last));
  }
  return Math.min(asOf, newest);
}

/** What is no longer kept is no gap either. */
async function forgetGaps(ports: ActivityPorts, pair: Pair, before: EpochMs): Promise<void> {
  const [first] = await ports.gapLedger.list(pair);
  if (first === undefined || first.from >= before) return;
  await ports.gapLedger.resolve(pair, [{ from: first.from, to: shiftSlots(pair.timeframe, before, -1) }]);
}
