/** Removes candles of timeframes that are kept for a limited time; the only thing that ever removes candles (I08). */
import { DAY, openOf, shiftSlots } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { EpochMs, Pair } from '../src/domain/types';
import type { RetentionResult } from './contract';
import type { ActivityPorts } from './ports';
import { guarded } from './stage';
import { sampleStorage } from './storage';

export function createApplyRetention(ports: ActivityPorts) {
  return ({ asOf }: { readonly asOf: EpochMs }): Promise<RetentionResult> =>
    guarded(async () => {
      const removed: Record<string, number> = {};
      for (const pair of await ports.candles.pairs()) {
        const { retention } = ports.settings.rules(pair.timeframe);
        if (retention === 'forever') continue;
        const before = openOf(pair.timeframe, asOf - retention.days * DAY);
        const count = await ports.candles.deleteBefore(pair, before);
        if (count > 0) removed[pairKey(pair)] = count;
        await forgetGaps(ports, pair, before);
      }
      return { removed, storage: await sampleStorage(ports, asOf) };
    });
}

/** What is no longer kept is no gap either. */
async function forgetGaps(ports: ActivityPorts, pair: Pair, before: EpochMs): Promise<void> {
  const [first] = await ports.gapLedger.list(pair);
  if (first === undefined || first.from >= before) return;
  await ports.gapLedger.resolve(pair, [{ from: first.from, to: shiftSlots(pair.timeframe, before, -1) }]);
}
