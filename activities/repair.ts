/** Holes of the whole stored range are asked for again within bounds; on 1h the symbol's readiness is judged after it. */
import type { EpochMs, Pair } from '../src/domain/types';
import type { RequestPriority } from '../src/ports/exchange';
import { repair } from '../src/ingest/repair';
import type { RepairRequest, RepairSummary } from '../src/ingest/repair';
import { markOutages } from '../src/ingest/outages';
import { ACTIVATION_TIMEFRAME, judgeActivation } from './activation';
import type { RepairResult, StageInput } from './contract';
import { followedSymbols } from './followed';
import type { ActivityPorts } from './ports';
import { forEachSymbol } from './stage';

/** A live cycle asks this many pages a pair at most; the rest waits for the next one. */
const LIVE_REQUESTS = 5;

export function createRepair(ports: ActivityPorts) {
  return (input: StageInput) =>
    forEachSymbol<RepairResult>(ports, 'repair', input, (pair, signal) =>
      repairPair(ports, pair, input.asOf, { priority: 'live', now: input.asOf, maxRequests: LIVE_REQUESTS, signal }),
    );
}

export async function repairPair(
  ports: ActivityPorts,
  pair: Pair,
  asOf: EpochMs,
  {
    now,
    ...how
  }: {
    readonly priority: RequestPriority;
    /** When a symbol that turns ready by this does so. */
    readonly now: EpochMs;
    readonly signal: AbortSignal;
    readonly maxRequests?: number;
  },
): Promise<RepairResult> {
  const { missing, asked, found, undecided } = await repairTellingOutages(ports, pair, asOf, how);
  const judged = pair.timeframe === ACTIVATION_TIMEFRAME;
  const becameReady = judged && (await judgeActivation(ports, pair.symbol, { asOf, now }));
  return { missing, asked, found, undecided, becameReady };
}

async function repairTellingOutages(
  ports: ActivityPorts,
  pair: Pair,
  asOf: EpochMs,
  how: Pick<RepairRequest, 'priority' | 'signal' | 'maxRequests'>,
): Promise<RepairSummary> {
  let confirmed = 0;
  const onProgress = (summary: RepairSummary) => void (confirmed = summary.confirmed);
  try {
    return await repair(ports, { pair, asOf, ...how, onProgress });
  } finally {
    // What was decided stands, also when the run failed over another hole.
    if (confirmed > 0) await markOutages(ports, pair.timeframe, await followedSymbols(ports));
  }
}
