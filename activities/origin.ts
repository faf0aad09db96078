import { lastClosedOpen } from '../src/domain/timeframe';
import type { EpochMs, Pair } from '../src/domain/types';
import type { ActivityPorts } from './ports';

/** Open time of the newest candle a run of `asOf` may use, whatever the store holds by now (I02). */
export function lastUsableOpen(ports: ActivityPorts, pair: Pair, asOf: EpochMs): EpochMs {
  return lastClosedOpen(pair.timeframe, asOf, ports.settings.settleMs);
}
