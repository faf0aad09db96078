/** Whether a symbol may be shown: read from its 1h candles in the store, written to its state. */
import { nextActivation } from '../src/domain/activation';
import { countRanges, subtractRanges } from '../src/domain/coverage';
import { explainingGaps } from '../src/domain/gap-decision';
import { lastClosedOpen, MINUTE, parseTimeframe } from '../src/domain/timeframe';
import type { EpochMs, MarketSymbol } from '../src/domain/types';
import { followedSymbols } from './followed';
import type { ActivityPorts } from './ports';

/** Activation rests on this timeframe. */
export const ACTIVATION_TIMEFRAME = parseTimeframe('1h');

/**
 * The exchange's clock may be this much behind ours: what closed within it may not be closed there yet, and a cycle that runs
 * right after each boundary would never find a symbol complete (F31).
 */
const CLOCK_TOLERANCE_MS = 2 * MINUTE;

/**
 * Judges the symbol by what was closed at `asOf` and keeps the verdict; true when it turned ready by this. A state that
 * begins, begins at `now`: a fill judges by the time it started, and boundaries passed while it ran (I16).
 */
export async function judgeActivation(
  ports: ActivityPorts,
  symbol: MarketSymbol,
  { asOf, now }: { readonly asOf: EpochMs; readonly now: EpochMs },
): Promise<boolean> {
  const pair = { symbol, timeframe: ACTIVATION_TIMEFRAME };
  const states = await ports.pairState.symbolStates();
  const before = states.find((state) => state.symbol === symbol);
  const current = before?.activation ?? null;
  // Only the daily look takes it out: until then what is published of it stays (F74).
  if (current === 'quarantined') return false;
  const extent = await ports.candles.extent(pair);
  const known = explainingGaps(await ports.gapLedger.list(pair));
  const holes = extent === null ? [] : await ports.candles.holes(pair);
  const verdict = nextActivation({
    current,
    extent,
    earliest: (await ports.pairState.earliest(pair))?.openTime ?? null,
    lastClosed: lastClosedOpen(pair.timeframe, asOf - CLOCK_TOLERANCE_MS, ports.settings.settleMs),
    unexplainedHoles: countRanges(pair.timeframe, subtractRanges(pair.timeframe, holes, known)),
  });
  const { state: activation, reason } = verdict;
  if (activation !== current || reason !== null) {
    const since = before?.activation === activation ? before.since : now;
    const written = await ports.pairState.setSymbolState({ symbol, activation, since, reason }, before ?? null);
    if (!written) return false;
  }
  return activation === 'ready' && current !== 'ready';
}

/**
 * Open time of the first 1h candle known of a symbol, which tells since when it trades: that of the exchange, or a stored one
 * from before what the exchange gives now. Null while the exchange's is not known.
 */
export async function firstHour(ports: ActivityPorts, symbol: MarketSymbol): Promise<EpochMs | null> {
  const pair = { symbol, timeframe: ACTIVATION_TIMEFRAME };
  const earliest = await ports.pairState.earliest(pair);
  if (earliest === null) return null;
  const extent = await ports.candles.extent(pair);
  return Math.min(earliest.openTime, extent?.first ?? earliest.openTime);
}

/** New symbols are registered, those no longer configured retire with their data kept; one that comes back starts anew. */
export async function registerSymbols(ports: ActivityPorts, asOf: EpochMs): Promise<void> {
  const states = new Map((await ports.pairState.symbolStates()).map((state) => [state.symbol, state]));
  const followed = await followedSymbols(ports);
  for (const symbol of followed) {
    const known = states.get(symbol);
    if (known !== undefined && known.activation !== 'retired') continue;
    const reason = 'nothing is stored yet';
    await ports.pairState.setSymbolState({ symbol, activation: 'registered', since: asOf, reason }, known ?? null);
  }
  for (const known of states.values()) {
    const { symbol, activation } = known;
    if (activation === 'retired' || followed.includes(symbol)) continue;
    const reason = 'no longer in SYMBOLS and not discovered; its data is kept';
    await ports.pairState.setSymbolState({ symbol, activation: 'retired', since: asOf, reason }, known);
  }
}
