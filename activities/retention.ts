/** Removes candles of timeframes that are kept for a limited time; the only thing that ever removes candles (I08). */
import { DAY, openOf } from '../src/domain/timeframe';
import { pairKey } from '../src/domain/types';
import type { EpochMs } from '../src/domain/types';
import type { RetentionResult } from './contract';
import type { ActivityPorts } from './ports';
import { guarded } from './stage';

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
      }
      return { removed };
    });
}
