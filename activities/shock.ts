/** Looks for a shock at the end of an hourly cycle, and asks for a training when there is one (SPEC 7). */
import { SHOCK_CLOSES, shockOf } from '../src/domain/retrain';
import { lastClosedOpen } from '../src/domain/timeframe';
import type { EpochMs } from '../src/domain/types';
import { ACTIVATION_TIMEFRAME } from './activation';
import type { ActivityPorts } from './ports';
import { readySymbols } from './ready-symbols';

/** Never throws: a cycle does not fail for what it sees. */
export async function askAfterShock(ports: ActivityPorts, asOf: EpochMs): Promise<void> {
  try {
    const observations = await shockObservations(ports, asOf);
    if (observations > 0) await ports.requestTraining(ACTIVATION_TIMEFRAME, 'shock', observations);
  } catch (error) {
    ports.log.warn({ error: String(error) }, 'shocks were not looked for');
  }
}

/** 2: some symbol had one at this candle and at the one before; 1: at this one only. */
async function shockObservations(ports: ActivityPorts, asOf: EpochMs): Promise<number> {
  const newest = lastClosedOpen(ACTIVATION_TIMEFRAME, asOf, ports.settings.settleMs);
  let observations = 0;
  for (const symbol of await readySymbols(ports)) {
    const pair = { symbol, timeframe: ACTIVATION_TIMEFRAME };
    const candles = await ports.candles.last(pair, SHOCK_CLOSES + 1, newest);
    // A store that is behind has its shock looked for when it has caught up.
    if (candles.at(-1)?.openTime !== newest) continue;
    const closes = candles.map(({ close }) => close);
    if (shockOf(closes) === null) continue;
    observations = Math.max(observations, shockOf(closes.slice(0, -1)) === null ? 1 : 2);
  }
  return observations;
}
