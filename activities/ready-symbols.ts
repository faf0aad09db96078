import type { MarketSymbol } from '../src/domain/types';
import { followedSymbols } from './followed';
import type { ActivityPorts } from './ports';

/** Followed symbols that may be shown: those a model must be able to forecast. */
export async function readySymbols(ports: ActivityPorts): Promise<MarketSymbol[]> {
  const states = await ports.pairState.symbolStates();
  const ready = new Set(states.flatMap(({ symbol, activation }) => (activation === 'ready' ? [symbol] : [])));
  return (await followedSymbols(ports)).filter((symbol) => ready.has(symbol));
}
