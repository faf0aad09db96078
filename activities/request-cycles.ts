/** Asks for cycles: each is started, or, when it runs, left a request to go round again. */
import type { TimeframeId } from '../src/domain/types';
import type { ActivityPorts } from './ports';
import { guarded } from './stage';

/** An empty list means every configured timeframe. */
export function createRequestCycles(ports: ActivityPorts) {
  return ({
    timeframes,
    reason,
  }: {
    readonly timeframes: readonly TimeframeId[];
    readonly reason: string;
  }): Promise<void> =>
    guarded(async () => {
      const wanted = timeframes.length === 0 ? ports.settings.timeframes : timeframes;
      for (const timeframe of wanted) await ports.requestCycle(timeframe, reason);
    });
}
